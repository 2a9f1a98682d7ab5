/** Service Watch over gRPC: contract section 5. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MessageInit, SERVICES, type WatchRequest, type WatchResponse } from '@quorate/proto';
import { ETCD_DEFAULTS } from '../../src/etcd/backend.js';
import { Headers } from '../../src/etcd/header.js';
import type { Duplex } from '../../src/etcd/service.js';
import { WatchSession } from '../../src/etcd/watch-session.js';
import { bytes, call, doorWith, type RunningEtcd, runEtcd, text, turns, until, Watching } from './support.js';

const { Put, DeleteRange, Compact, Txn } = SERVICES['etcdserverpb.KV'];

const put = (server: RunningEtcd, key: string, value = ''): Promise<unknown> =>
  call(server, Put, { key: bytes(key), value: bytes(value) });

const asIs = (buffer: Buffer): Buffer => buffer;
const sorted = (ids: readonly number[]): readonly number[] => ids.toSorted((a, b) => a - b);

const shown = ({ events }: WatchResponse): string[] =>
  events.map(({ type, kv }) => `${type === 'PUT' ? '+' : '-'}${text(kv?.key)}@${kv?.modRevision}`);

/** A stream whose queue is full when it is told so. */
class FullQueue implements Duplex<WatchRequest, WatchResponse> {
  sent = 0;
  events = 0;
  isFull = false;
  isPaused = false;
  receive: (request: MessageInit<WatchRequest>) => void = () => {};
  drain: () => void = () => {};

  onMessage(listener: (request: WatchRequest) => void): void {
    const { request: codec } = SERVICES['etcdserverpb.Watch'].Watch;
    this.receive = (request) => listener(codec.decode(codec.encode(request)));
  }

  onHalfClose(): void {}

  onDrain(listener: () => void): void {
    this.drain = listener;
  }

  send(message: WatchResponse): boolean {
    this.sent += 1;
    this.events += message.events.length;
    return !this.isFull;
  }

