/** The JSON gateway: contract sections 1 and 10. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { METHODS_BY_HTTP_PATH, METHODS_BY_PATH } from '@quorate/proto';
import { CallCounts } from '../../src/etcd/call-counts.js';
import { Gateway } from '../../src/etcd/gateway.js';
import { RawConnection } from '../sockets.js';
import { base64, doorWith, JsonStream, postJson, runEtcd, turns, until } from './support.js';

const FOO = base64('foo');

test('every method that has a path is served, and every method of the API', async (t) => {
  const { etcd } = await runEtcd(t);
  const served = new Set(etcd.services.map(({ method }) => method.path));
  for (const [path, method] of METHODS_BY_HTTP_PATH) assert.ok(served.has(method.path), path);
  const missing = [...METHODS_BY_PATH.keys()].filter((path) => !served.has(path));
  // gRPC's own service of that name answers these.
  assert.deepEqual(
    missing.filter((path) => !path.startsWith('/grpc.health.')),
    [],
  );
});

test('unary calls: names as in the messages, zero values left out, bytes as base64, 64-bit integers as strings', async (t) => {
  const server = await runEtcd(t);
  const put = await postJson(server, '/v3/kv/put', { key: FOO, value: base64('bar') });
  assert.equal(put.status, 200);
  assert.equal(put.type, 'application/json');
  assert.deepEqual(put.body, { header: { cluster_id: '1', member_id: '1', revision: '2' } });
  const range = await postJson(server, '/v3/kv/range', { key: FOO });
  assert.deepEqual(range.body.kvs, [
    { key: FOO, create_revision: '2', mod_revision: '2', version: '1', value: base64('bar') },
  ]);
  assert.equal(range.body.count, '1');
});

test('requests may use camel case, numbers for integers and enumerations, and fields that do not exist', async (t) => {
  const server = await runEtcd(t);
  for (const key of ['a', 'b']) await postJson(server, '/v3/kv/put', { key: base64(key) });
  const range = { key: base64('a'), rangeEnd: base64('z'), sortOrder: 2, limit: 1, keysOnly: true, else: { a: [1] } };
  const { body } = await postJson(server, '/v3/kv/range', range);
  assert.deepEqual(body.kvs[0].key, base64('b'));
  assert.equal(body.more, true);
  assert.equal(body.count, '2');
});

test('only the first value of a body counts, and an empty body is an empty message', async (t) => {
  const server = await runEtcd(t);
  await postJson(server, '/v3/kv/put', { key: FOO });
  const { status, body } = await postJson(server, '/v3/kv/range', `{"key":"${FOO}"} {"key":"}" and more`);
  assert.equal(status, 200);
  assert.equal(body.count, '1');
  assert.equal((await postJson(server, '/v3/maintenance/status', '')).body.version, '3.7.1');
});

test('the older prefix is the same', async (t) => {
  const server = await runEtcd(t);
  assert.equal((await postJson(server, '/v3beta/kv/put', { key: FOO })).status, 200);
  assert.equal((await postJson(server, '/v3beta/kv/range?x=1', { key: FOO })).body.count, '1');
});

test('errors have the code, and the text under both of its names', async (t) => {
  const server = await runEtcd(t);
  const refused = async (path: string, body: unknown): Promise<unknown> => {
    const answer = await postJson(server, path, body);
    assert.equal(answer.body.error, answer.body.message);
    return [answer.status, answer.body.code, answer.body.message];
  };
  assert.deepEqual(await refused('/v3/kv/range', {}), [400, 3, 'etcdserver: key is not provided']);
  assert.deepEqual(await refused('/v3/kv/range', { key: FOO, revision: 9 }), [
    400,
    11,
    'etcdserver: mvcc: required revision is a future revision',
  ]);
  assert.deepEqual(await refused('/v3/lease/revoke', { ID: 7 }), [404, 5, 'etcdserver: requested lease not found']);
  assert.deepEqual(await refused('/v3/auth/authenticate', {}), [400, 9, 'etcdserver: authentication is not enabled']);
  assert.deepEqual(await refused('/v3/election/leader', { name: FOO }), [500, 2, 'election: no leader']);
  assert.deepEqual(await refused('/v3/auth/user/add', { name: 'a' }), [
    501,
    12,
    'quorate: users and roles cannot be added in this version',
  ]);
  assert.deepEqual(await refused('/v3/kv/nothing', {}), [404, 5, 'Not Found']);
  assert.deepEqual(await refused('/v3/', {}), [404, 5, 'Not Found']);
  for (const malformed of ['{"key":', '[]', '"x"', 'junk', '{"key":12}', '{"key":"!"}', '{"sort_order":"UP"}']) {
    const [status, code] = (await refused('/v3/kv/range', malformed)) as number[];
    assert.deepEqual([status, code], [400, 3], malformed);
  }
});

test('other methods than POST are refused as newer gateways do', async (t) => {
  const { address } = await runEtcd(t);
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const response = await fetch(`http://${address}/v3/kv/range`, { method });
    assert.equal(response.status, 501);
    assert.deepEqual(await response.json(), { error: 'Method Not Allowed', code: 12, message: 'Method Not Allowed' });
  }
});

test('requests that are too long are refused as over gRPC, by the size of their message', async (t) => {
  const server = await runEtcd(t, { requestBytesMax: 10_000 });
  const put = (length: number) => postJson(server, '/v3/kv/put', { key: FOO, value: base64('x'.repeat(length)) });
  assert.equal((await put(9_900)).status, 200);
  const overEtcds = await put(10_001);
  assert.deepEqual([overEtcds.status, overEtcds.body.message], [400, 'etcdserver: request is too large']);
  const overGrpcs = await put(10_000 + 512 * 1024);
  assert.equal(overGrpcs.status, 429);
  assert.match(overGrpcs.body.message, /^grpc: received message larger than max \(534297 vs. 534288\)$/);
});

test('a body without end is refused at its limit, and the connection closed', async (t) => {
  const { address } = await runEtcd(t, { requestBytesMax: 1000 });
  const connection = await RawConnection.open(address);
  connection.write('POST /v3/kv/put HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
  const chunk = 'x'.repeat(65_536);
  for (let count = 0; count < 20; count += 1) connection.write(`10000\r\n${chunk}\r\n`);
  assert.match(await connection.until(/larger than max/), /^HTTP\/1\.1 429 /);
  await connection.ended;
});

test('a body that does not come in time is answered, and the connection closed', async (t) => {
  const { address } = await runEtcd(t, { receiveTimeoutMs: 20 });
  const connection = await RawConnection.open(address);
  connection.write('POST /v3/kv/put HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{');
  assert.match(await connection.until(/in time/), /^HTTP\/1\.1 504 /);
  await connection.ended;
});

test('a body that is announced is asked for', async (t) => {
  const { address } = await runEtcd(t);
  const connection = await RawConnection.open(address);
  connection.write('POST /v3/kv/put HTTP/1.1\r\nHost: x\r\nContent-Length: 15\r\nExpect: 100-continue\r\n\r\n');
  await connection.until(/100 Continue/);
  connection.write(`{"key":"${FOO}"} `);
  await connection.until(/200 OK[^]*"revision":"2"/);
});

test('before the member is there, calls are answered as unavailable', async (t) => {
  const options = {
    messageBytesMax: 1000,
    requestBytesMax: 1000,
    callsMax: 1,
    receiveTimeoutMs: 1000,
    onFault: () => {},
    counts: new CallCounts(),
  };
  const gateway = new Gateway(options);
  const http = createServer((incoming, outgoing) => gateway.handle(incoming, outgoing));
  await new Promise<void>((resolve) => http.listen(0, resolve));
  t.after(() => http.close());
  const { port } = http.address() as { port: number };
  const response = await fetch(`http://localhost:${port}/v3/kv/range`, { method: 'POST', body: '{}' });
  assert.equal(response.status, 503);
  assert.deepEqual(await response.json(), {
    error: 'this member is starting',
    code: 14,
    message: 'this member is starting',
  });
});

test('a time for the call that cannot be read is refused', async (t) => {
  const { address } = await runEtcd(t);
  for (const [given, status] of [
    ['x', 400],
    ['1', 400],
    ['123456789S', 400],
    ['5S', 200],
  ] as const) {
    const connection = await RawConnection.open(address);
    const body = JSON.stringify({ key: FOO });
    const head = `POST /v3/kv/range HTTP/1.1\r\nHost: x\r\nGrpc-Timeout: ${given}\r\nContent-Length: ${body.length}`;
    connection.socket.end(`${head}\r\n\r\n${body}`);
    await connection.ended;
    assert.match(connection.received, new RegExp(`^HTTP/1.1 ${status} `));
    if (status === 400) assert.ok(connection.received.includes(`"message":"invalid grpc-timeout: ${given}"`));
  }
});

test('too many calls at a time are refused', async (t) => {
  const server = await runEtcd(t, { callsMax: 1 });
  await postJson(server, '/v3/lock/lock', { name: FOO });
  const waiting = new JsonStream(server, '/v3/lock/lock');
  waiting.request.end(JSON.stringify({ name: FOO }));
  await until(() => server.member.metrics().watchers === 1);
  assert.equal((await postJson(server, '/v3/kv/range', { key: FOO })).status, 503);
  waiting.request.destroy();
  await until(() => server.member.metrics().watchers === 0);
  await turns();
  assert.equal((await postJson(server, '/v3/kv/range', { key: FOO })).status, 200);
});

function rawCall(path: string, message: unknown): string {
  const body = JSON.stringify(message);
  return `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

test('a client that has closed its side is answered, and gone for a call that waits for what may never come', async (t) => {
  const server = await runEtcd(t);
  const answered = await RawConnection.open(server.address);
  answered.socket.end(rawCall('/v3/kv/put', { key: FOO }));
  await answered.ended;
  assert.match(answered.received, /^HTTP\/1\.1 200 OK[^]*"revision":"2"/);
  await postJson(server, '/v3/lock/lock', { name: FOO });
  for (const [path, message] of [
    ['/v3/lock/lock', { name: FOO }],
    ['/v3/watch', { create_request: { key: FOO } }],
  ] as const) {
    const waiting = await RawConnection.open(server.address);
    waiting.write(rawCall(path, message));
    await until(() => server.member.metrics().watchers === 1);
    waiting.socket.end();
    await waiting.ended;
    await until(() => server.member.metrics().watchers === 0);
  }
});

test('answers that clients do not take are bounded: further calls fail until they do', async (t) => {
  const server = await runEtcd(t, { waitingBytesMax: 11_000_000 });
  for (let index = 0; index < 8; index += 1) await server.member.kv.put(`foo${index}`, Buffer.alloc(1_000_000));
  const range = JSON.stringify({ key: FOO, range_end: base64('fop') });
  const request = `POST /v3/kv/range HTTP/1.1\r\nHost: x\r\nContent-Length: ${range.length}\r\n\r\n${range}`;
  const [host = '', port = ''] = server.address.split(':');
  const stuck = [1, 2].map(() => connect(Number(port), host).pause());
  for (const socket of stuck) {
    t.after(() => socket.destroy());
    socket.write(request);
  }
  const ask = () => postJson(server, '/v3/kv/range', { key: FOO });
  let last = await ask();
  await until(async () => {
    last = await ask();
    return last.status === 429;
  });
  assert.equal(last.body.message, 'too many answers wait for clients');
  for (const socket of stuck) socket.resume();
  await until(async () => (await ask()).status === 200);
});

test('headers with the prefix of metadata are metadata, and a timeout ends the call', async (t) => {
  const server = await runEtcd(t, { door: (door) => doorWith(door, { hasLeader: () => false }) });
  const answer = await postJson(server, '/v3/kv/range', { key: FOO }, { 'Grpc-Metadata-hasleader': 'true' });
  assert.deepEqual([answer.status, answer.body.message], [503, 'etcdserver: no leader']);
  await postJson(server, '/v3/lock/lock', { name: FOO });
  const late = await postJson(server, '/v3/lock/lock', { name: FOO }, { 'Grpc-Timeout': '30m' });
  assert.deepEqual([late.status, late.body.code], [504, 4]);
  const { body } = await postJson(server, '/v3/kv/range', { key: base64('foo/'), range_end: base64('foo0') });
  assert.equal(body.count, '1', 'the place in the queue is given up');
});

test('watch: one object for each message, results on lines, and the end of the body ends nothing', async (t) => {
  const server = await runEtcd(t);
  const watch = new JsonStream(server, '/v3/watch');
  watch.request.end(`{"create_request":{"key":"${FOO}"}}\n{"create_request":{"key":"${FOO}","prev_kv":true}}`);
  assert.deepEqual((await watch.next()).result, {
    header: { cluster_id: '1', member_id: '1', revision: '1' },
    created: true,
  });
  assert.equal((await watch.next()).result.watch_id, '1');
  for (const value of ['a', 'b']) {
    await postJson(server, '/v3/kv/put', { key: FOO, value: base64(value) });
    await watch.until(() => watch.received.length >= 2);
    const results = [await watch.next(), await watch.next()].map(({ result }) => result);
    const plain = results.find(({ watch_id }) => watch_id === undefined);
    assert.deepEqual(plain.events.length, 1);
    assert.equal(plain.events[0].kv.value, base64(value));
    assert.equal(plain.events[0].prev_kv, undefined);
    const previous = results.find(({ watch_id }) => watch_id === '1');
    assert.equal(previous.events[0].prev_kv?.value, value === 'b' ? base64('a') : undefined);
  }
  watch.request.destroy();
  await until(() => server.member.metrics().watchers === 0);
});

test('watch: a body that goes on creates, asks and cancels, cut anywhere', async (t) => {
  const server = await runEtcd(t);
  const watch = new JsonStream(server, '/v3/watch');
  const create = JSON.stringify({ create_request: { key: FOO, watch_id: '7' } });
  for (const char of create) watch.send(char);
  assert.equal((await watch.next()).result.watch_id, '7');
  watch.send({ progress_request: {} });
  assert.deepEqual((await watch.next()).result.watch_id, '-1');
  watch.send(' \n{"cancel_request":{"watch_id":7}}');
  assert.equal((await watch.next()).result.canceled, true);
  assert.equal(server.member.metrics().watchers, 0);
  watch.request.destroy();
  await watch.ended();
});

test('what is no message is an error as the first, and ends the body later', async (t) => {
  const server = await runEtcd(t);
  for (const first of ['junk', '[]', '{"create_request":7}', '{"create_request"}', '{"create_request":']) {
    const watch = new JsonStream(server, '/v3/watch');
    watch.request.end(first);
    const { error } = await watch.next();
    assert.equal(watch.response?.statusCode, 400);
    assert.equal(error.code, 3);
    await watch.ended();
  }
  const watch = new JsonStream(server, '/v3/watch');
  watch.request.end(`{"create_request":{"key":"${FOO}"}} junk {"create_request":{"key":"${FOO}"}}`);
  await watch.next();
  await postJson(server, '/v3/kv/put', { key: FOO });
  assert.equal((await watch.next()).result.events.length, 1);
  assert.equal(server.member.metrics().watchers, 1);
  watch.request.destroy();
  await until(() => server.member.metrics().watchers === 0);
});

test('lease keep-alive: answers each in order and ends with its body', async (t) => {
  const server = await runEtcd(t);
  await postJson(server, '/v3/lease/grant', { ID: '5', TTL: 60 });
  const renewals = new JsonStream(server, '/v3/lease/keepalive');
  renewals.send({ ID: 5 });
  assert.deepEqual((await renewals.next()).result, {
    header: { cluster_id: '1', member_id: '1', revision: '1' },
    ID: '5',
    TTL: '60',
  });
  renewals.send('{"ID":6}{"ID":5}');
  renewals.request.end();
  assert.equal((await renewals.next()).result.TTL, undefined);
  assert.equal((await renewals.next()).result.ID, '5');
  await renewals.ended();
});

test('snapshot and observe stream too', async (t) => {
  const server = await runEtcd(t);
  await postJson(server, '/v3/kv/put', { key: FOO, value: base64('bar') });
  const snapshot = new JsonStream(server, '/v3/maintenance/snapshot');
  snapshot.request.end('{}');
  await snapshot.ended();
  const blobs = snapshot.received.map(({ result }) => Buffer.from(result.blob, 'base64'));
  assert.equal(blobs.at(-1)?.length, 32);
  const observe = new JsonStream(server, '/v3/election/observe');
  observe.request.end(JSON.stringify({ name: FOO }));
  await until(() => server.member.metrics().watchers === 1);
  await postJson(server, '/v3/election/campaign', { name: FOO, value: base64('me') });
  assert.equal((await observe.next()).result.kv.value, base64('me'));
  observe.request.destroy();
  await until(() => server.member.metrics().watchers === 0);
});

test('a client that does not read costs a bounded queue, and gets everything when it does', async (t) => {
  const server = await runEtcd(t);
  const watch = new JsonStream(server, '/v3/watch');
  watch.request.end(`{"create_request":{"key":"${FOO}"}}`);
  await watch.next();
  watch.response?.pause();
  const writes = 100;
  for (let count = 0; count < writes; count += 1) {
    await server.member.kv.put('foo', Buffer.alloc(200_000));
    await turns(1);
  }
  assert.equal(server.member.metrics().slowWatchers, 1, 'the watcher is held back');
  watch.response?.resume();
  const versions: number[] = [];
  while (versions.length < writes) {
    const { result } = await watch.next();
    for (const { kv } of result.events) versions.push(Number(kv.version));
  }
  assert.deepEqual(
    versions,
    Array.from({ length: writes }, (_, index) => index + 1),
  );
  watch.request.destroy();
  await until(() => server.member.metrics().watchers === 0);
});

test('stopping ends streams with a reason and lets calls finish', async (t) => {
  const server = await runEtcd(t);
  const watch = new JsonStream(server, '/v3/watch');
  watch.send({ create_request: { key: FOO } });
  await watch.next();
  const renewals = new JsonStream(server, '/v3/lease/keepalive');
  renewals.send({ ID: 1 });
  await renewals.next();
  await postJson(server, '/v3/lock/lock', { name: FOO });
  const lock = postJson(server, '/v3/lock/lock', { name: FOO });
  await until(() => server.member.metrics().watchers === 2);
  server.etcd.beginStop();
  for (const stream of [watch, renewals]) {
    const { error } = await stream.next();
    assert.deepEqual([error.code, error.message, error.http_code], [14, 'etcdserver: server stopped', 503]);
    await stream.ended();
  }
  assert.equal((await lock).status, 503);
  assert.equal((await postJson(server, '/v3/watch', {})).status, 503);
  assert.equal(server.member.metrics().watchers, 0);
});
