/** The real network between members that behave: exchange, order, reconnecting, bounds. */
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { TCP_LIMITS } from '../../src/adapters/tcp-limits.js';
import type { TcpNetworkOptions } from '../../src/adapters/tcp-network.js';
import { CHANNELS } from '../../src/seams/network.js';
import { waitUntil } from '../../src/testing/conditions.js';
import { networkContract } from '../../src/testing/network-contract.js';
import { QUICK, stalledMember, TestMember } from './tcp-support.js';

const started: TestMember[] = [];

async function start(id: number, options: Partial<TcpNetworkOptions> = {}): Promise<TestMember> {
  const member = await TestMember.start(id, options);
  started.push(member);
  return member;
}

async function pair(options: Partial<TcpNetworkOptions> = {}): Promise<readonly [TestMember, TestMember]> {
  const one = await start(1, options);
  const two = await start(2, options);
  one.network.setPeers([one, two]);
  two.network.setPeers([one, two]);
  await waitUntil(
    () => one.log.introduced.length >= 2 && two.log.introduced.length >= 2,
    'both have met on both channels',
  );
  await waitUntil(() => [one, two].every((member) => connected(member, 3 - member.id)), 'both are connected');
  return [one, two];
}

function connected(member: TestMember, peer: number): boolean {
  return member.network.stats().peers.some(({ id, connected }) => id === peer && connected);
}

function statsOf(member: TestMember, peer: number) {
  const stats = member.network.stats().peers.find(({ id }) => id === peer);
  assert.ok(stats !== undefined);
  return stats;
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((member) => member.network.close()));
});

networkContract('TcpNetwork', async () => {
  const queueFrames = 50;
  const queue = { bytes: 1_000_000, frames: queueFrames };
  // Only `append` is bounded tightly: that is the channel on which the contract overruns the bound.
  const limits = { queues: { ...TCP_LIMITS.queues, append: queue } };
  const ports = new Map<number, number>();
  const members: TestMember[] = [];
  return {
    queueFrames,
    member: async (id) => {
      const member = await TestMember.start(id, { listenPort: ports.get(id) ?? 0, limits });
      ports.set(id, member.port);
      members.push(member);
      const { received, introduced, unreachable } = member.log;
      const { address, network } = member;
      return { id, address, network, received, introduced, unreachable, stop: () => network.close() };
    },
    until: async (condition, what) => void (await waitUntil(condition, what)),
    close: async () => {
      await Promise.all(members.map((member) => member.network.close()));
    },
  };
});

