/** Whatever comes to the members' port: strangers, damage, nonsense. The member stays up and says why it closed. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { decodeAnswer, HandshakeReader } from '../../src/adapters/tcp-handshake.js';
import type { TcpNetworkOptions } from '../../src/adapters/tcp-network.js';
import { waitUntil } from '../../src/testing/conditions.js';
import { WireError } from '../../src/wire/index.js';
import { platform } from '../wire/platform.js';
import { CLUSTER_ID, frameOf, helloBytes, knock, QUICK, TestMember } from './tcp-support.js';

let member: TestMember;
const others: TestMember[] = [];

async function other(id: number, options: Partial<TcpNetworkOptions> = {}): Promise<TestMember> {
  const started = await TestMember.start(id, options);
  others.push(started);
  return started;
}

/** Sends bytes from nowhere and waits until the member has closed the connection. */
async function sendsAndIsClosed(bytes: Uint8Array): Promise<Buffer> {
  const visitor = await knock(member.port);
  visitor.socket.write(bytes);
  await waitUntil(visitor.closed, 'the member closes the connection');
  return visitor.bytes();
}

/** Connects as member 50, is accepted, sends bytes. */
async function joinsAndSends(bytes: Uint8Array): ReturnType<typeof knock> {
  const visitor = await knock(member.port);
  visitor.socket.write(helloBytes({ to: 1 }));
  await waitUntil(() => visitor.bytes().length > 0, 'it is answered');
  visitor.socket.write(bytes);
  return visitor;
}

function refusalOf(bytes: Uint8Array): string | undefined {
  const complete = new HandshakeReader(platform, 'answer').push(bytes);
  assert.ok(complete !== undefined);
  return decodeAnswer(complete.body).refusal;
}

/** Waits until the member has closed a connection for this reason. */
async function closesBecause(reason: string | RegExp): Promise<void> {
  const matches = (event: Readonly<Record<string, unknown>>): boolean => {
    if (event['name'] !== 'network.inbound-closed') return false;
    const actual = String(event['reason']);
    return typeof reason === 'string' ? actual === reason : reason.test(actual);
  };
  await waitUntil(() => member.log.events.some(matches), `a connection is closed: ${reason}`);
}

/** Waits until so many connections were closed for what they had sent. */
async function countsBad(connections: number): Promise<void> {
  await waitUntil(
    () => member.network.stats().badConnections === connections,
    `${connections} bad connections are counted`,
  );
}

/** A member, and one that is connected to it and was just removed. */
async function removedWhileConnected(): Promise<{ readonly host: TestMember; readonly leaving: TestMember }> {
  const removed = new Set<number>();
  const host = await other(2, { isRemoved: (id) => removed.has(id), limits: QUICK });
  const leaving = await other(5);
  leaving.network.setPeers([host]);
  host.network.setPeers([leaving]);
  await waitUntil(() => host.log.introduced.length >= 2, 'it is connected');
  removed.add(5);
  return { host, leaving };
}

async function stillServes(): Promise<void> {
  const visitor = await joinsAndSends(frameOf('still there?'));
  await waitUntil(() => member.texts('control').includes('still there?'), 'the member serves');
  visitor.socket.destroy();
}

