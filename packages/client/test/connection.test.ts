/** What happens to calls when servers are not there, fall silent, go away, or want to know who asks. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer as createHttp2, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { waitUntil } from '@quorate/replica/testing';
import { Client, op } from '../src/index.js';
import { failure } from './failure.js';
import { type Kind, skipOf, startServers } from './servers.js';

const KINDS: readonly Kind[] = ['etcd', 'quorate'];
const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));

/** A server that does with every stream what it is told; its port, and the way to end it. */
async function fake(
  onStream: (stream: ServerHttp2Stream) => void,
): Promise<{ endpoint: string; stop: () => Promise<void> }> {
  const server = createHttp2();
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.on('sessionError', () => undefined);
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    onStream(stream);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const stop = (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => {
      server.close(() => resolve());
    });
  };
  return { endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
}

function answer(stream: ServerHttp2Stream, status: number, message: string): void {
  stream.respond(
    { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': status, 'grpc-message': message },
    { endStream: true },
  );
}

describe('what is repeated', () => {
  test('a read goes to the next endpoint when one is unavailable; a write that was answered does not', async () => {
    let asked = 0;
    const down = await fake((stream) => {
      asked += 1;
      answer(stream, 14, 'etcdserver: leader changed');
    });
    const up = await fake((stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.alloc(5));
    });
    const client = new Client({ endpoints: [down.endpoint, up.endpoint] });
    assert.equal(await client.kv.get('a'), undefined);
    assert.equal(asked, 1);
    const writer = new Client({ endpoints: [down.endpoint, up.endpoint] });
    const refused = await failure(writer.kv.put('a', '1'));
    assert.deepEqual([refused.etcdName, refused.outcome, asked], ['LeaderChanged', 'unknown', 2]);
    await Promise.all([client.close(), writer.close(), down.stop(), up.stop()]);
  });

  test('a write is repeated when the server refused its stream, and unknown when the connection breaks', async () => {
    let asked = 0;
    const server = await fake((stream) => {
      asked += 1;
      if (asked === 1) stream.close(7);
      else stream.session?.destroy();
    });
    const client = new Client({ endpoints: [server.endpoint] });
    const lost = await failure(client.kv.put('a', '1'));
    assert.deepEqual([lost.grpcName, lost.outcome, asked], ['UNAVAILABLE', 'unknown', 2]);
    await Promise.all([client.close(), server.stop()]);
  });

  test('a call ends in its time at a server that says nothing; one that is no gRPC server is named as such', async () => {
    const silent = await fake(() => undefined);
    const wrong = await fake((stream) => stream.respond({ ':status': 404 }, { endStream: true }));
    const client = new Client({ endpoints: [silent.endpoint] });
    const late = await failure(client.kv.put('a', '1', { deadlineMs: 100 }));
    assert.deepEqual([late.grpcName, late.outcome], ['DEADLINE_EXCEEDED', 'unknown']);
    const read = await failure(client.kv.get('a', { deadlineMs: 100 }));
    assert.deepEqual([read.grpcName, read.outcome], ['DEADLINE_EXCEEDED', 'rejected']);
    const odd = await failure(client.kv.get('a', { endpoint: wrong.endpoint }));
    assert.deepEqual([odd.grpcName, odd.outcome], ['UNIMPLEMENTED', 'invalid']);
    await Promise.all([client.close(), silent.stop(), wrong.stop()]);
  });

  test('who accepts connections and never speaks is not waited for: the next one is asked', async () => {
    const sockets: Socket[] = [];
    const mute = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => {
      mute.listen(0, '127.0.0.1', resolve);
    });
    const server = await fake((stream) => answer(stream, 5, 'etcdserver: requested lease not found'));
    const endpoints = [`127.0.0.1:${(mute.address() as AddressInfo).port}`, server.endpoint];
    const client = new Client({ endpoints, connectTimeoutMs: 100 });
    assert.equal((await failure(client.kv.put('a', '1'))).etcdName, 'LeaseNotFound');
    await Promise.all([client.close(), server.stop()]);
    for (const socket of sockets) socket.destroy();
    mute.close();
  });

  test('a connection that answers no ping is given up', async () => {
    const members = await startServers('quorate');
    const waiting = new Client({ endpoints: members.endpoints, keepAliveMs: 50, keepAliveTimeoutMs: 200 });
    await waiting.kv.get('a');
    members.signal(0, 'SIGSTOP');
    try {
      const lost = await failure(waiting.kv.put('a', '1'));
      assert.deepEqual([lost.grpcName, lost.outcome], ['UNAVAILABLE', 'unknown']);
    } finally {
      members.signal(0, 'SIGCONT');
      await waiting.close();
      await members.stop();
    }
  });

  test('options of no use are refused at once', () => {
    for (const endpoints of [[], ['nonsense'], ['host:0'], ['ftp://a:1']]) {
      assert.throws(() => new Client({ endpoints }), { name: 'ClientError', outcome: 'invalid' });
    }
    assert.throws(() => new Client({ endpoints: ['a:1'], callTimeoutMs: 0 }), { outcome: 'invalid' });
    const endpoints = ['a:1'];
    // As callers without types may give them.
    const wrong: readonly (readonly [string, unknown])[] = [
      ['endpoints is missing; allowed: a list of host:port', undefined],
      ['endpoints is missing', null],
      ['endpoints is missing', {}],
      ["endpoints is 'a:1'; allowed: a list", { endpoints: 'a:1' }],
      ['endpoints is \\[ 5n ]; allowed: a list', { endpoints: [5n] }],
      ['tls is true; allowed: an object', { endpoints, tls: true }],
      ['auth is not { user, password }', { endpoints, auth: null }],
      ['auth is not { user, password }', { endpoints, auth: { user: 'root' } }],
      ['callsMax: 5n is not a whole number', { endpoints, callsMax: 5n }],
      ['backoffMs: \\[Object: null prototype] {} is not', { endpoints, backoffMs: Object.create(null) }],
    ];
    for (const [message, options] of wrong) {
      const construct = (): Client => new Client(options as ConstructorParameters<typeof Client>[0]);
      assert.throws(construct, { name: 'ClientError', outcome: 'invalid', message: new RegExp(`^${message}`) });
    }
  });
});

