/** Plain requests for keys, which node:http does not see: answered as it would, and everything else left to it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parsePlainRequest } from '../src/http/plain-request.js';
import type { FakeMember, Trouble } from './fake-member.js';
import { run } from './http-servers.js';
import { RawConnection, waitFor } from './sockets.js';

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  readonly trouble?: Trouble;
}

function head({ method, path, body }: Asked, more = ''): string {
  const length = body === undefined ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  return `${method} ${path} HTTP/1.1\r\nHost: x\r\nUser-Agent: test\r\n${length}${more}\r\n`;
}

const create = (key: string, value: string): Asked => ({
  method: 'POST',
  path: '/key',
  body: JSON.stringify({ key, value }),
});
const get = (key: string): Asked => ({ method: 'GET', path: `/key/${key}` });
const text = (asked: Asked, more = ''): string => head(asked, more) + (asked.body ?? '');

/** The body of the last answer is whole. */
function isWhole(received: string): boolean {
  const end = received.indexOf('\r\n\r\n');
  const length = /content-length: (\d+)/i.exec(received)?.[1];
  return end !== -1 && received.length === end + 4 + Number(length);
}

async function answerTo(connection: RawConnection, bytes: string): Promise<string> {
  connection.received = '';
  connection.write(bytes);
  await waitFor(() => isWhole(connection.received));
  return connection.received.replace(/Date: [^\r]+/, 'Date: then');
}

/** A connection whose client has asked for more than fits on the way, and does not read yet. */
async function askedWithoutReading(address: string, member: FakeMember): Promise<RawConnection> {
  const value = Buffer.alloc(8 * 1024 * 1024, 'v');
  member.entries.set('big', { key: Buffer.from('big'), value, createRevision: 1, modRevision: 1, version: 1 });
  const connection = await RawConnection.open(address);
  connection.socket.pause();
  connection.write(text(get('big')));
  await waitFor(() => member.lastReads.length === 1);
  return connection;
}

const CALLS: readonly Asked[] = [
  create('a', 'b'),
  create('a', 'b'),
  create('', 'b'),
  create('k'.repeat(101), 'b'),
  create('b', 'v'.repeat(201)),
  create('ключ', '值'),
  { method: 'POST', path: '/key', body: 'no JSON' },
  { method: 'POST', path: '/key', body: '' },
  { method: 'POST', path: '/key' },
  get('a'),
  get('nobody'),
  get('%D0%BA%D0%BB%D1%8E%D1%87'),
  get('%zz'),
  get('a?consistency=serializable'),
  get('a?consistency=sometimes'),
  get(''),
  get('a/b'),
  { method: 'GET', path: '/key' },
  { method: 'GET', path: '/keys' },
  { method: 'PUT', path: '/key/p', body: '{"value":"1"}' },
  { method: 'PUT', path: '/key/p', body: '{"value":"2"}' },
  { method: 'PUT', path: '/key', body: '{"value":"2"}' },
  { method: 'POST', path: '/key/p', body: '{}' },
  { method: 'DELETE', path: '/key/p' },
  { method: 'DELETE', path: '/key/p' },
  { ...create('t', 'u'), trouble: 'no-leader' },
  { ...create('t', 'u'), trouble: 'outcome-unknown' },
  { ...create('t', 'u'), trouble: 'busy' },
  { ...create('t', 'u'), trouble: 'fault' },
  { ...get('a'), trouble: 'no-leader' },
];

