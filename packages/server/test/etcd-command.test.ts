/** quorate-etcd's flags and variables, without a process: what they come to, what is said of them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { TXN_OPERATIONS_MAX } from '@quorate/replica/internal';
import { TXN_OPERATIONS_CEILING } from '../src/etcd/backend.js';
import { readArguments } from '../src/etcd-command/arguments.js';
import { runEtcdCommand } from '../src/etcd-command/command.js';
import { etcdFlags, variableOf } from '../src/etcd-command/flags.js';
import { type Plan, planServer } from '../src/etcd-command/plan.js';

/** From packages/server/dist/test. */
const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..', '..', '..');

type Env = Readonly<Record<string, string>>;

function values(line: string, env: Env = {}): Readonly<Record<string, string>> {
  const read = readArguments(line.split(' ').filter(Boolean), env);
  assert.equal(read.kind, 'values', JSON.stringify(read));
  return read.kind === 'values' ? Object.fromEntries(read.values) : {};
}

function wrong(line: string, env: Env = {}): string {
  const read = readArguments(line.split(' ').filter(Boolean), env);
  return read.kind === 'wrong' ? read.errors.join('\n') : `not wrong: ${JSON.stringify(read)}`;
}

function plan(line: string, env: Env = {}, hasData = false): Plan {
  const read = readArguments(line.split(' ').filter(Boolean), env);
  assert.ok(read.kind === 'values', JSON.stringify(read));
  return planServer(read.values, () => hasData);
}

function planned(line: string, env: Env = {}): Extract<Plan, { ok: true }> {
  const made = plan(line, env);
  assert.ok(made.ok, JSON.stringify(made));
  return made;
}

function refused(line: string, env: Env = {}, hasData = false): string {
  const made = plan(line, env, hasData);
  return made.ok ? 'not refused' : made.errors.join('\n');
}

describe('arguments', () => {
  for (const [line, expected] of [
    ['--name a', { name: 'a' }],
    ['-name a', { name: 'a' }],
    ['--name=a', { name: 'a' }],
    ['-name=a', { name: 'a' }],
    ['--name= --data-dir d', { name: '', 'data-dir': 'd' }],
    ['--name a --name b', { name: 'b' }],
    ['--initial-cluster a=http://x:1,b=http://y:1', { 'initial-cluster': 'a=http://x:1,b=http://y:1' }],
    ['--force-new-cluster --name a', { 'force-new-cluster': 'true', name: 'a' }],
    ['--pre-vote=false', { 'pre-vote': 'false' }],
    ['--quota-backend-bytes -1', { 'quota-backend-bytes': '-1' }],
    ['--', {}],
  ] as const) {
    it(`reads "${line}"`, () => assert.deepEqual(values(line), expected));
  }

  for (const [line, expected] of [
    ['--data-dri a', 'flag provided but not defined: -data-dri; did you mean --data-dir?'],
    ['--name', 'flag needs an argument: -name'],
    ['serve', '"serve" is not a valid flag'],
    ['--pre-vote false', '"false" is not a valid flag'],
    ['---name a', 'bad flag syntax: ---name'],
    ['-- a', '"a" is not a valid flag'],
    ['--heartbeat-interval 1s', 'invalid value "1s" for flag -heartbeat-interval: parse error'],
    ['--max-txn-ops -1', 'invalid value "-1" for flag -max-txn-ops: parse error'],
    ['--force-new-cluster=maybe', 'invalid value "maybe" for flag -force-new-cluster: parse error'],
    ['--grpc-keepalive-timeout 20', 'invalid value "20" for flag -grpc-keepalive-timeout: parse error'],
  ] as const) {
    it(`refuses "${line}"`, () => assert.equal(wrong(line), expected));
  }

  it('takes variables, flags before them, and warns of what it does not know', () => {
    const env = {
      ETCD_NAME: 'a',
      ETCD_DATA_DIR: 'd',
      ETCD_WAL_DIR: '',
      ETCD_NONSENSE: '1',
      ETCDCTL_API: '3',
      PATH: '/',
    };
    const read = readArguments(['--name', 'b'], env);
    assert.ok(read.kind === 'values');
    assert.deepEqual(Object.fromEntries(read.values), { name: 'b', 'data-dir': 'd' });
    assert.deepEqual(read.warnings, [
      'ETCD_NAME is shadowed by the flag --name',
      'unrecognized environment variable ETCD_NONSENSE',
    ]);
    assert.match(wrong('', { ETCD_ELECTION_TIMEOUT: 'long' }), /invalid value "long" for ETCD_ELECTION_TIMEOUT/);
  });

  it('has a variable of its own for each flag', () => {
    const variables = etcdFlags.map(({ name }) => variableOf(name));
    assert.equal(new Set(variables).size, variables.length);
  });
});

