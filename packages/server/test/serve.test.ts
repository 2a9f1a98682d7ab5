/** The composition of a server, joining and founding, and stopping; with fake members behind real sockets. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type JoinRequest, type JoinResult, type OpenOptions, QuorateError } from '@quorate/replica';
import { type ConfigResult, parseConfig } from '../src/config/parse.js';
import type { Config, SettingKey } from '../src/config/settings.js';
import { ETCD_DEFAULTS } from '../src/etcd/backend.js';
import type { EtcdPlace } from '../src/etcd-place.js';
import { send } from '../src/http/client.js';
import { joinCluster } from '../src/join.js';
import { createLog, type Log } from '../src/log.js';
import { openWith } from '../src/open-member.js';
import { type OpenMember, type RunningServer, startServer } from '../src/serve.js';
import { FakeMember } from './fake-member.js';
import { RawConnection, waitFor } from './sockets.js';

const log: Log = createLog({ level: 'silent', format: 'json' });

function config(flags: Partial<Record<SettingKey, string>>): Config {
  const result: ConfigResult = parseConfig({
    flags: {
      serverAddress: 'localhost:0',
      raftAddress: 'localhost:21001',
      raftNodeId: 'node1',
      raftStoreDir: 'x',
      raftLeader: 'true',
      ...flags,
    },
    env: {},
    readFile: () => undefined,
  });
  assert.ok(result.ok, result.ok ? '' : result.errors.join());
  return result.config;
}

const openStandalone = (): Promise<FakeMember> => Promise.resolve(new FakeMember());

const joinNobody = (): Promise<undefined> => Promise.resolve(undefined);

const openByJoining: OpenMember = async (options) => {
  await options.join?.(request);
  return new FakeMember();
};

async function start(
  t: TestContext,
  flags: Partial<Record<SettingKey, string>>,
  openMember: OpenMember,
): Promise<RunningServer> {
  const server = await startServer(config(flags), { openMember, openStandalone, log });
  t.after(() => server.close());
  return server;
}

const ask = (address: string, path: string, method = 'GET', body?: unknown): ReturnType<typeof send> =>
  send({ address, method, path, body, timeoutMs: 5000 });

/** A port where nobody listens. */
async function nobodyAt(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `localhost:${port}`;
}

const request: JoinRequest = {
  name: 'node2',
  peerAddress: 'localhost:21002',
  clientAddress: 'localhost:8889',
  instance: 'i',
};

test('HTTP listens before the member is open, and serves it afterwards', async (t) => {
  const opened = new EventEmitter();
  let clientAddress = '';
  const starting = start(t, {}, (options) => {
    clientAddress = options.clientAddress;
    assert.deepEqual(options.peer, { listen: 'localhost:21001', advertise: 'localhost:21001' });
    assert.deepEqual([options.dir, options.name, options.found, options.join], ['x', 'node1', true, undefined]);
    assert.deepEqual([options.heartbeatMs, options.electionMs, options.requestTimeoutMs], [100, 500, 20_000]);
    return new Promise((resolve) => opened.once('member', resolve));
  });
  await waitFor(() => clientAddress !== '');
  assert.equal((await ask(clientAddress, '/livez')).status, 200);
  assert.equal((await ask(clientAddress, '/readyz')).status, 503);
  assert.equal((await ask(clientAddress, '/key/a')).body, 'starting\n');
  opened.emit('member', new FakeMember());
  const server = await starting;
  assert.equal(server.address, clientAddress);
  assert.equal((await ask(server.address, '/key', 'POST', { key: 'a', value: 'b' })).status, 201);
  assert.equal((await ask(server.address, '/key/a')).body, '{ "a" : "b" }');
  const metrics = await ask(server.address, '/metrics');
  assert.match(metrics.body, /quorate_http_requests_total\{route="\/key",method="POST",code="201"\} 1/);
  assert.match(metrics.body, /etcd_server_has_leader 1/);
  assert.equal(
    (JSON.parse((await ask(server.address, '/version')).body) as { etcdserver: string }).etcdserver,
    '3.7.1',
  );
});

test('SERVICE_DEBUG runs without Raft', async (t) => {
  const server = await start(t, { debug: 'true' }, () => Promise.reject(new Error('not this one')));
  assert.equal((await ask(server.address, '/key', 'POST', { key: 'a', value: 'b' })).status, 201);
});

test('a member that cannot be opened stops the server', async () => {
  let address = '';
  const openMember: OpenMember = (options) => {
    address = options.clientAddress;
    return Promise.reject(new QuorateError('data-folder', 'rejected', 'locked'));
  };
  await assert.rejects(startServer(config({}), { openMember, openStandalone, log }), /locked/);
  await assert.rejects(ask(address, '/hello'), { kind: 'refused' });
});

