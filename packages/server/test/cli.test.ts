/** The command line against fake members behind real sockets: what it prints, where, and its exit codes. */
import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runCli } from '../src/cli/program.js';
import { formatAddress } from '../src/config/address.js';
import { settingKeys, settings } from '../src/config/settings.js';
import { HttpApi } from '../src/http/api.js';
import { HttpServer } from '../src/http/server.js';
import { FakeMember, info } from './fake-member.js';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function quorate(argv: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  let out = '';
  let err = '';
  const io = { env, out: (text: string) => void (out += text), err: (text: string) => void (err += text) };
  const code = await runCli(argv, io, () => Promise.reject(new Error('no member here')));
  return { code, out, err };
}

async function run(
  t: TestContext,
  member: FakeMember = new FakeMember(),
): Promise<{ member: FakeMember; address: string }> {
  const limits = { keyBytesMax: 100, valueBytesMax: 200, keysMax: 1000 };
  const server = new HttpServer(new HttpApi(member, { limits, version: {} }), {
    bodyBytesMax: 10_000,
    requestTimeoutMs: 30_000,
    writeTimeoutMs: 30_000,
    requestsMax: 100,
    connectionsMax: 100,
  });
  const address = formatAddress(await server.listen('localhost:0'));
  t.after(() => {
    server.destroyConnections();
    return server.drain();
  });
  return { member, address };
}

/** Accepts connections, reads, and hangs up without an answer. */
async function runHangingUp(t: TestContext): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  t.after(() => new Promise((resolve) => server.close(resolve)));
  return `localhost:${(server.address() as AddressInfo).port}`;
}

async function nobodyAt(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `localhost:${port}`;
}

test('put, get and del do what they say', async (t) => {
  const { address } = await run(t);
  const key = 'a/b c:d,ä';
  assert.deepEqual(await quorate(['put', key, 'v 1', '-e', address]), { code: 0, out: 'created\n', err: '' });
  assert.deepEqual(await quorate(['put', key, 'v 2', '-e', address]), { code: 0, out: 'updated\n', err: '' });
  assert.deepEqual(await quorate(['get', key, '-e', address]), { code: 0, out: 'v 2\n', err: '' });
  assert.deepEqual(await quorate(['get', '--json', key, '-e', address]), {
    code: 0,
    out: '{"key":"a/b c:d,ä","value":"v 2"}\n',
    err: '',
  });
  assert.deepEqual(await quorate(['put', '--create', key, 'x', '-e', address]), {
    code: 1,
    out: '',
    err: 'quorate: key already exists\n',
  });
  assert.deepEqual(await quorate(['del', key, '-e', address]), { code: 0, out: 'deleted\n', err: '' });
  assert.deepEqual(await quorate(['get', key, '-e', address]), { code: 3, out: '', err: 'quorate: key not found\n' });
  assert.deepEqual(await quorate(['del', key, '-e', address]), { code: 3, out: '', err: 'quorate: key not found\n' });
});

test('values that begin with a dash are values', async (t) => {
  const { address } = await run(t);
  assert.equal((await quorate(['put', '-e', address, '--', 'k', '-5'])).code, 0);
  assert.equal((await quorate(['get', '-e', address, 'k'])).out, '-5\n');
});

test('a serializable read is asked for as such', async (t) => {
  const { member, address } = await run(t);
  await quorate(['get', 'a', '--consistency', 'serializable', '-e', address]);
  assert.deepEqual(member.lastReads, ['serializable']);
  assert.equal((await quorate(['get', 'a', '--consistency', 'maybe', '-e', address])).code, 2);
});

test('endpoints come from flags or QUORATE_ENDPOINTS; the next one is asked when nobody listens', async (t) => {
  const { address } = await run(t);
  const nobody = await nobodyAt();
  assert.equal((await quorate(['put', 'a', 'b', '-e', nobody, '-e', address])).code, 0);
  assert.equal((await quorate(['get', 'a'], { QUORATE_ENDPOINTS: `${nobody}, http://${address}/` })).out, 'b\n');
  assert.equal(
    (await quorate(['--endpoint', nobody, '-e', address, 'get', 'a'])).out,
    'b\n',
    'in front of the command',
  );
  assert.equal((await quorate(['-e', nobody, 'member', 'list', '-e', address])).code, 0, 'in front and behind');
  const nothingToAsk = await quorate(['-e', address, 'serve', '--print-config']);
  assert.deepEqual([nothingToAsk.code, nothingToAsk.err], [2, 'quorate: serve takes no --endpoint\n']);
  const none = await quorate(['get', 'a', '-e', nobody]);
  assert.deepEqual(none, { code: 4, out: '', err: `quorate: ${nobody}: connection refused\n` });
  const wrong = await quorate(['get', 'a', '-e', 'nowhere']);
  assert.deepEqual([wrong.code, wrong.err], [2, 'quorate: endpoint "nowhere" is not host:port\n']);
});