describe('a member’s port', () => {
  beforeEach(async () => {
    member = await TestMember.start(1, { isRemoved: (id) => id === 13, limits: QUICK });
  });

  afterEach(async () => {
    await Promise.all([member, ...others.splice(0)].map(({ network }) => network.close()));
  });

  test('survives random bytes, an HTTP request, a TLS hello and a huge length', async () => {
    const visits = [
      Buffer.from(Array.from({ length: 5000 }, (_, position) => (position * 2_654_435_761) >>> 24)),
      Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
      Buffer.from('160301020001000001fc0303', 'hex'),
      Buffer.from('51525431ffffffff00000000', 'hex'),
      Buffer.concat([helloBytes({ to: 1 }).subarray(0, 20), Buffer.alloc(600)]),
    ];
    for (const bytes of visits) assert.equal((await sendsAndIsClosed(bytes)).length, 0);
    await countsBad(visits.length);
    await stillServes();
  });

  test('closes a connection that does not introduce itself in time, though it goes on sending', async () => {
    const silent = await knock(member.port);
    const slow = await knock(member.port);
    const bytes = helloBytes({ to: 1 });
    let sent = 0;
    const timer = setInterval(() => {
      if (sent < bytes.length - 1) slow.socket.write(bytes.subarray(sent, (sent += 1)));
    }, 10);
    await waitUntil(() => silent.closed() && slow.closed(), 'both are closed');
    clearInterval(timer);
    await closesBecause('no hello in time');
    await stillServes();
  });

  test('[N4] refuses other clusters, wrong addressees and removed members, each with its reason', async () => {
    const refusals = [
      [{ to: 1, clusterId: CLUSTER_ID + 1 }, 'other-cluster'],
      [{ to: 2 }, 'other-member'],
      [{ to: 1, from: 13 }, 'removed'],
    ] as const;
    for (const [fields, reason] of refusals) {
      const bytes = Buffer.concat([helloBytes(fields), frameOf('let me in')]);
      assert.equal(refusalOf(await sendsAndIsClosed(bytes)), reason);
      await closesBecause(`refused: ${reason}`);
    }
    assert.deepEqual(member.log.received, []);
    assert.deepEqual(member.log.introduced, []);
  });

  test('refuses another protocol version, whatever else the hello says', async () => {
    const bytes = Buffer.from(helloBytes({ to: 1 }));
    const body = Buffer.concat([Buffer.from([2]), Buffer.from('and fields that only version 2 knows')]);
    bytes.writeUInt32LE(body.length, 4);
    bytes.writeUInt32LE(platform.crc32(body, 0), 8);
    assert.equal(refusalOf(await sendsAndIsClosed(Buffer.concat([bytes.subarray(0, 12), body]))), 'version');
  });

  test('accepts a member that it has never heard of', async () => {
    await stillServes();
    assert.deepEqual(member.log.introduced, [{ id: 50, address: 'elsewhere:1' }]);
  });

  test('closes a connection at a frame with a wrong checksum and delivers nothing of it', async () => {
    const damaged = frameOf('something');
    damaged[12] = 0;
    const visitor = await joinsAndSends(Buffer.concat([frameOf('good'), damaged, frameOf('after')]));
    await waitUntil(visitor.closed, 'the connection is closed');
    assert.deepEqual(member.texts('control'), ['good']);
    await closesBecause(/checksum/u);
    await countsBad(1);
  });

  test('closes a connection at a frame that is too long, before it has come', async () => {
    const visitor = await joinsAndSends(Buffer.from('ffffffff00000000', 'hex'));
    await waitUntil(visitor.closed, 'the connection is closed');
    await closesBecause(/4294967295 bytes, at most/u);
  });

  test('closes a connection whose frame the member cannot understand', async () => {
    member.log.onFrame = () => {
      throw new WireError('no message has the code 99');
    };
    const visitor = await joinsAndSends(Buffer.concat([frameOf('nonsense'), frameOf('more')]));
    await waitUntil(visitor.closed, 'the connection is closed');
    await closesBecause('no message has the code 99');
    assert.deepEqual(member.texts('control'), ['nonsense']);
  });

  test('closes a connection that has gone silent', async () => {
    const visitor = await joinsAndSends(frameOf('hello'));
    await waitUntil(visitor.closed, 'the connection is closed');
    await closesBecause(/silent/u);
  });

  test('a newer connection of the same member and channel ends the older one', async () => {
    const older = await joinsAndSends(frameOf('older'));
    await waitUntil(() => member.texts('control').includes('older'), 'the older one was heard');
    const newer = await joinsAndSends(frameOf('newer'));
    await waitUntil(older.closed, 'the older one is closed');
    await waitUntil(() => member.texts('control').includes('newer'), 'the newer one is heard');
    newer.socket.destroy();
  });
});

describe('a member that is refused', () => {
  beforeEach(async () => {
    member = await TestMember.start(1, { isRemoved: (id) => id === 13 });
  });

  afterEach(async () => {
    await Promise.all([member, ...others.splice(0)].map(({ network }) => network.close()));
  });

  test('is told that it was removed', async () => {
    const removed = await other(13);
    removed.network.setPeers([member]);
    await waitUntil(() => removed.log.refused.length > 0, 'it is told');
    assert.deepEqual(removed.log.refused[0], { peer: 1, reason: 'removed' });
  });

  test('is told that it was removed while it was connected', async () => {
    const { host, leaving } = await removedWhileConnected();
    host.network.setPeers([]);
    await waitUntil(() => leaving.log.refused.length > 0, 'it is told');
    assert.deepEqual(leaving.log.refused[0], { peer: 2, reason: 'removed' });
  });

  test('keeps its connection while it is still given as a peer: it waits for its last answers', async () => {
    const { host, leaving } = await removedWhileConnected();
    host.network.setPeers([leaving]);
    for (const text of ['its last answer', 'and another one']) {
      host.send(leaving.id, 'control', text);
      await waitUntil(() => leaving.texts('control').includes(text), 'it has come');
    }
    assert.deepEqual([leaving.log.unreachable, leaving.log.refused], [[], []]);
    host.network.setPeers([]);
    await waitUntil(() => leaving.log.refused.length > 0, 'it is told');
  });

  test('is told that the cluster is another one', async () => {
    const stranger = await other(2, { clusterId: CLUSTER_ID + 1 });
    stranger.network.setPeers([member]);
    await waitUntil(() => stranger.log.refused.length > 0, 'it is told');
    assert.deepEqual(stranger.log.refused[0], { peer: 1, reason: 'other-cluster' });
  });

  test('because another member lives at the address just finds the peer unreachable', async () => {
    const misled = await other(2);
    misled.network.setPeers([{ id: 3, address: member.address }]);
    await waitUntil(() => misled.log.unreachable.length > 0, 'it finds out');
    assert.deepEqual(misled.log.refused, []);
  });
});