describe('the server that they make', () => {
  it('has etcd’s defaults', () => {
    const { config, place, warnings } = planned('');
    assert.deepEqual(warnings, []);
    assert.equal(config.serverAddress, 'localhost:2379');
    assert.equal(config.raftAddress, 'localhost:2380');
    assert.equal(config.raftStoreDir, 'default.etcd');
    assert.equal(config.raftNodeId, 'default');
    assert.deepEqual([config.heartbeatIntervalMs, config.electionTimeoutMs, config.raftTimeoutMs], [100, 1000, 7000]);
    assert.deepEqual(place.settings, {
      txnOperationsMax: 128,
      requestBytesMax: 1_572_864,
      progressIntervalMs: 600_000,
    });
    assert.deepEqual(place.member, {
      clientUrls: ['http://localhost:2379'],
      cluster: {
        token: 'etcd-cluster',
        members: [{ name: 'default', peerUrls: ['http://localhost:2380'] }],
        state: 'new',
      },
      forceNewCluster: false,
      learnersMax: 1,
      quotaBytes: 0,
      historyMode: 'periodic',
    });
  });

  it('is what a unit file says', () => {
    const line = `--name infra1 --data-dir /var/lib/etcd --listen-peer-urls http://10.0.1.10:2380,http://127.0.0.1:7001
      --listen-client-urls http://10.0.1.10:2379,http://127.0.0.1:2379 --advertise-client-urls http://10.0.1.10:2379
      --initial-advertise-peer-urls http://10.0.1.10:2380 --listen-metrics-urls http://0.0.0.0:2381
      --initial-cluster infra1=http://10.0.1.10:2380,infra2=http://infra2.example:2380
      --initial-cluster-state existing --initial-cluster-token t1 --quota-backend-bytes=8589934592
      --auto-compaction-retention 5m --max-txn-ops 1024 --max-learners 2 --log-level warn --log-format console
      --watch-progress-notify-interval 5s`;
    const { config, place, warnings } = planned(line.replaceAll('\n', ' '));
    assert.deepEqual(warnings, []);
    assert.equal(config.serverAddress, '10.0.1.10:2379');
    assert.equal(config.advertiseAddress, '10.0.1.10:2379');
    assert.equal(config.raftAddress, '10.0.1.10:2380');
    assert.deepEqual([config.logLevel, config.logFormat], ['warn', 'text']);
    assert.deepEqual(place.clientAddresses, ['127.0.0.1:2379']);
    assert.deepEqual(place.peerAddresses, ['127.0.0.1:7001']);
    assert.deepEqual(place.metricsAddresses, ['0.0.0.0:2381']);
    assert.deepEqual(place.settings, { txnOperationsMax: 1024, requestBytesMax: 1_572_864, progressIntervalMs: 5000 });
    assert.equal(place.member.quotaBytes, 8_589_934_592);
    assert.equal(place.member.historyRetentionMs, 300_000);
    assert.equal(place.member.learnersMax, 2);
    assert.deepEqual(place.member.cluster, {
      token: 't1',
      members: [
        { name: 'infra1', peerUrls: ['http://10.0.1.10:2380'] },
        { name: 'infra2', peerUrls: ['http://infra2.example:2380'] },
      ],
      state: 'existing',
    });
  });

  for (const [line, expected] of [
    ['--auto-compaction-retention 0', { historyMode: 'off' }],
    ['--auto-compaction-retention 8', { historyMode: 'periodic', historyRetentionMs: 28_800_000 }],
    ['--auto-compaction-retention 30m', { historyMode: 'periodic', historyRetentionMs: 1_800_000 }],
    [
      '--auto-compaction-mode revision --auto-compaction-retention 1000',
      { historyMode: 'revision', historyRetentionRevisions: 1000 },
    ],
  ] as const) {
    it(`keeps the history that "${line}" says, within the quota`, () => {
      const { historyMode, historyRetentionMs, historyRetentionRevisions, historyBytesMax } =
        planned(line).place.member;
      const made = { historyMode, historyRetentionMs, historyRetentionRevisions, historyBytesMax };
      assert.deepEqual(JSON.parse(JSON.stringify(made)), { ...expected, historyBytesMax: Number.MAX_SAFE_INTEGER });
    });
  }

  it('takes several URLs of one member, in alphabetical order', () => {
    const urls = 'http://b:1,http://a:1/';
    const line = `--initial-advertise-peer-urls ${urls} --initial-cluster default=http://b:1,default=http://a:1`;
    const { config, place } = planned(line);
    assert.deepEqual(place.member.cluster?.members, [{ name: 'default', peerUrls: ['http://a:1', 'http://b:1'] }]);
    assert.equal(config.raftAdvertiseAddress, 'a:1');
  });

  for (const [line, expected] of [
    ['--listen-client-urls http://10.0.0.1:1', /--advertise-client-urls is required when --listen-client-urls is set/],
    ['--listen-peer-urls http://example.com:1', /expected IP in URL for binding \(http:\/\/example.com:1\)/],
    ['--listen-peer-urls https://10.0.0.1:1', /there is no TLS yet/],
    ['--listen-peer-urls unix://a', /unix sockets are not supported/],
    ['--advertise-client-urls 10.0.0.1:1', /is no URL of the form/],
    ['--initial-cluster a=http://x:1', /couldn't find local name "default" in the initial cluster configuration/],
    ['--initial-cluster default=http://x:1', /--initial-cluster has default=http:\/\/x:1 but missing from/],
    ['--initial-cluster nonsense', /is not of the form name=http/],
    ['--initial-cluster default=http://localhost:2380,b=http://localhost:2380', /duplicate URLs/],
    ['--initial-cluster-state running', /invalid value "running" for flag -initial-cluster-state/],
    [
      '--heartbeat-interval 300',
      /--election-timeout\[1s\] should be at least as 5 times as --heartbeat-interval\[300ms\]/,
    ],
    ['--election-timeout 60000', /is too long/],
    ['--auto-compaction-mode daily', /unknown auto-compaction-mode/],
    ['--auto-compaction-retention daily', /error parsing CompactionRetention/],
    ['--max-txn-ops 16385', /^--max-txn-ops=16385 is too large: at most 16384 is allowed$/],
    ['--log-level loud', /unrecognized log level/],
    ['--unsafe-no-fsync', /--unsafe-no-fsync=true is refused/],
    ['--strict-reconfig-check=false', /--strict-reconfig-check=false is refused/],
    ['--cert-file a.pem --key-file b.pem', /--cert-file=a.pem is refused.*\n--key-file=b.pem is refused/],
    ['--client-cert-auth', /--client-cert-auth=true is refused/],
    ['--auth-token jwt', /--auth-token=jwt is refused/],
    ['--discovery-srv example.com', /--discovery-srv=example.com is refused/],
    ['--config-file etcd.yaml', /a configuration file is not read/],
  ] as const) {
    it(`refuses "${line}"`, () => assert.match(refused(line), expected));
  }

  it('lets in as many operations of a transaction as the store takes', () => {
    assert.equal(TXN_OPERATIONS_CEILING, TXN_OPERATIONS_MAX);
    assert.equal(planned('--max-txn-ops 16384').place.settings.txnOperationsMax, TXN_OPERATIONS_MAX);
  });

  it('does not hold a folder with data to how the cluster was founded', () => {
    assert.equal(refused('--initial-cluster a=http://x:1', {}, true), 'not refused');
  });

  it('names in a warning what it ignores, and not what changes nothing', () => {
    const line = '--enable-v2 --max-wals 9 --pre-vote=true --unsafe-no-fsync=false --cert-file= --snapshot-count 10000';
    assert.deepEqual(planned(line).warnings, [
      '--max-wals=9 is ignored: the log is released when a snapshot holds it',
      '--enable-v2=true is ignored: the v2 API is not served',
      '--snapshot-count=10000: snapshots go by bytes here; taken as 10240000 bytes of log, 1 KiB an entry',
    ]);
    assert.match(planned('--force-new-cluster').warnings.join(), /all other members are removed for good/);
  });
});

async function run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const io = { env: {}, out: (text: string) => void (out += text), err: (text: string) => void (err += text) };
  const code = await runEtcdCommand(argv, io, () => Promise.reject(new Error('nothing is to be started')));
  return { code, out, err };
}

