/** Configuration: sources and their order, every kind of value, every error, the two ways to print it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { formatDurationMs, parseDurationMs } from '../src/config/duration.js';
import { parseEnvFile } from '../src/config/env-file.js';
import { type ConfigResult, parseConfig } from '../src/config/parse.js';
import { configJson, configTable } from '../src/config/print.js';
import type { Config, SettingKey } from '../src/config/settings.js';
import { editDistance, nearest } from '../src/config/suggest.js';

const SEED_FILE = `SERVER_ADDRESS=localhost:8889
SERVICE_KEY_MAX_LEN=100
SERVICE_VAL_MAX_LEN=200
SERVICE_MAX_MAP_SIZE=1000
SERVICE_RAFT_LEADER=false
SERVICE_RAFT_STORE_DIR="./node2"
SERVICE_RAFT_ADDR=localhost:21002
SERVICE_RAFT_NODE_ID=node2
SERVICE_RAFT_JOIN_ADDR=localhost:8888
`;

interface Given {
  readonly flags?: Partial<Record<SettingKey, string>>;
  readonly env?: Record<string, string>;
  readonly file?: string;
}

function parse({ flags = {}, env = {}, file = SEED_FILE }: Given = {}): ConfigResult {
  return parseConfig({ flags, env, readFile: () => file });
}

function accepted(given?: Given): Config {
  const result = parse(given);
  assert.ok(result.ok, result.ok ? '' : result.errors.join('\n'));
  return result.config;
}

function refused(given: Given): readonly string[] {
  const result = parse(given);
  assert.ok(!result.ok, 'was accepted');
  return result.errors;
}

test("the seed's file gives the seed's values, with its defaults for the rest", () => {
  const config = accepted();
  assert.equal(config.serverAddress, 'localhost:8889');
  assert.equal(config.shutdownTimeoutMs, 5000);
  assert.equal(config.requestTimeoutMs, 30_000);
  assert.deepEqual([config.keyBytesMax, config.valueBytesMax, config.keysMax], [100, 200, 1000]);
  assert.equal(config.raftLeader, false);
  assert.equal(config.raftStoreDir, './node2');
  assert.equal(config.raftAddress, 'localhost:21002');
  assert.equal(config.raftNodeId, 'node2');
  assert.deepEqual(config.raftJoinAddresses, ['localhost:8888']);
  assert.equal(config.raftTimeoutMs, 20_000);
  assert.equal(config.debug, false);
  assert.equal(config.advertiseAddress, 'localhost:8889');
  assert.equal(config.raftAdvertiseAddress, 'localhost:21002');
  assert.deepEqual([config.heartbeatIntervalMs, config.electionTimeoutMs], [100, 500]);
});

test('flags go before the environment, the environment before the file, the file before defaults', () => {
  const file = `${SEED_FILE}SERVICE_RAFT_TIMEOUT=1s\nSERVER_SHUTDOWN_TIMEOUT=1s\nROUTER_REQUEST_TIMEOUT=1s\n`;
  const env = { SERVER_SHUTDOWN_TIMEOUT: '2s', ROUTER_REQUEST_TIMEOUT: '2s' };
  const result = parse({ file, env, flags: { requestTimeoutMs: '3s' } });
  assert.ok(result.ok);
  assert.deepEqual(
    [result.config.raftTimeoutMs, result.config.shutdownTimeoutMs, result.config.requestTimeoutMs],
    [1000, 2000, 3000],
  );
  const origins = new Map(result.entries.map((entry) => [entry.key, entry.origin]));
  assert.equal(origins.get('raftTimeoutMs'), '.env');
  assert.equal(origins.get('shutdownTimeoutMs'), 'environment');
  assert.equal(origins.get('requestTimeoutMs'), 'flag --router-request-timeout');
  assert.equal(origins.get('keysMax'), '.env');
  assert.equal(origins.get('debug'), 'default');
  assert.equal(origins.get('advertiseAddress'), 'from SERVER_ADDRESS');
});

test('an empty value in the environment or the file counts as not set', () => {
  const config = accepted({ file: `${SEED_FILE}SERVICE_RAFT_JOIN_ADDR=\n`, env: { SERVER_SHUTDOWN_TIMEOUT: '' } });
  assert.deepEqual(config.raftJoinAddresses, []);
  assert.equal(config.shutdownTimeoutMs, 5000);
});

test('without --env-file a missing .env is no error; a named file that is missing or cannot be read is', () => {
  const env = { SERVER_ADDRESS: 'localhost:1', SERVICE_DEBUG: 'true' };
  assert.ok(parseConfig({ flags: {}, env, readFile: () => undefined }).ok);
  const missing = parseConfig({ flags: {}, env, envFile: '.env9', readFile: () => undefined });
  assert.deepEqual(!missing.ok && missing.errors, ['--env-file .env9: there is no such file']);
  const broken = parseConfig({
    flags: {},
    env,
    envFile: 'folder',
    readFile: () => {
      throw new Error('EISDIR');
    },
  });
  assert.deepEqual(!broken.ok && broken.errors, ['--env-file folder: cannot be read: EISDIR']);
});

test('what is required is named, with its flag; all of it at once', () => {
  const errors = refused({ file: '' });
  assert.deepEqual(
    errors.map((error) => error.split(' ')[0]),
    ['SERVER_ADDRESS', 'SERVICE_RAFT_LEADER', 'SERVICE_RAFT_STORE_DIR', 'SERVICE_RAFT_ADDR', 'SERVICE_RAFT_NODE_ID'],
  );
  assert.match(errors[0] ?? '', /^SERVER_ADDRESS is required: set it, or give --server-address; allowed: host:port/);
});

test('SERVICE_DEBUG needs none of the settings of Raft', () => {
  assert.equal(accepted({ file: 'SERVER_ADDRESS=localhost:8888\nSERVICE_DEBUG=true\n' }).raftNodeId, undefined);
});

const WRONG: readonly (readonly [SettingKey, string, string])[] = [
  ['serverAddress', 'localhost', 'host:port with a port from 0 to 65535'],
  ['serverAddress', 'localhost:65536', 'host:port'],
  ['serverAddress', 'http://localhost:1', 'host:port'],
  ['serverAddress', '::1:8888', 'host:port'],
  ['raftAddress', 'localhost:0', 'a port from 1 to 65535'],
  ['shutdownTimeoutMs', '5', 'a duration such as 500ms, 5s, 1m30s from 0s to 1h'],
  ['shutdownTimeoutMs', '-1s', 'a duration'],
  ['requestTimeoutMs', '5 s', 'a duration'],
  ['requestTimeoutMs', '25h', 'to 1h'],
  ['keyBytesMax', '0', 'a whole number of bytes from 1'],
  ['keyBytesMax', '1e3', 'a whole number of bytes'],
  ['valueBytesMax', '-1', 'a whole number of bytes from 0'],
  ['keysMax', 'many', 'a whole number of keys from 1'],
  ['raftLeader', 'yes', 'true or false'],
  ['raftNodeId', 'node 1', 'printable characters without spaces'],
  ['raftNodeId', 'x'.repeat(129), '1 to 128'],
  ['raftJoinAddresses', 'localhost:8888,nowhere', 'separated by commas'],
  ['raftJoinAddresses', ':8888', 'host:port of a member'],
  ['raftTimeoutMs', 'soon', 'a duration'],
  ['debug', '2', 'true or false'],
  ['advertiseAddress', 'localhost:0', 'from 1 to 65535'],
  ['logLevel', 'loud', 'trace, debug, info, warn, error, fatal, silent'],
  ['logFormat', 'xml', 'json, text'],
  ['requestsMax', '0', 'a whole number of requests from 1'],
  ['bodyBytesMax', '10', 'a whole number of bytes from 1024'],
];

test('a wrong value names the variable, where it came from, the value and what is allowed', () => {
  for (const [key, value, allowed] of WRONG) {
    const errors = refused({ flags: { [key]: value } });
    const [error = ''] = errors;
    assert.ok(/^[A-Z_]+ \(flag --[a-z-]+\): /.test(error), error);
    assert.ok(error.includes(JSON.stringify(value)) && error.includes(allowed), `${error}\nlacks ${allowed}`);
  }
});

test('all errors are reported together', () => {
  const file = 'SERVER_ADDRESS=nowhere\nSERVICE_RAFT_LEADER=maybe\nSERVICE_KEY_MAX_LEN=x\nQUORATE_LOG_LEVEL=loud\n';
  const errors = refused({ file });
  assert.equal(errors.length, 7);
  assert.match(errors[1] ?? '', /^SERVICE_KEY_MAX_LEN \(\.env\): "x" is not allowed; allowed: a whole number of bytes/);
});

test('relations between settings are checked', () => {
  assert.match(
    refused({ flags: { electionTimeoutMs: '400ms' } }).join(),
    /QUORATE_ELECTION_TIMEOUT 400ms is too short: at least 5 times QUORATE_HEARTBEAT_INTERVAL, that is 500ms/,
  );
  assert.match(
    refused({ flags: { valueBytesMax: '1000000' } }).join(),
    /QUORATE_HTTP_BODY_MAX_BYTES 1572864 is too small: .* can take 6000664 bytes as JSON/,
  );
  assert.match(
    refused({ flags: { raftAddress: 'localhost:8889' } }).join(),
    /SERVICE_RAFT_ADDR and SERVER_ADDRESS are both localhost:8889/,
  );
  assert.match(refused({ flags: { raftTimeoutMs: '50ms' } }).join(), /SERVICE_RAFT_TIMEOUT 50ms is too short/);
});

test('an address that is every interface cannot be told to others', () => {
  const errors = refused({ flags: { raftAddress: '0.0.0.0:21002' } });
  assert.match(errors.join(), /set QUORATE_RAFT_ADVERTISE_ADDRESS/);
  const given = { raftAddress: ':21002', raftAdvertiseAddress: '10.0.0.2:21002' };
  assert.equal(accepted({ flags: given }).raftAddress, ':21002');
  const result = parse({ flags: { serverAddress: ':8889' } });
  assert.ok(result.ok);
  assert.equal(result.config.advertiseAddress, 'localhost:8889');
  assert.match(result.warnings.join(), /set QUORATE_ADVERTISE_ADDRESS/);
});

test('unknown variables in an env file are warned of, with a suggestion', () => {
  const result = parse({ file: `${SEED_FILE}SERVICE_KEY_MAXLEN=5\nQUORATE_XYZ=1\nPATH_X=2\nQUORATE_ENDPOINTS=a:1\n` });
  assert.ok(result.ok);
  assert.deepEqual(result.warnings, [
    '.env: QUORATE_XYZ is no setting and is ignored',
    '.env: SERVICE_KEY_MAXLEN is no setting and is ignored; did you mean SERVICE_KEY_MAX_LEN?',
  ]);
});

test('unknown variables in the environment are warned of where they can only be meant for us', () => {
  const result = parse({
    env: {
      QUORATE_ELECTION_TIMOUT: '1s',
      SERVICE_RAFT_ADRESS: 'a:1',
      QUORATE_ENDPOINTS: 'a:1',
      QUORATE_LOG_LEVEL: 'warn',
      SERVICE_OTHER: '1',
      SERVER_SOFTWARE: 'x',
      // Kubernetes' own, where a service is called quorate.
      QUORATE_SERVICE_HOST: '10.0.0.1',
      QUORATE_SERVICE_PORT: '8888',
      QUORATE_SERVICE_PORT_HTTP: '8888',
      QUORATE_PORT: 'tcp://10.0.0.1:8888',
      QUORATE_PORT_8888_TCP: 'tcp://10.0.0.1:8888',
      QUORATE_PORT_8888_TCP_ADDR: '10.0.0.1',
    },
  });
  assert.ok(result.ok);
  assert.deepEqual(result.warnings, [
    'environment: QUORATE_ELECTION_TIMOUT is no setting and is ignored; did you mean QUORATE_ELECTION_TIMEOUT?',
    'environment: SERVICE_RAFT_ADRESS is no setting and is ignored; did you mean SERVICE_RAFT_ADDR?',
  ]);
});

test('a line of an env file that is malformed is an error with its number, and nothing is said to be missing', () => {
  const allowed = 'allowed: NAME=value, NAME="value", a comment that begins with #, or nothing';
  const unclosed = (quote: string): string =>
    `.env line 2: the value of SERVER_ADDRESS begins with ${quote} and does not end with it; ${allowed}`;
  const cases: readonly (readonly [string, string])[] = [
    ['garbage line', `.env line 2 is not allowed; ${allowed}`],
    ['SERVER_ADDRESS: localhost:9901', `.env line 2 is not allowed; ${allowed}`],
    ['=5', `.env line 2 is not allowed; ${allowed}`],
    ['SERVER ADDRESS=localhost:9901', `.env line 2 is not allowed; ${allowed}`],
    ['SERVER_ADDRESS="localhost:9901', unclosed('"')],
    ["SERVER_ADDRESS='localhost:9901", unclosed("'")],
    ['SERVER_ADDRESS="localhost:9901" x', unclosed('"')],
    ['SERVER_ADDRESS="localhost:9901\nSERVICE_RAFT_NODE_ID="a"', unclosed('"')],
  ];
  for (const [line, error] of cases) {
    const errors = refused({ file: `# one\n${line}\nSERVICE_DEBUG=true\n` });
    assert.deepEqual([errors[0], errors.filter((one) => one.includes('required'))], [error, []]);
  }
  assert.equal(refused({ file: 'a\nSERVICE_KEY_MAX_LEN=x\nb\n' }).length, 3);
});

test('an env file is read as Node.js reads it', () => {
  const file = `\uFEFF# comment

 SERVER_ADDRESS = localhost:8888 # here
export A=b
EMPTY=
EMPTY_TOO="" # nothing
SINGLE='it is "this" # and that'\r
DOUBLE="one\\ntwo" # "three"
BACK=\`it's\`
SPANS="BEGIN
 # not a comment
END"
HASH=a#b
TWICE=1
TWICE=it's
LAST.NAME-1=x=y`;
  const { values, errors } = parseEnvFile(file);
  assert.deepEqual(errors, []);
  assert.deepEqual(values, {
    SERVER_ADDRESS: 'localhost:8888',
    A: 'b',
    EMPTY: '',
    EMPTY_TOO: '',
    SINGLE: 'it is "this" # and that',
    DOUBLE: 'one\ntwo',
    BACK: "it's",
    SPANS: 'BEGIN\n # not a comment\nEND',
    HASH: 'a',
    TWICE: "it's",
    'LAST.NAME-1': 'x=y',
  });
});

test('join addresses may be a list', () => {
  const { raftJoinAddresses } = accepted({ flags: { raftJoinAddresses: 'localhost:8888, [::1]:8889' } });
  assert.deepEqual(raftJoinAddresses, ['localhost:8888', '[::1]:8889']);
});

test('--print-config shows each value and where it came from, as a table and as JSON', () => {
  const result = parse({ flags: { raftTimeoutMs: '90s' } });
  assert.ok(result.ok);
  const table = configTable(result.entries);
  assert.match(table, /^SERVER_ADDRESS +localhost:8889 +\.env$/m);
  assert.match(table, /^SERVICE_RAFT_TIMEOUT +1m30s +flag --service-raft-timeout$/m);
  assert.match(table, /^SERVER_SHUTDOWN_TIMEOUT +5s +default$/m);
  const json = JSON.parse(configJson(result.entries)) as Record<string, unknown>;
  assert.deepEqual(json['SERVICE_RAFT_NODE_ID'], { value: 'node2', origin: '.env', flag: '--service-raft-node-id' });
  const secret = { key: 'raftNodeId', name: 'X', value: 'hush', origin: '.env', secret: true } as const;
  assert.ok(!configTable([secret]).includes('hush') && !configJson([secret]).includes('hush'));
});

test("durations are Go's", () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ['500ms', 500],
    ['5s', 5000],
    ['1m', 60_000],
    ['1h30m', 5_400_000],
    ['1.5s', 1500],
    ['.5s', 500],
    ['1.s', 1000],
    ['250µs', 0.25],
    ['250μs', 0.25],
    ['250us', 0.25],
    ['1500000ns', 1.5],
    ['-2s', -2000],
    ['+2s', 2000],
    ['0', 0],
    ['', undefined],
    ['5', undefined],
    ['s', undefined],
    ['5x', undefined],
    ['1s ', undefined],
    ['1s-2s', undefined],
    ['.s', undefined],
    ['-', undefined],
  ];
  for (const [text, expected] of cases) assert.equal(parseDurationMs(text), expected, text);
});

test('a duration that is formatted and parsed again is the same', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100_000_000 }), (durationMs) => {
      assert.equal(parseDurationMs(formatDurationMs(durationMs)), durationMs);
    }),
  );
});

test('the nearest name is suggested only if it is near', () => {
  assert.equal(editDistance('kitten', 'sitting'), 3);
  assert.equal(nearest('SERVICE_VAL_MAX', ['SERVICE_VAL_MAX_LEN', 'SERVER_ADDRESS']), 'SERVICE_VAL_MAX_LEN');
  assert.equal(nearest('QUORATE_A', ['SERVICE_RAFT_JOIN_ADDR']), undefined);
});
