/** The virtual network: the contract, and each way in which it lies. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RandomStream } from '../../src/seams/random.js';
import { type MemoryEndpoint, type MemoryEndpointOptions, MemoryNetwork } from '../../src/testing/memory-network.js';
import { networkContract } from '../../src/testing/network-contract.js';

const STEPS_MAX = 100_000;

/** Virtual time: runs what is due, earliest first, in the order of scheduling when equal. */
class Scheduler {
  #due: { readonly atMs: number; readonly order: number; readonly run: () => void }[] = [];
  #order = 0;
  nowMs = 0;

  readonly schedule = (delayMs: number, run: () => void): void => {
    this.#due.push({ atMs: this.nowMs + delayMs, order: (this.#order += 1), run });
  };

  step(): boolean {
    const next = this.#due.toSorted((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
    if (next === undefined) return false;
    this.#due = this.#due.filter((item) => item !== next);
    this.nowMs = next.atMs;
    next.run();
    return true;
  }

  run(): void {
    for (let steps = 0; this.step(); steps += 1) assert.ok(steps < STEPS_MAX);
  }
}

/** A small generator (xorshift) whose draws a seed decides. */
function randomOf(seed: number): RandomStream {
  let state = seed | 1;
  return {
    integer: (bound) => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state >>> 0) % bound;
    },
  };
}

interface Member {
  readonly endpoint: MemoryEndpoint;
  readonly events: string[];
}

class World {
  readonly scheduler = new Scheduler();
  readonly network: MemoryNetwork;

  constructor(seed = 1) {
    this.network = new MemoryNetwork({ schedule: this.scheduler.schedule, random: randomOf(seed) });
  }

  member(id: number, options: MemoryEndpointOptions = {}): Member {
    const endpoint = this.network.endpoint(id, options);
    const events: string[] = [];
    endpoint.start({
      frame: (from, channel, frame) => events.push(`${from} ${channel} ${Buffer.from(frame).toString()}`),
      unreachable: (peer) => events.push(`unreachable ${peer}`),
      introduced: (peer) => events.push(`introduced ${peer.id}`),
      refused: (peer, reason) => events.push(`refused by ${peer}: ${reason}`),
    });
    return { endpoint, events };
  }

  /** Members 1 to n that know each other and have met. */
  members(count: number): readonly Member[] {
    const members = Array.from({ length: count }, (_, position) => this.member(position + 1));
    for (const { endpoint } of members) endpoint.setPeers(members.map((member) => member.endpoint.self));
    this.scheduler.run();
    for (const { events } of members) events.length = 0;
    return members;
  }
}

function send(from: Member, to: number, text: string, channel: 'control' | 'append' = 'control'): void {
  from.endpoint.send(to, channel, [Buffer.from(text)]);
}

/** What three members hear under delays, losses and repetitions that the seed decides. */
function runOf(seed: number): readonly string[] {
  const world = new World(seed);
  const members = world.members(3);
  world.network.setLatency(1, 50);
  for (const channel of ['control', 'append'] as const) {
    world.network.setFaults(channel, { drop: 0.3, duplicate: 0.3 });
  }
  const all: string[] = [];
  for (let number = 0; number < 50; number += 1) {
    for (const member of members) {
      send(member, 1 + ((member.endpoint.id + number) % 3), `${number}`, number % 2 === 0 ? 'control' : 'append');
    }
    world.scheduler.step();
  }
  world.scheduler.run();
  for (const { events } of members) all.push(...events);
  return all;
}