test('a member without a leader is passed over; without any the exit code says so', async (t) => {
  const { member, address } = await run(t);
  const { address: healthy } = await run(t);
  member.trouble = 'no-leader';
  assert.equal((await quorate(['put', 'a', 'b', '-e', address, '-e', healthy])).code, 0);
  const alone = await quorate(['put', 'a', 'b', '-e', address]);
  assert.deepEqual(alone, { code: 4, out: '', err: `quorate: ${address}: no leader\n` });
});

test('a change whose answer is lost is never sent again, a read is', async (t) => {
  const hangingUp = await runHangingUp(t);
  const { member, address } = await run(t);
  const put = await quorate(['put', 'a', 'b', '-e', hangingUp, '-e', address]);
  assert.equal(put.code, 5);
  assert.match(put.err, /outcome unknown: the change may or may not have been made\n$/);
  assert.equal(member.entries.size, 0);
  assert.equal((await quorate(['get', 'a', '-e', hangingUp, '-e', address])).code, 3);
  member.trouble = 'outcome-unknown';
  assert.equal((await quorate(['del', 'a', '-e', address])).code, 5);
});

test('status shows every member, also those that do not answer', async (t) => {
  const member = new FakeMember();
  const { address } = await run(t, member);
  const nobody = await nobodyAt();
  member.members = [info(1, 'node1', 'p:1', address), info(2, 'node2', 'p:2', nobody), info(3, 'node3', 'p:3', '')];
  const shown = await quorate(['status', '-e', nobody, '-e', address]);
  assert.equal(shown.code, 0);
  const lines = shown.out.split('\n');
  assert.match(lines[0] ?? '', /^ID +NAME +ADDRESS +ROLE +TERM +COMMIT +APPLIED +LAG +LEADER$/);
  assert.match(lines[1] ?? '', new RegExp(`^1 +node1 +${address} +leader +3 +12 +11 +1 +node1$`));
  assert.match(lines[2] ?? '', new RegExp(`^2 +node2 +${nobody} +unreachable +- +- +- +- +-$`));
  assert.match(lines[3] ?? '', /^3 +node3 +- +unreachable/);
  assert.equal(lines[4], `node2: ${nobody}: connection refused`);
  assert.equal(lines[5], 'node3: its address is not known');
  const json = JSON.parse((await quorate(['status', '--json', '-e', address])).out) as { members: unknown[] };
  assert.deepEqual(json.members[1], {
    id: 2,
    name: 'node2',
    address: nobody,
    reachable: false,
    problem: `${nobody}: connection refused`,
  });
  assert.equal((await quorate(['status', '-e', nobody])).code, 4);
});

test('members are listed, added, promoted, removed, and lead', async (t) => {
  const { address } = await run(t);
  const added = await quorate(['member', 'add', 'node2', 'localhost:21002', '-e', address]);
  assert.deepEqual(added, { code: 0, out: 'added node2 as 2\n', err: '' });
  const list = await quorate(['member', 'list', '-e', address]);
  assert.match(
    list.out,
    /^ID +NAME +PEER ADDRESS +CLIENT ADDRESS +KIND\n1 +node1 .*voter\n2 +node2 +localhost:21002 +- +learner\n$/,
  );
  assert.equal((await quorate(['member', 'promote', 'node2', '-e', address])).out, 'promoted node2 (2)\n');
  assert.equal((await quorate(['transfer-leadership', 'node2', '-e', address])).out, 'the leader is node2 (2)\n');
  assert.equal((await quorate(['transfer-leadership', '--json', '-e', address])).out, '{"leaderId":2}\n');
  assert.equal((await quorate(['member', 'remove', '2', '-e', address])).out, 'removed node2 (2)\n');
  const missing = await quorate(['member', 'remove', 'node2', '-e', address]);
  assert.deepEqual(
    [missing.code, missing.err],
    [3, 'quorate: there is no member "node2"; the members are node1 (1)\n'],
  );
  const refused = await quorate(['member', 'remove', 'node1', '-e', address]);
  assert.deepEqual([refused.code, refused.err], [1, 'quorate: the last member cannot be removed\n']);
});

test('there is help everywhere, with examples; wrong usage says what is right', async () => {
  const commands = [[], ['serve'], ['put'], ['get'], ['del'], ['status'], ['transfer-leadership'], ['simulate']];
  const memberCommands = ['list', 'add', 'promote', 'remove'].map((name) => ['member', name]);
  for (const command of [...commands, ...memberCommands]) {
    const { code, out, err } = await quorate([...command, '--help']);
    assert.deepEqual([code, err], [0, ''], command.join(' '));
    assert.match(out, /^Usage: quorate/);
    assert.match(out, /Examples:\n {2}(\S+=\S+ )?quorate/, command.join(' '));
  }
  assert.match((await quorate(['--help'])).out, /Exit codes: 0 done; 1 /);
  const help = (await quorate(['serve', '--help'])).out;
  for (const key of settingKeys) assert.ok(help.includes(`[${settings[key].name}]`.slice(0, 12)), settings[key].name);
  for (const argv of [
    ['put', 'a'],
    ['nothing'],
    ['get', 'a', '--nothing'],
    ['get', 'a', '--timeout', 'soon'],
    ['put', '', 'x'],
  ]) {
    const { code, out, err } = await quorate(argv);
    assert.equal(code, 2, argv.join(' '));
    assert.equal(out, '');
    assert.notEqual(err, '');
  }
  for (const [path, ...argv] of [
    ['', 'nothing'],
    [' put', 'put', 'a'],
    [' get', 'get', 'a', '--nothing'],
    [' member', 'member', 'nothing'],
    [' member add', 'member', 'add', 'node4'],
    [' snapshot restore', 'snapshot', 'restore', 'backup.db'],
  ] as const) {
    const { err } = await quorate(argv);
    assert.ok(err.endsWith(`(quorate${path} --help shows what there is)\n`), err);
  }
  assert.match((await quorate(['--version'])).out, /^\d+\.\d+\.\d+\n$/);
});