describe('TcpNetwork', () => {
  test('[N1] brings frames of every channel, in order, up to the largest one', async () => {
    const [one, two] = await pair();
    const large = 'x'.repeat(TCP_LIMITS.frameBytesMax);
    for (const channel of CHANNELS) for (let number = 0; number < 100; number += 1) one.send(2, channel, `${number}`);
    one.send(2, 'append', large);
    await waitUntil(() => two.log.received.length === 301, 'all frames have arrived');
    for (const channel of CHANNELS) {
      const texts = two.texts(channel).filter((text) => text.length < 4);
      assert.deepEqual(
        texts,
        Array.from({ length: 100 }, (_, number) => `${number}`),
      );
    }
    assert.equal(two.texts('append').at(-1), large);
    assert.equal(statsOf(one, 2).sentFrames, 301);
    assert.equal(statsOf(two, 1).receivedFrames, 301);
    assert.equal(statsOf(one, 2).sentBytes, statsOf(two, 1).receivedBytes);
  });

  test('a frame longer than allowed is dropped and counted, and the connection stays', async () => {
    const [one, two] = await pair({ limits: { frameBytesMax: 1000 } });
    one.send(2, 'control', 'x'.repeat(1001));
    one.send(2, 'control', '');
    one.send(2, 'control', 'x'.repeat(1000));
    await waitUntil(() => two.log.received.length > 0, 'the other frame has arrived');
    assert.equal(two.log.received[0]?.text.length, 1000);
    assert.equal(one.network.stats().undeliverableFrames, 2);
  });

  test('a peer that starts a moment later is reached soon after, and reaches us', async () => {
    const two = await start(2);
    const { port, address } = two;
    await two.network.close();
    const one = await start(1);
    one.network.setPeers([{ id: 2, address }]);
    // Several failures in, the pause between dials is long; the peer's own hello ends it.
    await waitUntil(() => statsOf(one, 2).dialFailures >= 12, 'dialling has failed some times');
    const again = await start(2, { listenPort: port });
    again.network.setPeers([one]);
    const sinceMs = performance.now();
    await waitUntil(() => connected(one, 2) && connected(again, 1), 'both are connected');
    const tookMs = performance.now() - sinceMs;
    assert.ok(tookMs < TCP_LIMITS.backoffMaxMs / 2, `took ${tookMs} ms`);
  });

  test('a peer that restarts is reached again, and hears nothing that was queued while dials failed', async () => {
    const [one, two] = await pair();
    await two.network.close();
    await waitUntil(() => one.log.unreachable.includes(2), 'the loss is noticed');
    await waitUntil(() => !connected(one, 2), 'the connection is gone');
    one.send(2, 'control', 'stale');
    await waitUntil(() => statsOf(one, 2).droppedFrames > 0, 'the stale frame is dropped');
    const again = await start(2, { listenPort: two.port });
    await waitUntil(() => connected(one, 2), 'connected again');
    one.send(2, 'control', 'fresh');
    await waitUntil(() => again.texts('control').includes('fresh'), 'the fresh frame has arrived');
    assert.deepEqual(again.texts('control'), ['fresh']);
    assert.ok(statsOf(one, 2).disconnects >= 1);
    assert.ok(statsOf(one, 2).dialFailures >= 1);
  });

  test('the snapshot connection is made when it is needed and closed when idle, without a word', async () => {
    const [one, two] = await pair({ limits: QUICK });
    assert.equal(two.network.stats().inboundConnections, 2);
    one.send(2, 'snapshot', 'chunk');
    await waitUntil(() => two.texts('snapshot').length === 1, 'the chunk has arrived');
    assert.equal(two.network.stats().inboundConnections, 3);
    await waitUntil(() => two.network.stats().inboundConnections === 2, 'it is closed');
    one.send(2, 'snapshot', 'another');
    await waitUntil(() => two.texts('snapshot').length === 2, 'the next chunk has arrived');
    assert.deepEqual(one.log.unreachable, []);
  });

  test('idle connections stay open: keepalives and receipts are enough', async () => {
    const [one, two] = await pair({ limits: QUICK });
    let ticks = 0;
    const timer = setInterval(() => {
      ticks += 1;
    }, 10);
    await waitUntil(() => ticks >= 40, 'several times the longest silence has passed');
    clearInterval(timer);
    assert.equal(statsOf(one, 2).disconnects + statsOf(two, 1).disconnects, 0);
    assert.deepEqual(one.log.unreachable, []);
  });

  test('[N3] past the bound the oldest frames are dropped, and memory stays bounded, while a reader is stalled', async () => {
    const stalled = await stalledMember(3);
    const queue = { bytes: 1_000_000, frames: 1000 };
    const limits = { queues: { control: queue, append: queue, snapshot: queue }, handoverBytes: 100_000 };
    const [one, two] = await pair({ limits });
    one.network.setPeers([two, { id: 3, address: stalled.address }]);
    await waitUntil(() => connected(one, 3), 'connected to the stalled one');
    const frame = Buffer.alloc(100_000, 'x');
    for (let number = 0; number < 400; number += 1) {
      one.network.send(3, 'append', [frame]);
      if (number % 10 === 0) {
        one.send(2, 'append', `${number}`);
        await waitUntil(() => two.texts('append').at(-1) === `${number}`, 'the other peer is served');
      }
      assert.ok(statsOf(one, 3).queuedBytes <= queue.bytes);
    }
    assert.ok(statsOf(one, 3).droppedFrames > 100);
    for (const socket of stalled.sockets) socket.destroy();
    stalled.server.close();
  });

  test('a peer that stopped reading is given up after a while, and dialled again', async () => {
    const stalled = await stalledMember(2);
    const one = await start(1, { limits: QUICK });
    one.network.setPeers([{ id: 2, address: stalled.address }]);
    await waitUntil(() => connected(one, 2), 'connected');
    await waitUntil(() => one.log.unreachable.includes(2), 'the silence is noticed');
    await waitUntil(() => stalled.sockets.length >= 3, 'dialled again');
    for (const socket of stalled.sockets) socket.destroy();
    stalled.server.close();
  });

  test('[N2] control frames overtake 64 MiB of append frames', async () => {
    const [one, two] = await pair();
    const frame = Buffer.alloc(1024 * 1024, 'x');
    for (let number = 0; number < 63; number += 1) one.network.send(2, 'append', [frame]);
    let bulkBefore = -1;
    two.log.onFrame = (_from, channel) => {
      if (channel === 'control') bulkBefore = two.texts('append').length;
    };
    one.send(2, 'control', 'heartbeat');
    await waitUntil(() => two.texts('append').length === 63, 'all of it has arrived');
    assert.ok(bulkBefore >= 0 && bulkBefore < 16, `${bulkBefore} MiB came before the heartbeat`);
  });

  test('setPeers with a new address dials the new one; frames to who left are dropped', async () => {
    const [one, two] = await pair();
    const moved = await start(2);
    one.network.setPeers([moved]);
    await waitUntil(() => connected(one, 2), 'connected to the new address');
    one.send(2, 'control', 'moved');
    await waitUntil(() => moved.texts('control').includes('moved'), 'the frame has arrived');
    assert.deepEqual(two.texts('control'), []);
    one.network.setPeers([]);
    one.send(2, 'control', 'gone');
    assert.equal(one.network.stats().undeliverableFrames, 1);
    assert.deepEqual(one.log.unreachable, []);
  });

  test('what was sent before close() still arrives', async () => {
    const [one, two] = await pair();
    one.send(2, 'control', 'last words');
    await one.network.close();
    await waitUntil(() => two.texts('control').includes('last words'), 'they have arrived');
    await one.network.close();
  });

  test('a port that is taken is a clear error', async () => {
    const one = await start(1);
    await assert.rejects(TestMember.start(2, { listenPort: one.port }), {
      message: `cannot listen for members on 127.0.0.1:${one.port}: another process listens there already`,
    });
  });

  test('members talk over localhost, and over IPv6 where there is IPv6', async (context) => {
    const one = await start(1, { listenHost: 'localhost' });
    assert.equal(one.address, `localhost:${one.port}`);
    const two = await start(2, { listenHost: '::1' }).catch(() => undefined);
    if (two === undefined) {
      context.skip('no IPv6 here');
      return;
    }
    assert.equal(two.address, `[::1]:${two.port}`);
    one.network.setPeers([two]);
    two.network.setPeers([one]);
    await waitUntil(() => connected(one, 2) && connected(two, 1), 'both are connected');
  });
});