describe('plain requests', () => {
  it('are answered as node:http answers the same, on connections that stay', async (t) => {
    const plain = await run(t);
    const ordinary = await run(t);
    const one = await RawConnection.open(plain.address);
    const other = await RawConnection.open(ordinary.address);
    for (const asked of CALLS) {
      plain.member.trouble = asked.trouble ?? 'none';
      ordinary.member.trouble = asked.trouble ?? 'none';
      const mine = await answerTo(one, text(asked));
      const theirs = await answerTo(other, text(asked, 'X-Unknown: 1\r\n'));
      assert.equal(mine, theirs, `${asked.method} ${asked.path} ${asked.body ?? ''}`);
    }
    assert.deepEqual([plain.ordinary.length, ordinary.ordinary.length], [0, CALLS.length]);
    assert.deepEqual(plain.observed, ordinary.observed);
  });

  it('become ordinary ones with the first that is not plain, in their order', async (t) => {
    const { address, ordinary } = await run(t);
    const connection = await RawConnection.open(address);
    assert.match(await answerTo(connection, text(create('a', 'b'))), / 201 /);
    assert.match(await answerTo(connection, text(get('a'))), /\{ "a" : "b" \}$/);
    assert.deepEqual(ordinary, []);
    const body = '{"key":"c","value":"d"}';
    const chunked = `POST /key HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    assert.match(await answerTo(connection, chunked), / 201 /);
    assert.match(await answerTo(connection, text(get('c'))), /\{ "c" : "d" \}$/);
    assert.deepEqual(ordinary, ['POST /key', 'GET /key/c']);
  });

  it('are ordinary ones where they come in pieces', async (t) => {
    const { address, member, ordinary } = await run(t);
    const whole = text(create('a', 'b'));
    for (const cut of [3, 10, head(create('a', 'b')).length, whole.length - 1]) {
      member.entries.clear();
      const connection = await RawConnection.open(address);
      connection.socket.setNoDelay(true);
      connection.write(whole.slice(0, cut));
      // Another connection's answer: what was sent before it has been read.
      await answerTo(await RawConnection.open(address), text(get('a')));
      assert.match(await answerTo(connection, whole.slice(cut)), / 201 /, `cut at ${cut}`);
    }
    assert.equal(ordinary.length, 4);
  });

  it('wait for the one before them, also where they come while it is under way', async (t) => {
    const { address, member } = await run(t);
    const connection = await RawConnection.open(address);
    member.trouble = 'slow';
    connection.write(text(create('a', 'b')));
    await waitFor(() => member.waiting === 1);
    connection.write(text({ method: 'DELETE', path: '/key/a' }));
    connection.socket.end(text(get('a?consistency=serializable')));
    await answerTo(await RawConnection.open(address), text(get('a?consistency=serializable')));
    assert.deepEqual([member.waiting, member.lastReads.length], [1, 1]);
    member.release();
    await waitFor(() => member.waiting === 1 && member.entries.size === 1);
    member.release();
    await connection.ended;
    const statuses = connection.received.match(/HTTP\/1\.1 \d+/g);
    assert.deepEqual(statuses, ['HTTP/1.1 201', 'HTTP/1.1 200', 'HTTP/1.1 404']);
  });

  it('of a client that does not read its answers are not read either', async (t) => {
    const { address, member, ordinary } = await run(t);
    const connection = await askedWithoutReading(address, member);
    connection.write(text(get('big')));
    await answerTo(await RawConnection.open(address), text(get('nobody')));
    assert.equal(member.lastReads.length, 2);
    connection.socket.resume();
    await waitFor(() => (connection.received.match(/HTTP\/1\.1 200 OK/g) ?? []).length === 2);
    assert.deepEqual(ordinary, []);
  });

  it('are answered whole, also where the server closes meanwhile', async (t) => {
    const { address, member, server } = await run(t);
    const connection = await askedWithoutReading(address, member);
    const drained = server.drain();
    connection.socket.resume();
    await connection.ended;
    assert.ok(isWhole(connection.received));
    await drained;
  });

  it('leave an idle connection, which is closed in time, but not one that waits for its answer', async (t) => {
    const { address, member } = await run(t, { keepAliveMs: 40 });
    member.trouble = 'slow';
    const busy = await RawConnection.open(address);
    busy.write(text(create('a', 'b')));
    await waitFor(() => member.waiting === 1);
    const idle = await RawConnection.open(address);
    assert.match(await answerTo(idle, text(get('a?consistency=serializable'))), / 404 /);
    await idle.ended;
    assert.equal(busy.received, '');
    member.release();
    await busy.until(/successfully!/);
    await busy.ended;
  });

  it('leave a connection that closes with the server', async (t) => {
    const { address, server } = await run(t);
    const connection = await RawConnection.open(address);
    await answerTo(connection, text(get('a')));
    await server.drain();
    await connection.ended;
  });

  it('are the last of their connection while the server closes', async (t) => {
    const { address, server } = await run(t);
    const connection = await RawConnection.open(address);
    await answerTo(connection, text(get('a')));
    const drained = server.drain(60_000);
    assert.match(await answerTo(connection, text(get('a'))), /connection: close\r\n/);
    await connection.ended;
    await drained;
  });
});

function parse(bytes: string): ReturnType<typeof parsePlainRequest> {
  return parsePlainRequest(Buffer.from(bytes, 'latin1'), undefined);
}

function request(line: string, ...fields: string[]): string {
  return `${[line, ...fields].join('\r\n')}\r\n\r\n`;
}

describe('a request', () => {
  it('is plain from the clients that there are', () => {
    const body = '{"key":"a","value":"b"}';
    const clients = {
      curl: `POST /key HTTP/1.1\r\nHost: localhost:8888\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\nContent-Length: 23\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n${body}`,
      fetch: `POST /key HTTP/1.1\r\nhost: localhost:8888\r\nconnection: keep-alive\r\ncontent-type: text/plain;charset=UTF-8\r\naccept: */*\r\naccept-language: *\r\nsec-fetch-mode: cors\r\nuser-agent: node\r\naccept-encoding: gzip, deflate\r\ncontent-length: 23\r\n\r\n${body}`,
      go: `POST /key HTTP/1.1\r\nHost: localhost:8888\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: 23\r\nAccept-Encoding: gzip\r\n\r\n${body}`,
      wrk: `POST /key HTTP/1.1\r\nHost: localhost:8888\r\nContent-Length: 23\r\n\r\n${body}`,
    };
    for (const [name, bytes] of Object.entries(clients)) {
      const plain = parse(bytes);
      assert.deepEqual([plain?.method, plain?.path, plain?.body?.toString()], ['POST', '/key', body], name);
    }
  });

  it('takes the fields of the one before it only if they are the same', () => {
    const first = parse(text(create('a', 'bb')));
    const again = parsePlainRequest(Buffer.from(text(create('c', 'dd'))), first?.fields);
    assert.equal(again?.fields, first?.fields);
    assert.equal(again?.body?.toString(), '{"key":"c","value":"dd"}');
    const longer = parsePlainRequest(Buffer.from(text(create('c', 'ddd'))), first?.fields);
    assert.equal(longer?.body?.toString(), '{"key":"c","value":"ddd"}');
  });

  it('is not plain if anything about it is unusual', () => {
    const unusual = {
      'another path': request('GET /hello HTTP/1.1', 'Host: x'),
      'another method': request('HEAD /key/a HTTP/1.1', 'Host: x'),
      'a method in small letters': request('get /key/a HTTP/1.1', 'Host: x'),
      'another version': request('GET /key/a HTTP/1.0', 'Host: x'),
      'an absolute target': request('GET http://x/key/a HTTP/1.1', 'Host: x'),
      'bytes beyond ASCII in its target': request('GET /key/\xe9 HTTP/1.1', 'Host: x'),
      'a space more': request('GET  /key/a HTTP/1.1', 'Host: x'),
      'no host': request('GET /key/a HTTP/1.1'),
      'two hosts': request('GET /key/a HTTP/1.1', 'Host: x', 'Host: y'),
      'an unknown field': request('GET /key/a HTTP/1.1', 'Host: x', 'X-A: b'),
      'a field that begins like a known one': request('GET /key/a HTTP/1.1', 'Host: x', 'Accept-Charset: b'),
      'a field that ends like a known one': request('GET /key/a HTTP/1.1', 'Host: x', 'X-Host: b'),
      'a space in front of a colon': request('GET /key/a HTTP/1.1', 'Host : x'),
      'a folded field': request('GET /key/a HTTP/1.1', 'Host: x', ' y'),
      'a bare line feed': 'GET /key/a HTTP/1.1\r\nHost: x\nAccept: y\r\n\r\n',
      'a carriage return in a field': request('GET /key/a HTTP/1.1', 'Host: x\ry'),
      'a zero byte in a field': request('GET /key/a HTTP/1.1', 'Host: x\0'),
      'bytes beyond ASCII in a field': request('GET /key/a HTTP/1.1', 'Host: \xe9'),
      'a connection that ends': request('GET /key/a HTTP/1.1', 'Host: x', 'Connection: close'),
      'an upgrade': request('GET /key/a HTTP/1.1', 'Host: x', 'Connection: upgrade', 'Upgrade: h2c'),
      'an expectation': request('POST /key HTTP/1.1', 'Host: x', 'Expect: 100-continue', 'Content-Length: 0'),
      'a body in chunks': `${request('POST /key HTTP/1.1', 'Host: x', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
      'two lengths': `${request('POST /key HTTP/1.1', 'Host: x', 'Content-Length: 1', 'Content-Length: 1')}1`,
      'a signed length': `${request('POST /key HTTP/1.1', 'Host: x', 'Content-Length: +1')}1`,
      'a length in two numbers': `${request('POST /key HTTP/1.1', 'Host: x', 'Content-Length: 1, 1')}1`,
      'no number for a length': request('POST /key HTTP/1.1', 'Host: x', 'Content-Length: '),
      'less than its body': request('POST /key HTTP/1.1', 'Host: x', 'Content-Length: 1'),
      'more than its body': `${request('POST /key HTTP/1.1', 'Host: x', 'Content-Length: 1')}12`,
      'a body of a read': `${request('GET /key/a HTTP/1.1', 'Host: x', 'Content-Length: 1')}1`,
      'another behind it': request('GET /key/a HTTP/1.1', 'Host: x').repeat(2),
      'half a head': 'GET /key/a HTTP/1.1\r\nHost: x\r\n',
      'a long head': request('GET /key/a HTTP/1.1', 'Host: x', `User-Agent: ${'x'.repeat(4096)}`),
    };
    for (const [what, bytes] of Object.entries(unusual)) assert.equal(parse(bytes), undefined, what);
    assert.notEqual(parse(request('GET /key/a HTTP/1.1', 'Host: x', 'User-Agent: y')), undefined);
  });
});