test('help prints what --help does, for any command', async () => {
  const commands = [[], ['put'], ['member'], ['member', 'add'], ['snapshot', 'restore'], ['simulate'], ['help']];
  for (const command of commands) {
    const { code, out, err } = await quorate(['help', ...command]);
    assert.deepEqual([code, err], [0, '']);
    assert.equal(out, (await quorate([...command, '--help'])).out, command.join(' '));
  }
  const unknown = await quorate(['help', 'member', 'nothing']);
  const expected = "error: unknown command 'nothing'\n(quorate member --help shows what there is)\n";
  assert.deepEqual(unknown, { code: 2, out: '', err: expected });
});

test('simulate runs clusters from their seeds, and its exit code says whether all were right', async () => {
  const { code, out, err } = await quorate(['simulate', '--seed', '3', '--runs', '2']);
  assert.equal(code, 0);
  // On a slow machine it also tells how far it has come.
  assert.doesNotMatch(err, /FAILED/);
  assert.match(out, /^2 runs, 0 failed; .* times real time\); \d+ operations, \d+ faults, \d+ crashes, \d+ events\n/);
  const json = await quorate(['simulate', '--json', '--seed', '3']);
  assert.equal((JSON.parse(json.out.split('\n')[0] ?? '') as { seed: number }).seed, 3);
  const failing = await quorate(['simulate', '--seed', '3', '--set', '{"heartbeatTicks":5,"electionTicks":1}']);
  assert.equal(failing.code, 1);
  assert.match(failing.out, /^seed 3 FAILED /);
  assert.match(failing.out, /^replay: quorate simulate --seed 3 --set '\{.*\}'$/m);
  const wrong = await quorate(['simulate', '--runs', 'many']);
  assert.deepEqual([wrong.code, wrong.out], [2, '']);
  assert.match(wrong.err, /^--runs: "many" is not a whole number from 1\nUsage: quorate simulate /);
});

const BIN = fileURLToPath(new URL('../src/bin.js', import.meta.url));
/** Makes the simulator impossible to load. */
const HOOKS = `export const resolve = (name, context, next) => {
  if (name.startsWith('@quorate/simulator')) throw new Error('the simulator is loaded');
  return next(name, context);
};`;

function moduleUrl(code: string): string {
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

test('only simulate loads the simulator', () => {
  const register = `import { register } from 'node:module'; register(${JSON.stringify(moduleUrl(HOOKS))});`;
  const start = (...argv: readonly string[]): SpawnSyncReturns<string> =>
    spawnSync(process.execPath, ['--import', moduleUrl(register), BIN, ...argv], { encoding: 'utf8' });
  assert.equal(start('--help').status, 0);
  assert.equal(start(...SERVE, '--print-config').status, 0);
  const simulate = start('simulate');
  assert.equal(simulate.status, 1);
  assert.match(simulate.stderr, /the simulator is loaded/);
});

const SERVE = ['serve', '--env-file', '/dev/null', '--server-address', 'localhost:8888', '--service-debug'];

test('serve --print-config prints and does not serve', async () => {
  const table = await quorate([...SERVE, '--print-config'], { SERVICE_RAFT_TIMEOUT: '1m' });
  assert.deepEqual([table.code, table.err], [0, '']);
  assert.match(table.out, /^SERVICE_DEBUG +true +flag --service-debug$/m);
  assert.match(table.out, /^SERVICE_RAFT_TIMEOUT +1m +environment$/m);
  const json = await quorate([...SERVE, '--service-debug=true', '--print-config', '--json']);
  const parsed = JSON.parse(json.out) as Record<string, { value: string }>;
  assert.equal(parsed['SERVER_ADDRESS']?.value, 'localhost:8888');
});

test('serve reports a wrong configuration with exit code 2, all of it, one line each', async () => {
  const { code, out, err } = await quorate([
    'serve',
    '--env-file',
    '/dev/null',
    '--server-address',
    'x',
    '--service-debug',
    '--quorate-log-level',
    'loud',
  ]);
  assert.deepEqual([code, out], [2, '']);
  assert.match(
    err,
    /^quorate: SERVER_ADDRESS \(flag --server-address\): "x" is not allowed; .*\nquorate: QUORATE_LOG_LEVEL .*\n$/,
  );
});