test('an address that cannot be listened on is named with its setting and what to do', async (t) => {
  const taken = createServer();
  await new Promise<void>((resolve) => {
    taken.listen(0, '127.0.0.1', resolve);
  });
  t.after(() => taken.close());
  const used = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
  const modules = { openMember: () => Promise.reject(new Error('not this far')), openStandalone, log };
  const refusal = (serverAddress: string, place?: EtcdPlace): Promise<string> =>
    startServer(config({ serverAddress }), modules, place).then(
      () => 'it listens',
      ({ message }: Error) => message,
    );
  const advice = 'another process listens there already: stop that one, or take another port';
  assert.equal(await refusal(used), `SERVER_ADDRESS: cannot listen on ${used}: ${advice}`);
  const unknown = 'SERVER_ADDRESS: cannot listen on host.invalid:1: this host is not known here: give a name';
  assert.ok((await refusal('host.invalid:1')).startsWith(unknown));
  const place = { clientAddresses: [], metricsAddresses: [], peerAddresses: [], settings: ETCD_DEFAULTS, member: {} };
  for (const [setting, serverAddress, more] of [
    ['--listen-client-urls', used, {}],
    ['--listen-client-urls', 'localhost:0', { clientAddresses: [used] }],
    ['--listen-metrics-urls', 'localhost:0', { metricsAddresses: [used] }],
  ] as const) {
    const message = await refusal(serverAddress, { ...place, ...more });
    assert.equal(message, `${setting}: cannot listen on ${used}: ${advice}`);
  }
});

test('a member that stops itself stops the server, and says why', async (t) => {
  const member = new FakeMember();
  const server = await start(t, {}, () => Promise.resolve(member));
  member.settleStopped(new QuorateError('removed', 'rejected', 'this member was removed'));
  assert.match((await server.stopped)?.message ?? '', /was removed/);
  await assert.rejects(ask(server.address, '/hello'), { kind: 'refused' });
});

test('a stop finishes requests under way before the member stops', async (t) => {
  const member = new FakeMember();
  const server = await start(t, {}, () => Promise.resolve(member));
  member.trouble = 'slow';
  const answer = ask(server.address, '/key', 'POST', { key: 'a', value: 'b' });
  await waitFor(() => member.waiting === 1);
  const closing = server.close();
  assert.equal(server.close(), closing);
  await assert.rejects(ask(server.address, '/hello'), { kind: 'refused' });
  assert.equal(member.closed, 0);
  member.release();
  assert.equal((await answer).status, 201);
  await closing;
  assert.equal(member.closed, 1);
  assert.equal(await server.stopped, undefined);
});

test('a request that cannot be finished does not hold up the stop', async (t) => {
  const member = new FakeMember();
  const server = await start(t, { shutdownTimeoutMs: '40ms' }, () => Promise.resolve(member));
  member.trouble = 'slow';
  member.close = () => {
    member.closed += 1;
    member.settleStopped(undefined);
    return Promise.resolve();
  };
  const connection = await RawConnection.open(server.address);
  connection.write('GET /key/a HTTP/1.1\r\nHost: x\r\n\r\n');
  await waitFor(() => member.waiting === 1);
  await server.close();
  await connection.ended;
  assert.equal(member.closed, 1);
});

test('joining asks each address in turn until one takes the member in', async (t) => {
  const leader = new FakeMember();
  const server = await start(t, {}, () => Promise.resolve(leader));
  const addresses = [await nobodyAt(), server.address];
  const result = await joinCluster(request, { addresses, found: false, timeoutMs: 5000, log });
  assert.deepEqual(result, { clusterId: 77, memberId: 2, members: leader.members });
  assert.deepEqual(leader.joins, [request]);
});

test('joining goes on until the cluster has a leader', async (t) => {
  const leader = new FakeMember();
  leader.trouble = 'no-leader';
  const server = await start(t, {}, () => Promise.resolve(leader));
  const joining = joinCluster(request, { addresses: [server.address], found: false, timeoutMs: 10_000, log });
  assert.equal((await ask(server.address, '/key', 'POST', { key: 'a' })).status, 503);
  leader.trouble = 'none';
  assert.equal((await joining)?.memberId, 2);
});