describe('the command', () => {
  it('tells its versions and its flags', async () => {
    const version = await run('--version');
    assert.equal(version.code, 0);
    assert.match(version.out, /^etcd Version: \d+\.\d+\.\d+\nQuorate Version: /);
    const help = await run('-h');
    assert.equal(help.code, 0);
    for (const { name } of etcdFlags) assert.ok(help.out.includes(`  --${name} '`), name);
  });

  it('ends with 2 for a flag that it does not know, and with 1 for what it refuses', async () => {
    assert.equal((await run('--nonsense')).code, 2);
    const { code, err } = await run('--unsafe-no-fsync');
    assert.equal(code, 1);
    assert.match(err, /^quorate-etcd: --unsafe-no-fsync=true is refused: /);
  });
});

describe('docs/in-etcds-place.md', () => {
  it('has every flag with its default and what is done with it, and no other', () => {
    const page = readFileSync(path.join(ROOT, 'docs', 'in-etcds-place.md'), 'utf8');
    const rows = [...page.matchAll(/^\| `--([a-z0-9-]+)` \|(.*?)\| (\w+) \|(.*?)\|$/gm)].map((row) => row.slice(1, 5));
    const expected = etcdFlags.map((flag) => [
      flag.name,
      flag.default === '' ? '' : `\`${flag.default}\``,
      flag.standing,
      flag.remark,
    ]);
    assert.deepEqual(
      rows.map((row) => row.map((cell) => cell?.trim())),
      expected,
    );
  });
});