networkContract('MemoryNetwork', () => {
  const queueFrames = 50;
  const scheduler = new Scheduler();
  const network = new MemoryNetwork({
    schedule: scheduler.schedule,
    random: randomOf(3),
    queue: { frames: queueFrames, bytes: 10_000_000 },
  });
  return Promise.resolve({
    queueFrames,
    member: (id) => {
      const endpoint = network.endpoint(id);
      const member = {
        ...endpoint.self,
        network: endpoint,
        received: [] as { from: number; channel: 'control' | 'append' | 'snapshot'; text: string }[],
        introduced: [] as { id: number; address: string }[],
        unreachable: [] as number[],
        stop: () => Promise.resolve(endpoint.close()),
      };
      endpoint.start({
        frame: (from, channel, frame) => member.received.push({ from, channel, text: Buffer.from(frame).toString() }),
        unreachable: (peer) => member.unreachable.push(peer),
        introduced: (peer) => member.introduced.push(peer),
        refused: () => {},
      });
      return Promise.resolve(member);
    },
    until: (condition, what) => {
      for (let steps = 0; !condition(); steps += 1) {
        assert.ok(steps < STEPS_MAX, `waited in vain until ${what}`);
        scheduler.step();
      }
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  });
});

describe('MemoryNetwork', () => {
  test('the same seed gives the same run, another seed another', () => {
    assert.deepEqual(runOf(5), runOf(5));
    assert.notDeepEqual(runOf(5), runOf(6));
  });

  test('channels overtake each other, frames of one channel do not', () => {
    const world = new World(7);
    const [one, two] = world.members(2) as [Member, Member];
    world.network.setLatency(0, 100);
    for (let number = 0; number < 100; number += 1) {
      send(one, 2, `${number}`, 'control');
      send(one, 2, `${number}`, 'append');
    }
    world.scheduler.run();
    for (const channel of ['control', 'append']) {
      const numbers = two.events.filter((event) => event.includes(channel)).map((event) => Number(event.split(' ')[2]));
      assert.deepEqual(
        numbers,
        Array.from({ length: 100 }, (_, number) => number),
      );
    }
    assert.notDeepEqual(
      two.events.map((event) => event.split(' ')[1]),
      Array.from({ length: 200 }, (_, number) => (number % 2 === 0 ? 'control' : 'append')),
    );
  });

  test('drops and duplicates as often as it is told', () => {
    const world = new World(9);
    const [one, two] = world.members(2) as [Member, Member];
    world.network.setFaults('control', { drop: 1, duplicate: 0 });
    world.network.setFaults('append', { drop: 0, duplicate: 1 });
    for (const channel of ['control', 'append'] as const) for (const text of ['a', 'b']) send(one, 2, text, channel);
    world.scheduler.run();
    assert.deepEqual(two.events.toSorted(), ['1 append a', '1 append a', '1 append b', '1 append b']);
    assert.deepEqual(world.network.stats().droppedFrames, 2);
    assert.deepEqual(world.network.stats().duplicatedFrames, 2);
  });

  test('a cut is one-way, loses what is under way, and is reported to the sender', () => {
    const world = new World();
    const [one, two] = world.members(2) as [Member, Member];
    send(one, 2, 'under way');
    world.network.cut(1, 2);
    send(one, 2, 'into the cut');
    send(two, 1, 'other direction');
    world.scheduler.run();
    assert.deepEqual(two.events, []);
    assert.deepEqual(one.events.toSorted(), ['2 control other direction', 'unreachable 2', 'unreachable 2']);
    world.network.heal();
    send(one, 2, 'healed');
    world.scheduler.run();
    assert.deepEqual(two.events, ['1 control healed']);
  });

  test('a partition separates groups, and those in no group from all', () => {
    const world = new World();
    const members = world.members(4);
    world.network.partition([[1, 2], [3]]);
    for (const member of members) for (let to = 1; to <= 4; to += 1) send(member, to, 'x');
    world.scheduler.run();
    const heard = members.map(({ events }) => events.filter((event) => event.endsWith('x')));
    assert.deepEqual(heard, [['2 control x'], ['1 control x'], [], []]);
  });

  test('frames to a former life are not delivered to the next', () => {
    const world = new World();
    const [one] = world.members(2) as [Member];
    send(one, 2, 'to the former');
    const next = world.member(2);
    send(one, 2, 'to the next');
    world.scheduler.run();
    assert.deepEqual(next.events, ['introduced 1', '1 control to the next']);
  });

  test('removed members and other clusters are refused', () => {
    const world = new World();
    const one = world.member(1, { clusterId: 1, isRemoved: (id) => id === 2 });
    const two = world.member(2, { clusterId: 1 });
    const three = world.member(3, { clusterId: 9 });
    for (const { endpoint } of [two, three]) endpoint.setPeers([one.endpoint.self]);
    send(two, 1, 'x');
    world.scheduler.run();
    assert.deepEqual(one.events, []);
    assert.deepEqual(new Set(two.events), new Set(['refused by 1: removed']));
    assert.deepEqual(three.events, ['refused by 1: other-cluster']);
  });

  test('a frame that was changed after sending is found out', () => {
    const world = new World();
    const [one] = world.members(2) as [Member];
    const bytes = Buffer.from('before');
    one.endpoint.send(2, 'control', [bytes]);
    bytes.write('after!');
    assert.throws(() => world.scheduler.run(), /changed a frame/u);
  });

  test('a frame that was kept instead of copied is overwritten', () => {
    const world = new World();
    const [one] = world.members(1) as [Member];
    const kept: Uint8Array[] = [];
    const endpoint = world.network.endpoint(2);
    endpoint.start({
      frame: (_from, _channel, frame) => kept.push(frame),
      unreachable: () => {},
      introduced: () => {},
      refused: () => {},
    });
    one.endpoint.setPeers([endpoint.self]);
    send(one, 2, 'keep me');
    world.scheduler.run();
    assert.deepEqual(new Set(kept[0]), new Set([0xa5]));
  });
});