test('joining gives up when the time is over, says why, and stops at once when told to', async () => {
  const nobody = await nobodyAt();
  await assert.rejects(joinCluster(request, { addresses: [nobody], found: false, timeoutMs: 30, log }), {
    name: 'JoinError',
    message: `could not join within SERVICE_RAFT_TIMEOUT: ${nobody}: connection refused`,
  });
  const stop = new AbortController();
  const options = { addresses: [nobody], found: false, timeoutMs: 60_000, log, signal: stop.signal };
  const joining = joinCluster(request, options);
  stop.abort(new Error('stopped by SIGTERM'));
  await assert.rejects(joining, /stopped by SIGTERM/);
});

test('a refusal that will not change ends the joining', async (t) => {
  const server = await start(t, {}, () => Promise.resolve(new FakeMember()));
  const senseless = { ...request, peerAddress: 'nowhere' };
  await assert.rejects(
    joinCluster(senseless, { addresses: [server.address], found: false, timeoutMs: 60_000, log }),
    /joining was refused: .*"nowhere" is not an address/,
  );
});

test('a member whose former self is not yet missed asks again until it is', async (t) => {
  const leader = new FakeMember();
  const server = await start(t, {}, () => Promise.resolve(leader));
  const known = leader.members[0] as (typeof leader.members)[number];
  const back = { ...request, name: known.name };
  const joining = joinCluster(back, { addresses: [server.address], found: false, timeoutMs: 60_000, log });
  await waitFor(() => leader.joins.length >= 2);
  leader.members = leader.members.filter((member) => member !== known);
  assert.ok(await joining);
});

test('a founder with addresses joins the cluster that is there instead of founding a second one', async (t) => {
  const leader = new FakeMember();
  const server = await start(t, {}, () => Promise.resolve(leader));
  const addresses = [await nobodyAt(), server.address];
  assert.equal((await joinCluster(request, { addresses, found: true, timeoutMs: 5000, log }))?.memberId, 2);
});

test('a founder founds if all refuse the connection or belong to no cluster', async (t) => {
  let joined: JoinResult | undefined | 'not yet' = 'not yet';
  const openMember: OpenMember = async (options) => {
    // Its own address is in the list, as where all members have the same one; it belongs to no cluster itself.
    joined = await options.join?.(request);
    return new FakeMember();
  };
  const own = await nobodyAt();
  const addresses = `${await nobodyAt()},${own}`;
  await start(t, { serverAddress: own, raftJoinAddresses: addresses }, openMember);
  assert.equal(joined, undefined);
});

test('a founder does not found while a member that is asked is still starting', async () => {
  let address = '';
  const stop = new AbortController();
  const openMember: OpenMember = (options) => {
    address = options.clientAddress;
    return new Promise((_, reject) => options.signal.addEventListener('abort', () => reject(new Error('stopped'))));
  };
  const other = startServer(config({}), { openMember, openStandalone, log, signal: stop.signal });
  await waitFor(() => address !== '');
  await assert.rejects(
    joinCluster(request, { addresses: [address], found: true, timeoutMs: 30, log }),
    /could not join .*this member is starting/,
  );
  stop.abort();
  await assert.rejects(other, /stopped/);
});

test('a signal while the member opens ends the start', async () => {
  const stop = new AbortController();
  const flags = { raftLeader: 'false', raftJoinAddresses: await nobodyAt() };
  const modules = { openMember: openByJoining, openStandalone, log, signal: stop.signal };
  const starting = startServer(config(flags), modules);
  setImmediate(() => stop.abort(new Error('stopped by SIGTERM')));
  await assert.rejects(starting, /stopped by SIGTERM/);
});

test('the member is opened with a join exactly if it must not found', async () => {
  const opened: OpenOptions['join'][] = [];
  const openMember = openWith((options) => {
    opened.push(options.join);
    return Promise.resolve(new FakeMember());
  });
  const base = { dir: 'x', name: 'n', peer: { listen: 'a:1', advertise: 'a:1' }, clientAddress: 'a:2' };
  const times = {
    heartbeatMs: 100,
    electionMs: 500,
    snapshotLogBytesMin: 32 * 1024 * 1024,
    segmentBytes: 64 * 1024 * 1024,
    awaitDisk: 'brief' as const,
    requestTimeoutMs: 1000,
    log,
    onFault: () => assert.fail(),
    signal: new AbortController().signal,
  };
  await openMember({ ...base, ...times, found: true, join: undefined });
  await openMember({ ...base, ...times, found: true, join: joinNobody });
  await openMember({ ...base, ...times, found: false, join: joinNobody });
  assert.deepEqual(opened, [undefined, joinNobody, joinNobody]);
  await openMember({ ...base, ...times, found: false, join: undefined });
  const refusing = opened.at(-1) as OpenOptions['join'];
  await assert.rejects(async () => refusing?.(request), /names nobody/);
});