describe('etcd as it can be set up', { skip: skipOf('etcd') }, () => {
  test('over TLS, when the server is trusted', async () => {
    const servers = await startServers('etcd', { scheme: 'https', flags: ['--auto-tls'] });
    const trusting = new Client({ endpoints: servers.endpoints, tls: { rejectUnauthorized: false } });
    await trusting.kv.put('a', 'b');
    assert.equal((await trusting.kv.get('a'))?.value.toString(), 'b');
    const strict = new Client({ endpoints: servers.endpoints, callTimeoutMs: 500 });
    assert.deepEqual((await failure(strict.kv.put('a', 'c'))).outcome, 'rejected');
    await Promise.all([trusting.close(), strict.close()]);
    await servers.stop();
  });

  test('with users: the token is fetched, and fetched again when it is of no use any more', async () => {
    const { SERVICES } = await import('@quorate/proto');
    const auth = SERVICES['etcdserverpb.Auth'];
    const servers = await startServers('etcd');
    const { endpoints } = servers;
    const client = new Client({ endpoints, auth: { user: 'root', password: 'secret' } });
    // Without authentication yet: no token is wanted.
    await client.kv.put('a', '0');
    await client.call(auth.UserAdd, { name: 'root', password: 'secret' });
    await client.call(auth.RoleAdd, { name: 'root' });
    await client.call(auth.UserGrantRole, { user: 'root', role: 'root' });
    await client.call(auth.AuthEnable, {});
    await client.kv.put('a', '1');
    // Changes what tokens are worth.
    await client.call(auth.UserAdd, { name: 'other', password: 'x' });
    await client.kv.put('a', '2');
    const wrong = new Client({ endpoints, auth: { user: 'root', password: 'wrong' } });
    assert.deepEqual((await failure(wrong.kv.put('a', '3'))).etcdName, 'AuthFailed');
    assert.equal((await client.kv.get('a'))?.value.toString(), '2');
    await Promise.all([client.close(), wrong.close()]);
    await servers.stop();
  });
});

for (const kind of KINDS) {
  describe(`members of ${kind}`, { skip: skipOf(kind) }, () => {
    test('cluster and maintenance calls', async () => {
      const servers = await startServers(kind, { members: 3 });
      const client = new Client({ endpoints: servers.endpoints });
      try {
        const { members, clusterId } = await client.cluster.members();
        assert.deepEqual(members.map(({ name }) => name).toSorted(), ['m0', 'm1', 'm2']);
        const status = await client.maintenance.status();
        assert.equal(status.clusterId, clusterId);
        const follower = members.find(({ id }) => id !== status.leaderId)?.id ?? 0n;
        await client.maintenance.moveLeader(follower);
        assert.deepEqual(await client.maintenance.alarms(), []);
        await client.maintenance.disarm();
        await client.kv.put('a', 'b');
        // A member hashes what it has: a linearizable read there waits until that is all.
        for (const endpoint of servers.endpoints) await client.kv.get('a', { endpoint });
        const hashes = await Promise.all(
          servers.endpoints.map((endpoint) => client.maintenance.hash({ endpoint, revision: 2 })),
        );
        assert.equal(new Set(hashes.map(({ hash }) => hash)).size, 1);
        let bytes = 0;
        for await (const piece of client.maintenance.snapshot()) bytes += piece.length;
        assert.equal((bytes - 32) % 512, 0);
        const bad = await failure(client.cluster.remove(4711n));
        assert.deepEqual([bad.etcdName, bad.outcome], ['MemberNotFound', 'rejected']);
      } finally {
        await client.close();
        await servers.stop();
      }
    });
  });
}

function sockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}

test('a client that was closed leaves nothing behind, and does nothing any more', async () => {
  const servers = await startServers('quorate');
  await waitUntil(() => sockets() === 0, 'no other test has sockets');
  const client = new Client({ endpoints: servers.endpoints });
  await client.leases.grant(60);
  const watching = (async () => {
    for await (const _ of client.watch());
  })();
  await client.kv.put('a', 'b');
  await client.close();
  await watching;
  await client.close();
  assert.equal(sockets(), 0);
  const late = await failure(client.kv.txn().do(op.get('a')).commit());
  assert.deepEqual([late.grpcName, late.outcome], ['CANCELED', 'rejected']);
  await servers.stop();
});

test('the README’s example runs, prints what it says, and ends by itself', async () => {
  const readme = readFileSync(path.join(ROOT, 'packages', 'client', 'README.md'), 'utf8');
  const code = /```js\n([^`]*)```/.exec(readme)?.[1];
  assert.ok(code !== undefined);
  const servers = await startServers('quorate');
  const folder = mkdtempSync(path.join(tmpdir(), 'quorate-client-readme-'));
  try {
    symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
    writeFileSync(path.join(folder, 'example.mjs'), code.replace('127.0.0.1:2379', servers.endpoints[0] as string));
    const { stdout } = await promisify(execFile)(process.execPath, ['example.mjs'], { cwd: folder, timeout: 20_000 });
    assert.equal(stdout, 'blue\ntrue\ntrue 2\nput blue\nput green\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await servers.stop();
  }
});
