/** Asking who is there, before anybody is a member: of members, of those who ask themselves, of nobody and of nonsense. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { encodeQuery, encodeView, HandshakeReader, VIEW_BYTES_MAX } from '../../src/adapters/tcp-handshake.js';
import { askPeer, QueryListener } from '../../src/adapters/tcp-query.js';
import { waitUntil } from '../../src/testing/conditions.js';
import { freePorts } from '../../src/testing/free-ports.js';
import { platform } from '../wire/platform.js';
import { helloBytes, knock, TestMember } from './tcp-support.js';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

function ask(port: number, about = 7, timeoutMs = 2_000): Promise<string> {
  const answer = askPeer(platform, `127.0.0.1:${port}`, about, timeoutMs);
  return answer.then((bytes) => Buffer.from(bytes).toString());
}

async function listener(view: string): Promise<number> {
  const [port = 0] = await freePorts(1);
  const made = new QueryListener(platform, () => Buffer.from(view));
  ends.push(() => made.close());
  await made.listen({ host: '127.0.0.1', port });
  return port;
}

/** Answers whatever comes with these bytes. */
async function parrot(bytes: Uint8Array): Promise<number> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () => socket.end(bytes));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  ends.push(() => new Promise((resolve) => void server.close(resolve)));
  const bound = server.address();
  return typeof bound === 'object' && bound !== null ? bound.port : 0;
}

describe('a query', () => {
  it('is answered by a member, about the id asked for, without an introduction', async () => {
    const member = await TestMember.start(1, { view: (about) => Buffer.from(`about ${about}`) });
    ends.push(() => member.network.close());
    assert.equal(await ask(member.port), 'about 7');
    assert.deepEqual(member.log.introduced, []);
    assert.equal(member.network.stats().badConnections, 0);
  });

  it('is answered on each address that a member listens on', async () => {
    const [also = 0] = await freePorts(1);
    const member = await TestMember.start(1, {
      view: () => Buffer.from('x'),
      alsoListen: [{ host: '127.0.0.1', port: also }],
    });
    ends.push(() => member.network.close());
    assert.deepEqual([await ask(member.port), await ask(also)], ['x', 'x']);
  });

  it('is answered by one that asks itself, which tells a member nothing', async () => {
    const port = await listener('fresh');
    assert.equal(await ask(port), 'fresh');
    const visitor = await knock(port);
    visitor.socket.write(helloBytes({ to: 1 }));
    await waitUntil(visitor.closed, 'the hello is not taken');
    assert.equal(visitor.bytes().length, 0);
  });

  it('is answered by the longest view, and that is all that it is answered by', async () => {
    const longest = 'x'.repeat(VIEW_BYTES_MAX - 1);
    assert.equal(await ask(await listener(longest)), longest);
    assert.throws(() => encodeView(platform, Buffer.alloc(VIEW_BYTES_MAX)), RangeError);
  });

  it('fails where nobody is, nobody answers, or somebody else does', async () => {
    const [nobody = 0] = await freePorts(1);
    await assert.rejects(ask(nobody), /ECONNREFUSED/);
    await assert.rejects(ask(await parrot(Buffer.alloc(0))), /closed without an answer/);
    await assert.rejects(ask(await parrot(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'))), /wrong magic/);
    const damaged = Buffer.from(encodeView(platform, Buffer.from('view')));
    damaged[damaged.length - 1] = 0;
    await assert.rejects(ask(await parrot(damaged)), /checksum/);
    const silent = createServer((socket) => void socket.on('error', () => {}).resume());
    await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve));
    ends.push(() => new Promise((resolve) => void silent.close(resolve)));
    const bound = silent.address();
    await assert.rejects(ask(typeof bound === 'object' && bound !== null ? bound.port : 0, 7, 50), /no answer in time/);
  });

  it('of another version is told so, both ways', async () => {
    const view = Buffer.from(encodeView(platform, Buffer.from('view')));
    view[12] = 99;
    view.writeUInt32LE(platform.crc32(view.subarray(12), 0), 8);
    await assert.rejects(ask(await parrot(view)), /another version/);
    const query = Buffer.from(encodeQuery(platform, 7));
    query[12] = 99;
    query.writeUInt32LE(platform.crc32(query.subarray(12), 0), 8);
    const visitor = await knock(await listener('view'));
    visitor.socket.write(query);
    await waitUntil(visitor.closed, 'it is answered');
    const complete = new HandshakeReader(platform, 'view').push(visitor.bytes());
    assert.equal(complete?.body.length, 1);
  });
});