  sendEncoded(message: Uint8Array, head: Uint8Array): boolean {
    return this.send(SERVICES['etcdserverpb.Watch'].Watch.response.decode(Buffer.concat([head, message])));
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {}
}

test('each watch is confirmed first, with ids that begin at 0, or are chosen', async (t) => {
  const server = await runEtcd(t);
  const watching = new Watching(server);
  watching.create({ key: bytes('a') });
  watching.create({ key: bytes('a'), watchId: 1 });
  watching.create({ key: bytes('a') });
  for (const id of [0, 1, 2]) {
    const { watchId, created, canceled, header } = await watching.next();
    assert.deepEqual([watchId, created, canceled, header?.revision], [id, true, false, 1]);
  }
  await put(server, 'a');
  const ids = [await watching.next(), await watching.next(), await watching.next()].map(({ watchId }) => watchId);
  assert.deepEqual(sorted(ids), [0, 1, 2]);
  watching.stream.cancel();
  await until(() => server.member.metrics().watchers === 0);
});

test("creations that cannot be are created and cancelled in one, with etcd's reasons", async (t) => {
  const server = await runEtcd(t);
  const watching = new Watching(server);
  watching.create({ key: bytes('a'), watchId: 7 });
  await watching.next();
  watching.create({ key: bytes('a'), watchId: 7 });
  watching.create({ key: bytes('b'), rangeEnd: bytes('a') });
  watching.create({ key: bytes('b'), rangeEnd: bytes('b') });
  watching.create({ key: bytes('b'), startRevision: -1 });
  const duplicate = 'mvcc: duplicate watch ID provided on the WatchStream';
  const empty = 'mvcc: watcher range is empty';
  const compacted = 'etcdserver: mvcc: required revision has been compacted';
  for (const reason of [duplicate, empty, empty, compacted]) {
    const { watchId, created, canceled, cancelReason, compactRevision } = await watching.next();
    assert.deepEqual([watchId, created, canceled, cancelReason, compactRevision], [-1, true, true, reason, 0]);
  }
  assert.equal(server.member.metrics().watchers, 1);
  watching.stream.cancel();
});

test('with no room for more watchers a creation is refused', async (t) => {
  const server = await runEtcd(t, { door: (door) => doorWith(door, { canWatch: false }) });
  const watching = new Watching(server);
  watching.create({ key: bytes('a') });
  const { created, canceled, cancelReason } = await watching.next();
  assert.deepEqual([created, canceled, cancelReason], [true, true, 'etcdserver: too many requests']);
  watching.stream.cancel();
});

test('the id of a watch that compaction has ended is taken until it is cancelled, as with etcd', async (t) => {
  const server = await runEtcd(t);
  for (const value of ['1', '2', '3']) await put(server, 'a', value);
  await call(server, Compact, { revision: 3 });
  const watching = new Watching(server);
  watching.create({ key: bytes('a'), startRevision: 1, watchId: 5 });
  assert.equal((await watching.next()).created, true);
  assert.deepEqual([(await watching.next()).compactRevision, server.member.metrics().watchers], [3, 0]);
  watching.create({ key: bytes('a'), watchId: 5 });
  assert.match((await watching.next()).cancelReason, /duplicate watch ID/);
  watching.send({ cancelRequest: { watchId: 5 } });
  const { watchId, canceled, compactRevision } = await watching.next();
  assert.deepEqual([watchId, canceled, compactRevision], [5, true, 0]);
  watching.create({ key: bytes('a'), watchId: 5 });
  const again = await watching.next();
  assert.deepEqual([again.watchId, again.created, again.canceled], [5, true, false]);
  watching.stream.cancel();
});

test('an empty key is the first key, and an end of one zero byte has no end', async (t) => {
  const server = await runEtcd(t);
  const watching = new Watching(server);
  watching.create({ rangeEnd: bytes('\0') });
  watching.create({ key: bytes('m'), rangeEnd: bytes('\0') });
  await watching.next();
  await watching.next();
  await put(server, 'a');
  assert.deepEqual([(await watching.next()).watchId, watching.received.length], [0, 0]);
  await put(server, 'z');
  const ids = [await watching.next(), await watching.next()].map(({ watchId }) => watchId);
  assert.deepEqual(sorted(ids), [0, 1]);
  watching.stream.cancel();
});

test('history is replayed from the start asked for, in order, and nothing twice', async (t) => {
  const server = await runEtcd(t);
  for (const key of ['a', 'b', 'a', 'a']) await put(server, key);
  await call(server, DeleteRange, { key: bytes('a'), rangeEnd: bytes('\0') });
  const watching = new Watching(server);
  watching.create({ key: bytes('a'), rangeEnd: bytes('\0'), startRevision: 3 });
  const responses = (await watching.untilProgress()).slice(1, -1);
  assert.deepEqual(responses.flatMap(shown), ['+b@3', '+a@4', '+a@5', '-a@6', '-b@6']);
  await put(server, 'c');
  const next = await watching.next();
  assert.deepEqual([shown(next), next.header?.revision], [['+c@7'], 7]);
  watching.stream.cancel();
});

test('all that happens in a revision comes in one response', async (t) => {
  const server = await runEtcd(t);
  const watching = new Watching(server);
  watching.create({ key: bytes('a'), rangeEnd: bytes('z') });
  await watching.next();
  const success = ['a', 'b', 'zz', 'c'].map((key) => ({ requestPut: { key: bytes(key) } }));
  await call(server, Txn, { success });
  assert.deepEqual(shown(await watching.next()), ['+a@2', '+b@2', '+c@2']);
  watching.stream.cancel();
});

test('a start that is compacted is confirmed, then cancelled with the revision and nothing else', async (t) => {
  const server = await runEtcd(t);
  for (const key of ['a', 'a', 'a']) await put(server, key);
  await call(server, Compact, { revision: 3 });
  const watching = new Watching(server);
  watching.create({ key: bytes('a'), startRevision: 2 });
  assert.equal((await watching.next()).created, true);
  const { watchId, canceled, compactRevision, cancelReason, header, events } = await watching.next();
  assert.deepEqual([watchId, canceled, compactRevision, cancelReason, events], [0, true, 3, '', []]);
  assert.equal(header?.revision, 0);
  watching.create({ key: bytes('a'), startRevision: 3 });
  assert.equal((await watching.next()).watchId, 1);
  assert.deepEqual(shown(await watching.next()), ['+a@3', '+a@4']);
  watching.stream.cancel();
});

test('a start in the future is silent until it has come, progress too', async (t) => {
  const server = await runEtcd(t);
  const watching = new Watching(server);
  watching.create({ key: bytes('a'), startRevision: 4 });
  assert.equal((await watching.next()).header?.revision, 1);
  for (const key of ['a', 'a']) await put(server, key);
  watching.send({ progressRequest: {} });
  await put(server, 'a');
  assert.deepEqual(shown(await watching.next()), ['+a@4']);
  assert.equal((await watching.untilProgress()).at(-1)?.header?.revision, 4);
  watching.stream.cancel();
});

test('filters leave events out, and responses that are left empty', async (t) => {
  const server = await runEtcd(t);
  const watching = new Watching(server);
  watching.create({ key: bytes('a'), filters: ['NOPUT'] });
  watching.create({ key: bytes('a'), filters: ['NODELETE'] });
  watching.create({ key: bytes('a'), filters: ['NOPUT', 'NODELETE'] });
  for (const _ of [0, 1, 2]) await watching.next();
  await put(server, 'a');
  const first = await watching.next();
  assert.deepEqual([first.watchId, shown(first)], [1, ['+a@2']]);
  await call(server, DeleteRange, { key: bytes('a') });
  const second = await watching.next();
  assert.deepEqual([second.watchId, shown(second)], [0, ['-a@3']]);
  assert.equal((await watching.untilProgress()).length, 1);
  watching.stream.cancel();
});

test('a deletion has key and revision only; the value before comes if it was asked for and there was one', async (t) => {
  const server = await runEtcd(t);
  const watching = new Watching(server);
  watching.create({ key: bytes('a'), prevKv: true });
  await watching.next();
  await put(server, 'a', 'one');
  await put(server, 'a', 'two');
  await call(server, DeleteRange, { key: bytes('a') });
  const events = [await watching.next(), await watching.next(), await watching.next()].flatMap((one) => one.events);
  const [created, changed, deleted] = events;
  assert.equal(created?.prevKv, undefined);
  assert.deepEqual([text(changed?.prevKv?.value), changed?.prevKv?.modRevision], ['one', 2]);
  assert.equal(text(deleted?.prevKv?.value), 'two');
  assert.deepEqual(
    { ...deleted?.kv, key: text(deleted?.kv?.key), value: text(deleted?.kv?.value) },
    { key: 'a', value: '', createRevision: 0, modRevision: 4, version: 0, lease: 0n },
  );
  watching.stream.cancel();
});

test('large responses come in fragments to those who can put them together', async (t) => {
  const server = await runEtcd(t, { requestBytesMax: 20_000 });
  const value = 'x'.repeat(9_000);
  const watching = new Watching(server);
  watching.create({ key: bytes('a'), rangeEnd: bytes('z'), fragment: true });
  watching.create({ key: bytes('a'), rangeEnd: bytes('z') });
  await watching.next();
  await watching.next();
  for (const key of ['a', 'b', 'c', 'd', 'e']) await server.member.kv.put(key, value);
  const replayed = new Watching(server);
  replayed.create({ key: bytes('a'), rangeEnd: bytes('z'), startRevision: 1, fragment: true });
  const parts = (await replayed.untilProgress()).slice(1, -1);
  assert.deepEqual(
    parts.map(({ fragment, events }) => [fragment, events.length]),
    [
      [true, 2],
      [true, 2],
      [false, 1],
    ],
  );
  assert.deepEqual(parts.flatMap(shown), ['+a@2', '+b@3', '+c@4', '+d@5', '+e@6']);
  replayed.stream.cancel();
  watching.stream.cancel();
});

test('progress is told on request, once for the stream, when everything up to it has been sent', async (t) => {
  const server = await runEtcd(t);
  const watching = new Watching(server);
  watching.send({ progressRequest: {} });
  for (const key of ['a', 'b', 'a']) await put(server, key);
  watching.create({ key: bytes('a'), startRevision: 1 });
  watching.create({ key: bytes('b') });
  const responses = await watching.untilProgress();
  const progress = responses.at(-1);
  assert.deepEqual(responses.map(({ created }) => created).slice(0, 2), [true, true], 'nothing before: no watch');
  assert.deepEqual(responses.slice(2, -1).flatMap(shown), ['+a@2', '+a@4']);
  assert.deepEqual([progress?.watchId, progress?.header?.revision, progress?.events.length], [-1, 4, 0]);
  watching.stream.cancel();
});

test('progress is told by time to watches that asked for it and have had nothing since', async (t) => {
  const server = await runEtcd(t, { progressIntervalMs: 10 });
  const watching = new Watching(server);
  watching.create({ key: bytes('a') });
  watching.create({ key: bytes('a'), progressNotify: true });
  await watching.next();
  await watching.next();
  for (const _ of [0, 1]) {
    const { watchId, header, events } = await watching.next();
    assert.deepEqual([watchId, header?.revision, events.length], [1, 1, 0]);
  }
  watching.stream.cancel();
});

test('cancelling ends a watch for good; unknown ids are not answered', async (t) => {
  const server = await runEtcd(t);
  const watching = new Watching(server);
  watching.create({ key: bytes('a') });
  watching.create({ key: bytes('a') });
  watching.send({ cancelRequest: { watchId: 9 } });
  watching.send({ cancelRequest: { watchId: 0 } });
  await watching.next();
  await watching.next();
  const { watchId, canceled, cancelReason, created } = await watching.next();
  assert.deepEqual([watchId, canceled, cancelReason, created], [0, true, '', false]);
  await put(server, 'a');
  assert.equal((await watching.next()).watchId, 1);
  watching.send({ cancelRequest: { watchId: 0 } });
  assert.equal((await watching.untilProgress()).length, 1);
  watching.stream.cancel();
});

test("the end of the client's side ends nothing", async (t) => {
  const server = await runEtcd(t);
  const watching = new Watching(server);
  watching.create({ key: bytes('a') });
  watching.stream.end();
  await watching.next();
  await turns();
  await put(server, 'a');
  assert.deepEqual(shown(await watching.next()), ['+a@2']);
  assert.equal(watching.isEnded, false);
  watching.stream.cancel();
  await until(() => server.member.metrics().watchers === 0);
});

test('a stream that needs a leader is refused without one, and ends when there is none for too long', async (t) => {
  let listener: ((leaderId: number) => void) | undefined;
  let hasLeader = false;
  const server = await runEtcd(t, {
    electionMs: 10,
    door: (door) =>
      doorWith(door, {
        hasLeader: () => hasLeader,
        onLeaderChange: (fn: (leaderId: number) => void) => {
          listener = fn;
          return () => {
            listener = undefined;
          };
        },
      }),
  });
  const refused = new Watching(server, { hasleader: 'true' });
  await refused.ended();
  assert.deepEqual([refused.error?.code, refused.error?.details], [14, 'etcdserver: no leader']);
  const without = new Watching(server);
  hasLeader = true;
  const watching = new Watching(server, { hasleader: 'true' });
  for (const one of [without, watching]) {
    one.create({ key: bytes('a') });
    await one.next();
  }
  listener?.(0);
  listener?.(1);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(watching.isEnded, false, 'there was one again soon enough');
  listener?.(0);
  await watching.ended();
  assert.deepEqual([watching.error?.code, watching.error?.details], [14, 'etcdserver: no leader']);
  assert.equal(listener, undefined);
  assert.equal(without.isEnded, false);
  without.stream.cancel();
  await until(() => server.member.metrics().watchers === 0);
});

test('a slow reader is behind, alone, and misses nothing', async (t) => {
  const server = await runEtcd(t);
  const slow = new Watching(server);
  const fast = new Watching(server);
  for (const one of [slow, fast]) {
    one.create({ key: bytes('a') });
    await one.next();
  }
  slow.stream.pause();
  const writes = 200;
  for (let count = 1; count <= writes; count += 1) {
    await server.member.kv.put('a', Buffer.alloc(100_000, count));
    await fast.next();
  }
  assert.equal(server.member.metrics().slowWatchers, 1);
  slow.stream.resume();
  const versions: number[] = [];
  while (versions.length < writes) {
    for (const { kv } of (await slow.next()).events) versions.push(kv?.version ?? 0);
  }
  assert.deepEqual(
    versions,
    Array.from({ length: writes }, (_, index) => index + 1),
  );
  for (const one of [slow, fast]) one.stream.cancel();
});

test('a session sends nothing more to a full queue, however many watches it has, and takes no requests', async (t) => {
  const { member } = await runEtcd(t);
  const queue = new FullQueue();
  const headers = new Headers(member.door);
  const backend = { ...member, headers, settings: ETCD_DEFAULTS, onStop: () => () => {} };
  const session = new WatchSession(backend, queue, () => assert.fail());
  for (let count = 0; count < 10; count += 1) queue.receive({ createRequest: { key: bytes('a') } });
  assert.deepEqual([queue.sent, queue.isPaused], [10, false]);
  queue.isFull = true;
  for (let count = 0; count < 50; count += 1) {
    await member.kv.put('a', Buffer.alloc(1000));
    await turns(1);
  }
  assert.deepEqual(
    [queue.sent, queue.isPaused, member.metrics().slowWatchers],
    [11, true, 10],
    'one that fills it, to all watches together',
  );
  queue.isFull = false;
  queue.drain();
  await until(() => member.metrics().slowWatchers === 0);
  assert.equal(queue.isPaused, false);
  assert.equal(queue.events, 10 * 50);
  session.close();
});

test('a message that is none ends the stream and its watches', async (t) => {
  const server = await runEtcd(t);
  const { path } = SERVICES['etcdserverpb.Watch'].Watch;
  const stream = server.client.makeBidiStreamRequest(path, asIs, asIs);
  let code = 0;
  stream.on('error', (error: { code: number }) => {
    code = error.code;
  });
  stream.on('data', () => {});
  stream.write(
    Buffer.from(SERVICES['etcdserverpb.Watch'].Watch.request.encode({ createRequest: { key: bytes('a') } })),
  );
  await until(() => server.member.metrics().watchers === 1);
  stream.write(Buffer.from([0x0a, 0x7f]));
  await until(() => code !== 0);
  assert.equal(code, 13);
  assert.equal(server.member.metrics().watchers, 0);
});

test('when the server stops, watches end as unavailable', async (t) => {
  const server = await runEtcd(t);
  const watching = new Watching(server);
  watching.create({ key: bytes('a') });
  await watching.next();
  server.etcd.beginStop();
  await watching.ended();
  assert.deepEqual([watching.error?.code, watching.error?.details], [14, 'etcdserver: server stopped']);
});
