/** The HTTP interface on real sockets: limits, deadlines, pipelining, and a close that finishes what is under way. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress } from '../src/config/address.js';
import { PIPELINED_MAX } from '../src/http/pipelines.js';
import { run } from './http-servers.js';
import { RawConnection, waitFor } from './sockets.js';

const post = (body: string, more = ''): string =>
  `POST /key HTTP/1.1\r\nHost: x\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${more}\r\n${body}`;
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;

test('answers are whole: status, type, length, body', async (t) => {
  const { address } = await run(t);
  const connection = await RawConnection.open(address);
  connection.write(post('{"key":"a","value":"b"}'));
  const created = await connection.until(/successfully!/);
  assert.match(created, /^HTTP\/1\.1 201 Created\r\n/);
  assert.match(created, /content-type: text\/plain; charset=utf-8\r\n/);
  assert.match(created, /content-length: 25\r\n/);
  connection.write(post('{"key":"a","value":"b"}'));
  const conflict = await connection.until(/already exists\n/);
  assert.match(conflict, /HTTP\/1\.1 409 Conflict\r\n/);
  assert.ok(conflict.endsWith('\r\n\r\nkey already exists\n'));
});

test('pipelined requests are carried out and answered in their order', async (t) => {
  const { address, member } = await run(t);
  member.trouble = 'slow';
  const connection = await RawConnection.open(address);
  const read = get('/key/a?consistency=serializable');
  const remove = 'DELETE /key/a HTTP/1.1\r\nHost: x\r\n\r\n';
  connection.write(post('{"key":"a","value":"b"}') + get('/hello') + read + remove + read);
  await waitFor(() => member.waiting === 1);
  assert.deepEqual([connection.received, member.lastReads], ['', []]);
  member.release();
  await waitFor(() => member.lastReads.length === 1 && member.waiting === 1);
  member.release();
  const all = await connection.until(/key not found\n/);
  const statuses = [201, 200, 200, 200, 404].map((status) => `HTTP/1.1 ${status}`);
  assert.deepEqual(all.match(/HTTP\/1\.1 \d+/g), statuses);
});

test('what waits behind a request is bounded: one more is refused, and the connection closed', async (t) => {
  const { address, member } = await run(t);
  member.trouble = 'slow';
  const connection = await RawConnection.open(address);
  connection.write(post('{"key":"a","value":"b"}') + get('/hello').repeat(PIPELINED_MAX + 10));
  await waitFor(() => member.waiting === 1);
  member.release();
  await connection.ended;
  const statuses = connection.received.match(/HTTP\/1\.1 \d+/g) ?? [];
  assert.equal(statuses.length, PIPELINED_MAX + 2);
  assert.deepEqual([statuses.at(0), statuses.at(1), statuses.at(-1)], ['HTTP/1.1 201', 'HTTP/1.1 200', 'HTTP/1.1 503']);
  assert.match(connection.received, /too many requests wait on this connection\n$/);
});

test('requests that wait on a connection that is gone are not carried out', async (t) => {
  const { address, member, observed } = await run(t);
  member.trouble = 'slow';
  const connection = await RawConnection.open(address);
  connection.write(post('{"key":"a","value":"b"}') + post('{"key":"c","value":"d"}'));
  await waitFor(() => member.waiting === 1);
  connection.socket.resetAndDestroy();
  await waitFor(() => observed.length === 1);
  member.release();
  await waitFor(() => member.entries.size === 1);
  assert.deepEqual([...member.entries.keys()], ['a']);
});

test('a client that has closed its side after its request is answered', async (t) => {
  const { address, member, server } = await run(t);
  const further = formatAddress(await server.listen('localhost:0'));
  for (const [n, at] of [address, further].entries()) {
    member.trouble = 'slow';
    const connection = await RawConnection.open(at);
    connection.socket.end(post(`{"key":"a${n}","value":"b"}`));
    await waitFor(() => member.waiting === 1);
    member.release();
    await connection.ended;
    assert.match(connection.received, /^HTTP\/1\.1 201 Created\r\n/);
    const silent = await RawConnection.open(at);
    silent.socket.end();
    await silent.ended;
    assert.equal(silent.received, '');
  }
});

test('a body that is declared too long is refused before it is sent, and the connection closed', async (t) => {
  const { address } = await run(t);
  const connection = await RawConnection.open(address);
  connection.write('POST /key HTTP/1.1\r\nHost: x\r\nContent-Length: 2049\r\n\r\n');
  const answer = await connection.until(/request body too large\n/);
  assert.match(answer, /^HTTP\/1\.1 413 /);
  assert.match(answer, /connection: close\r\n/);
  connection.socket.end();
  await connection.ended;
});

test('a body that grows too long is cut off', async (t) => {
  const { address, member } = await run(t);
  const connection = await RawConnection.open(address);
  connection.write('POST /key HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
  for (let sent = 0; sent <= 2048; sent += 256) connection.write(`100\r\n${'x'.repeat(256)}\r\n`);
  const answer = await connection.until(/request body too large\n/);
  assert.match(answer, /^HTTP\/1\.1 413 /);
  connection.write('0\r\n\r\n');
  await connection.ended;
  assert.equal(member.entries.size, 0);
});

test('a body of exactly the limit is read', async (t) => {
  const { address } = await run(t);
  const connection = await RawConnection.open(address);
  connection.write(post('{"key":"a","value":"b"}'.padEnd(2048)));
  await connection.until(/201 Created/);
});

test('a client that asks before it sends is told to go on, or not', async (t) => {
  const { address } = await run(t);
  const good = await RawConnection.open(address);
  const body = '{"key":"a","value":"b"}';
  good.write(`POST /key HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ${body.length}\r\n\r\n`);
  await good.until(/^HTTP\/1\.1 100 Continue/);
  good.write(body);
  await good.until(/201 Created/);
  const bad = await RawConnection.open(address);
  bad.write('POST /key HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9999\r\n\r\n');
  await bad.until(/^HTTP\/1\.1 413 /);
  bad.socket.end();
});

test('GET and DELETE do not wait for a body', async (t) => {
  const { address } = await run(t);
  const connection = await RawConnection.open(address);
  connection.write('GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n');
  await connection.until(/world!/);
});

test('a write that takes too long is answered with 504 that says that the outcome is unknown, a read is not', async (t) => {
  const { address, member, observed } = await run(t, { requestTimeoutMs: 60_000, writeTimeoutMs: 20 });
  member.trouble = 'slow';
  const write = await RawConnection.open(address);
  write.write(post('{"key":"a","value":"b"}'));
  assert.match(
    await write.until(/\n$/),
    /^HTTP\/1\.1 504 [^]*outcome unknown: the write may or may not have been applied\n$/,
  );
  member.release();
  const { address: quick, member: other } = await run(t, { requestTimeoutMs: 20 });
  other.trouble = 'slow';
  const read = await RawConnection.open(quick);
  read.write(get('/key/a'));
  assert.match(await read.until(/timed out\n$/), /^HTTP\/1\.1 504 [^]*\r\n\r\nrequest timed out\n$/);
  assert.deepEqual(observed, ['POST /key 504']);
  // The connection is still good, and what the member says late is dropped.
  other.release();
  read.write(get('/hello'));
  assert.match(await read.until(/world!/), /HTTP\/1\.1 200 OK/);
});

test('a body that does not come is not waited for beyond the deadline', async (t) => {
  const { address } = await run(t, { requestTimeoutMs: 20 });
  const connection = await RawConnection.open(address);
  connection.write('POST /key HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{');
  assert.match(await connection.until(/timed out\n$/), /^HTTP\/1\.1 504 /);
  connection.socket.end();
  await connection.ended;
});

test('more requests for keys than may be under way are refused; probes are not', async (t) => {
  const { address, member } = await run(t, { requestsMax: 1 });
  member.trouble = 'slow';
  const first = await RawConnection.open(address);
  first.write(post('{"key":"a","value":"b"}'));
  await waitFor(() => member.waiting === 1);
  const second = await RawConnection.open(address);
  second.write(post('{"key":"c","value":"d"}'));
  const refused = await second.until(/under way\n$/);
  assert.match(refused, /^HTTP\/1\.1 503 /);
  assert.match(refused, /retry-after: 1\r\n/);
  second.write(get('/livez'));
  await second.until(/ok\n$/);
  member.release();
  await first.until(/201 Created/);
  member.trouble = 'none';
  second.write(post('{"key":"c","value":"d"}'));
  await second.until(/201 Created/);
});

test('closing finishes what is under way, says that the connection ends, and accepts nothing new', async (t) => {
  const { address, member, server } = await run(t);
  member.trouble = 'slow';
  const idle = await RawConnection.open(address);
  const busy = await RawConnection.open(address);
  busy.write(post('{"key":"a","value":"b"}'));
  await waitFor(() => member.waiting === 1);
  let drained = false;
  const draining = server.drain().then(() => (drained = true));
  await idle.ended;
  await assert.rejects(RawConnection.open(address), { code: 'ECONNREFUSED' });
  assert.equal(drained, false);
  member.release();
  assert.match(await busy.until(/successfully!/), /connection: close\r\n/i);
  await busy.ended;
  await draining;
});

test('a close does not wait for heads that have not come whole', async (t) => {
  const { server, address } = await run(t);
  const half = await RawConnection.open(address);
  half.write('GET /hel');
  const silent = await RawConnection.open(address);
  const other = await RawConnection.open(address);
  other.write(get('/hello'));
  await other.until(/world!/);
  await server.drain();
  await Promise.all([half.ended, silent.ended, other.ended]);
});

test('a client that is gone for sure is forgotten', async (t) => {
  const { address, member, observed } = await run(t, { requestsMax: 1 });
  member.trouble = 'slow';
  const gone = await RawConnection.open(address);
  gone.write(get('/key/a'));
  await waitFor(() => member.lastReads.length === 1);
  gone.socket.resetAndDestroy();
  await waitFor(() => observed.length === 1);
  assert.deepEqual(observed, ['GET /key/a 0']);
  member.trouble = 'none';
  const next = await RawConnection.open(address);
  next.write(get('/key/a'));
  await next.until(/404/);
});

test('heads that are no HTTP or too long are refused', async (t) => {
  const { address } = await run(t);
  const garbage = await RawConnection.open(address);
  garbage.write('hello\r\n\r\n');
  await garbage.until(/^HTTP\/1\.1 400 /);
  const long = await RawConnection.open(address);
  long.write(`GET /hello HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`);
  await long.until(/^HTTP\/1\.1 431 /);
});

test("a proxy's absolute target is taken as its path", async (t) => {
  const { address } = await run(t);
  const connection = await RawConnection.open(address);
  connection.write('GET http://x/hello HTTP/1.1\r\nHost: x\r\n\r\n');
  await connection.until(/world!/);
});

test('a request that is answered before its body has come may not take for ever to send it', async (t) => {
  const { address } = await run(t, { requestTimeoutMs: 30 });
  const connection = await RawConnection.open(address);
  connection.write('GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nx');
  await connection.until(/world!/);
  await connection.ended;
});
