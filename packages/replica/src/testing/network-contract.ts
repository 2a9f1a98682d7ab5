/** What every Network must do, as tests that run against any implementation of it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Channel, Network, PeerAddress } from '../seams/network.js';

export interface ReceivedFrame {
  readonly from: number;
  readonly channel: Channel;
  readonly text: string;
}

/** A member of the network under test: it records what the network reports. */
export interface ContractMember extends PeerAddress {
  readonly network: Network;
  readonly received: ReceivedFrame[];
  readonly introduced: PeerAddress[];
  readonly unreachable: number[];
  stop(): Promise<void>;
}

export interface ContractCluster {
  /** The most frames that may wait per peer and channel. */
  readonly queueFrames: number;
  /** Starts the member; again after stop() under the same id: a restart at the same address. */
  member(id: number): Promise<ContractMember>;
  /** Lets time pass until the condition holds. Rejects if it never does. */
  until(condition: () => boolean, what: string): Promise<void>;
  close(): Promise<void>;
}

const CHANNELS_MIXED: readonly Channel[] = ['control', 'append', 'snapshot'];

type Case = (cluster: ContractCluster) => Promise<void>;

const CASES: Readonly<Record<string, Case>> = {
  'frames arrive whole, whatever the chunks, and in order within a channel': async (cluster) => {
    const [one, two] = await pair(cluster);
    const expected = new Map<Channel, string[]>(CHANNELS_MIXED.map((channel) => [channel, []]));
    for (let number = 0; number < 300; number += 1) {
      // Within the bound, so that nothing is dropped.
      const sent = number;
      if (sent % cluster.queueFrames === 0)
        await cluster.until(() => two.received.length === sent, 'those before have arrived');
      const channel = CHANNELS_MIXED[number % 3] as Channel;
      const text = `${number}:${'x'.repeat((number * 97) % 7000)}`;
      expected.get(channel)?.push(text);
      const bytes = bytesOf(text);
      const middle = bytes.length >> 1;
      one.network.send(2, channel, [bytes.subarray(0, middle), new Uint8Array(0), bytes.subarray(middle)]);
    }
    await cluster.until(() => two.received.length >= 300, 'all frames have arrived');
    for (const [channel, texts] of expected) assert.deepEqual(textsOf(two, 1, channel), texts);
  },

  'both directions work at once': async (cluster) => {
    const [one, two] = await pair(cluster);
    one.network.send(2, 'control', [bytesOf('to two')]);
    two.network.send(1, 'control', [bytesOf('to one')]);
    await cluster.until(() => one.received.length + two.received.length === 2, 'both have heard');
    assert.deepEqual(textsOf(two, 1, 'control'), ['to two']);
    assert.deepEqual(textsOf(one, 2, 'control'), ['to one']);
  },

  'a member learns who talks to it and at which address, though it does not know it': async (cluster) => {
    const one = await cluster.member(1);
    const two = await cluster.member(2);
    one.network.setPeers([two]);
    await cluster.until(() => two.introduced.length > 0, 'two has met one');
    assert.deepEqual(two.introduced[0], { id: 1, address: one.address });
  },

  'a frame to an unknown member is dropped': async (cluster) => {
    const [one, two] = await pair(cluster);
    one.network.send(9, 'control', [bytesOf('nobody')]);
    one.network.send(2, 'control', [bytesOf('somebody')]);
    await cluster.until(() => two.received.length > 0, 'the other frame has arrived');
    assert.deepEqual(textsOf(two, 1, 'control'), ['somebody']);
  },

  'past the bound the oldest waiting frames are dropped, and the others keep their order': async (cluster) => {
    const [one, two] = await pair(cluster);
    const count = cluster.queueFrames * 3;
    for (let number = 0; number < count; number += 1) one.network.send(2, 'append', [bytesOf(`${number}`)]);
    await cluster.until(() => two.received.at(-1)?.text === `${count - 1}`, 'the newest frame has arrived');
    const newest = Array.from(
      { length: cluster.queueFrames },
      (_, position) => `${count - cluster.queueFrames + position}`,
    );
    assert.deepEqual(textsOf(two, 1, 'append'), newest);
  },

  'a peer that is gone is reported unreachable, and reached again after its restart': async (cluster) => {
    const [one, two] = await pair(cluster);
    await two.stop();
    await cluster.until(() => {
      one.network.send(2, 'control', [bytesOf('into the void')]);
      return one.unreachable.includes(2);
    }, 'the loss is reported');
    const again = await cluster.member(2);
    await cluster.until(() => {
      one.network.send(2, 'control', [bytesOf('back again')]);
      return again.received.some((frame) => frame.text === 'back again');
    }, 'the restarted member is reached');
  },

  'setPeers lets go of those who left': async (cluster) => {
    const [one, two] = await pair(cluster);
    one.network.send(2, 'control', [bytesOf('before')]);
    await cluster.until(() => two.received.length > 0, 'the first frame has arrived');
    one.network.setPeers([]);
    one.network.send(2, 'control', [bytesOf('meanwhile')]);
    one.network.setPeers([two]);
    await cluster.until(() => {
      one.network.send(2, 'control', [bytesOf('after')]);
      return two.received.some((frame) => frame.text === 'after');
    }, 'two is reached again');
    assert.ok(!two.received.some((frame) => frame.text === 'meanwhile'));
  },
};

/** Declares the contract's tests for the network that `make` makes. */
export function networkContract(name: string, make: () => Promise<ContractCluster>): void {
  describe(`${name} keeps the Network contract`, () => {
    for (const [title, run] of Object.entries(CASES)) {
      test(title, async () => {
        const cluster = await make();
        try {
          await run(cluster);
        } finally {
          await cluster.close();
        }
      });
    }
  });
}

/** Members 1 and 2, connected both ways. */
async function pair(cluster: ContractCluster): Promise<readonly [ContractMember, ContractMember]> {
  const one = await cluster.member(1);
  const two = await cluster.member(2);
  one.network.setPeers([one, two]);
  two.network.setPeers([one, two]);
  await cluster.until(() => one.introduced.length > 0 && two.introduced.length > 0, 'both have met');
  // Being introduced says that the other one's connection is there; a frame says that one's own is.
  await cluster.until(() => {
    if (one.received.length === 0) two.network.send(1, 'control', [bytesOf('hello')]);
    if (two.received.length === 0) one.network.send(2, 'control', [bytesOf('hello')]);
    return one.received.length > 0 && two.received.length > 0;
  }, 'both hear each other');
  await quiet(cluster, [one, two]);
  one.received.length = 0;
  two.received.length = 0;
  return [one, two];
}

/** Waits until what was sent on `control` has arrived, by a last frame on it. */
async function quiet(cluster: ContractCluster, [one, two]: readonly [ContractMember, ContractMember]): Promise<void> {
  one.network.send(2, 'control', [bytesOf('end')]);
  two.network.send(1, 'control', [bytesOf('end')]);
  const ended = (member: ContractMember): boolean => member.received.at(-1)?.text === 'end';
  await cluster.until(() => ended(one) && ended(two), 'both have heard the end');
}

function textsOf(member: ContractMember, from: number, channel: Channel): readonly string[] {
  return member.received.filter((frame) => frame.from === from && frame.channel === channel).map(({ text }) => text);
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
