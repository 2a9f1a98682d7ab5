/**
 * Every flag that etcd knows (3.4 to 3.7, server/embed/config.go and server/etcdmain/config.go), and what `quorate-etcd` does with it:
 *
 *   supported  it does here what it does in etcd, but for what the remark says
 *   ignored    another value than etcd's default is named in a warning: there is nothing here that it would set
 *   refused    another value than etcd's default ends the program: to ignore it would change what is safe, or found another cluster
 *
 * One entry is all there is to a flag: parsing, help, the ETCD_* variables and docs/in-etcds-place.md follow from it.
 */

export type FlagKind = 'text' | 'boolean' | 'integer' | 'natural' | 'duration' | 'urls';
export type FlagStanding = 'supported' | 'ignored' | 'refused';

export interface EtcdFlag {
  readonly name: string;
  readonly kind: FlagKind;
  /** As etcd writes it; '' if it is not set. */
  readonly default: string;
  readonly standing: FlagStanding;
  /** What is different here, or why it is not done. */
  readonly remark: string;
}

type Row = readonly [name: string, kind: FlagKind, defaultValue: string, remark?: string];

const SUPPORTED: readonly Row[] = [
  ['name', 'text', 'default', 'a data folder keeps its name'],
  ['data-dir', 'text', '', 'default: ${name}.etcd; the format is Quorate’s own'],
  ['listen-peer-urls', 'urls', 'http://localhost:2380', 'http only'],
  ['listen-client-urls', 'urls', 'http://localhost:2379', 'http only; gRPC and HTTP on each'],
  ['listen-client-http-urls', 'urls', '', 'serves HTTP and gRPC, and so does --listen-client-urls'],
  ['listen-metrics-urls', 'urls', '', 'http only; /metrics, /health, /livez, /readyz'],
  ['initial-advertise-peer-urls', 'urls', 'http://localhost:2380', 'the first one, in alphabetical order, is dialled'],
  ['advertise-client-urls', 'urls', 'http://localhost:2379', 'required with --listen-client-urls'],
  ['initial-cluster', 'text', '', 'default: ${name} with --initial-advertise-peer-urls'],
  ['initial-cluster-state', 'text', 'new', 'new or existing; only for an empty folder'],
  ['initial-cluster-token', 'text', 'etcd-cluster', 'only for an empty folder'],
  [
    'force-new-cluster',
    'boolean',
    'false',
    'keeps what stands in the log, committed or not; remove it after one start',
  ],
  ['snapshot-count', 'natural', '100000', 'snapshots go by bytes here: 1 KiB of log an entry'],
  ['heartbeat-interval', 'natural', '100', 'milliseconds, 10 or more'],
  ['election-timeout', 'natural', '1000', 'milliseconds, at most 50000, at least five heartbeats'],
  ['quota-backend-bytes', 'integer', '0', 'of memory; 0 is 2 GiB, negative is none; the alarm clears by itself'],
  ['auto-compaction-mode', 'text', 'periodic', 'periodic or revision'],
  [
    'auto-compaction-retention',
    'text',
    '',
    'default: one hour, within 64 MiB of history; what is said here is kept as long as the quota has room, with 0 everything',
  ],
  ['max-txn-ops', 'natural', '128', 'at most 16384'],
  ['max-request-bytes', 'natural', '1572864', 'at most that'],
  ['max-learners', 'natural', '1', 'counts at the leader'],
  ['experimental-max-learners', 'natural', '1', 'the former name of --max-learners'],
  ['watch-progress-notify-interval', 'duration', '10m'],
  ['experimental-watch-progress-notify-interval', 'duration', '10m', 'the former name'],
  ['log-level', 'text', 'info', 'debug, info, warn, error, panic, fatal'],
  ['log-format', 'text', 'json', 'json or console'],
  ['version', 'boolean', 'false'],
];

const NO_TLS = 'there is no TLS yet: what was to be encrypted or authenticated would not be';
const NO_DISCOVERY = 'discovery is not supported: name the members in --initial-cluster';

const REFUSED: readonly Row[] = [
  ['config-file', 'text', '', 'a configuration file is not read: give its settings as flags or ETCD_* variables'],
  ['unsafe-no-fsync', 'boolean', 'false', 'an acknowledged write is on disk, always'],
  ['strict-reconfig-check', 'boolean', 'true', 'a change that would lose the quorum is always refused'],
  ['cert-file', 'text', '', NO_TLS],
  ['key-file', 'text', '', NO_TLS],
  ['client-cert-file', 'text', '', NO_TLS],
  ['client-key-file', 'text', '', NO_TLS],
  ['client-cert-auth', 'boolean', 'false', NO_TLS],
  ['client-crl-file', 'text', '', NO_TLS],
  ['client-cert-allowed-hostname', 'text', '', NO_TLS],
  ['trusted-ca-file', 'text', '', NO_TLS],
  ['auto-tls', 'boolean', 'false', NO_TLS],
  ['peer-cert-file', 'text', '', NO_TLS],
  ['peer-key-file', 'text', '', NO_TLS],
  ['peer-client-cert-file', 'text', '', NO_TLS],
  ['peer-client-key-file', 'text', '', NO_TLS],
  ['peer-client-cert-auth', 'boolean', 'false', NO_TLS],
  ['peer-trusted-ca-file', 'text', '', NO_TLS],
  ['peer-auto-tls', 'boolean', 'false', NO_TLS],
  ['peer-crl-file', 'text', '', NO_TLS],
  ['peer-cert-allowed-cn', 'text', '', NO_TLS],
  ['peer-cert-allowed-hostname', 'text', '', NO_TLS],
  ['cipher-suites', 'text', '', NO_TLS],
  ['peer-skip-client-san-verification', 'boolean', 'false', NO_TLS],
  ['experimental-peer-skip-client-san-verification', 'boolean', 'false', NO_TLS],
  ['host-whitelist', 'text', '*', 'requests by other host names would be answered'],
  ['auth-token', 'text', 'simple', 'there are no users yet: requests would be answered without a token'],
  ['discovery', 'text', '', NO_DISCOVERY],
  ['discovery-endpoints', 'text', '', NO_DISCOVERY],
  ['discovery-token', 'text', '', NO_DISCOVERY],
  ['discovery-srv', 'text', '', NO_DISCOVERY],
  ['discovery-srv-name', 'text', '', NO_DISCOVERY],
  ['proxy', 'text', 'off', 'this program is a member, no proxy'],
];

const NO_BBOLT = 'there is no bbolt backend';
const NO_CHECK = 'checks of etcd’s own storage';
const NO_V2 = 'the v2 API is not served';

const IGNORED: readonly Row[] = [
  ['wal-dir', 'text', '', 'the log is in --data-dir'],
  ['initial-election-tick-advance', 'boolean', 'true', 'elections need no such help'],
  ['max-snapshots', 'natural', '5', 'one is kept'],
  ['max-wals', 'natural', '5', 'the log is released when a snapshot holds it'],
  ['snapshot-catchup-entries', 'natural', '5000', 'the log in memory is bounded in bytes'],
  ['experimental-snapshot-catchup-entries', 'natural', '5000', 'the log in memory is bounded in bytes'],
  ['backend-bbolt-freelist-type', 'text', 'map', NO_BBOLT],
  ['backend-batch-interval', 'duration', '', NO_BBOLT],
  ['backend-batch-limit', 'integer', '0', NO_BBOLT],
  ['bootstrap-defrag-threshold-megabytes', 'natural', '0', NO_BBOLT],
  ['experimental-bootstrap-defrag-threshold-megabytes', 'natural', '0', NO_BBOLT],
  ['memory-mlock', 'boolean', 'false', NO_BBOLT],
  ['experimental-memory-mlock', 'boolean', 'false', NO_BBOLT],
  ['experimental-txn-mode-write-with-shared-buffer', 'boolean', 'true', NO_BBOLT],
  ['experimental-stop-grpc-service-on-defrag', 'boolean', 'false', NO_BBOLT],
  ['compaction-batch-limit', 'integer', '1000', NO_BBOLT],
  ['experimental-compaction-batch-limit', 'integer', '1000', NO_BBOLT],
  ['compaction-sleep-interval', 'duration', '10ms', NO_BBOLT],
  ['experimental-compaction-sleep-interval', 'duration', '10ms', NO_BBOLT],
  ['max-concurrent-streams', 'natural', '4294967295', 'the limit is Quorate’s'],
  ['enable-grpc-gateway', 'boolean', 'true', 'it is always on'],
  ['grpc-keepalive-min-time', 'duration', '5s', 'the limits are Quorate’s'],
  ['grpc-keepalive-interval', 'duration', '2h', 'the limits are Quorate’s'],
  ['grpc-keepalive-timeout', 'duration', '20s', 'the limits are Quorate’s'],
  ['socket-reuse-port', 'boolean', 'false', 'a port belongs to one process'],
  ['socket-reuse-address', 'boolean', 'false', 'it is always on'],
  ['raft-read-timeout', 'duration', '5s', 'members talk another protocol'],
  ['raft-write-timeout', 'duration', '5s', 'members talk another protocol'],
  ['pre-vote', 'boolean', 'true', 'it is always on'],
  ['enable-v2', 'boolean', 'false', NO_V2],
  ['v2-deprecation', 'text', '', NO_V2],
  ['experimental-enable-v2v3', 'text', '', NO_V2],
  ['discovery-fallback', 'text', 'exit', NO_DISCOVERY],
  ['discovery-proxy', 'text', '', NO_DISCOVERY],
  ['discovery-dial-timeout', 'duration', '2s', NO_DISCOVERY],
  ['discovery-request-timeout', 'duration', '5s', NO_DISCOVERY],
  ['discovery-keepalive-time', 'duration', '2s', NO_DISCOVERY],
  ['discovery-keepalive-timeout', 'duration', '6s', NO_DISCOVERY],
  ['discovery-insecure-transport', 'boolean', 'true', NO_DISCOVERY],
  ['discovery-insecure-skip-tls-verify', 'boolean', 'false', NO_DISCOVERY],
  ['discovery-cert', 'text', '', NO_DISCOVERY],
  ['discovery-key', 'text', '', NO_DISCOVERY],
  ['discovery-cacert', 'text', '', NO_DISCOVERY],
  ['discovery-user', 'text', '', NO_DISCOVERY],
  ['discovery-password', 'text', '', NO_DISCOVERY],
  ['proxy-failure-wait', 'natural', '5000', 'there is no proxy'],
  ['proxy-refresh-interval', 'natural', '30000', 'there is no proxy'],
  ['proxy-dial-timeout', 'natural', '1000', 'there is no proxy'],
  ['proxy-write-timeout', 'natural', '5000', 'there is no proxy'],
  ['proxy-read-timeout', 'natural', '0', 'there is no proxy'],
  ['self-signed-cert-validity', 'natural', '1', 'there is no TLS yet'],
  ['tls-min-version', 'text', 'TLS1.2', 'there is no TLS yet'],
  ['tls-max-version', 'text', '', 'there is no TLS yet'],
  ['cors', 'text', '*', 'no other origin is allowed'],
  ['bcrypt-cost', 'natural', '10', 'there are no users yet'],
  ['auth-token-ttl', 'natural', '300', 'there are no users yet'],
  ['enable-pprof', 'boolean', 'false', 'use Node’s own profiler'],
  ['debug', 'boolean', 'false', 'use --log-level debug'],
  ['metrics', 'text', 'basic', 'there is one set of metrics'],
  ['logger', 'text', 'zap', 'lines are JSON on standard error'],
  ['log-outputs', 'text', 'default', 'lines go to standard error'],
  ['log-output', 'text', 'default', 'lines go to standard error'],
  ['log-package-levels', 'text', '', 'use --log-level'],
  ['enable-log-rotation', 'boolean', 'false', 'lines go to standard error'],
  ['log-rotation-config-json', 'text', '', 'lines go to standard error'],
  ['disable-log-sampling', 'boolean', 'false', 'no line is left out'],
  ['enable-distributed-tracing', 'boolean', 'false', 'there is no tracing'],
  ['distributed-tracing-address', 'text', 'localhost:4317', 'there is no tracing'],
  ['distributed-tracing-service-name', 'text', 'etcd', 'there is no tracing'],
  ['distributed-tracing-instance-id', 'text', '', 'there is no tracing'],
  ['distributed-tracing-sampling-rate', 'integer', '0', 'there is no tracing'],
  ['experimental-enable-distributed-tracing', 'boolean', 'false', 'there is no tracing'],
  ['experimental-distributed-tracing-address', 'text', 'localhost:4317', 'there is no tracing'],
  ['experimental-distributed-tracing-service-name', 'text', 'etcd', 'there is no tracing'],
  ['experimental-distributed-tracing-instance-id', 'text', '', 'there is no tracing'],
  ['experimental-distributed-tracing-sampling-rate', 'integer', '0', 'there is no tracing'],
  ['experimental-initial-corrupt-check', 'boolean', 'false', NO_CHECK],
  ['corrupt-check-time', 'duration', '0s', NO_CHECK],
  ['experimental-corrupt-check-time', 'duration', '0s', NO_CHECK],
  ['experimental-compact-hash-check-enabled', 'boolean', 'false', NO_CHECK],
  ['compact-hash-check-time', 'duration', '1m', NO_CHECK],
  ['experimental-compact-hash-check-time', 'duration', '1m', NO_CHECK],
  ['experimental-enable-lease-checkpoint', 'boolean', 'false', 'deadlines of leases are always replicated'],
  ['experimental-enable-lease-checkpoint-persist', 'boolean', 'false', 'deadlines of leases are always replicated'],
  ['downgrade-check-time', 'duration', '5s', 'there is no downgrade'],
  ['experimental-downgrade-check-time', 'duration', '5s', 'there is no downgrade'],
  ['warning-apply-duration', 'duration', '100ms', 'see the metrics'],
  ['experimental-warning-apply-duration', 'duration', '100ms', 'see the metrics'],
  ['warning-unary-request-duration', 'duration', '300ms', 'see the metrics'],
  ['experimental-warning-unary-request-duration', 'duration', '300ms', 'see the metrics'],
  ['experimental-set-member-localaddr', 'boolean', 'false', 'the system chooses the local address'],
  ['feature-gates', 'text', '', 'etcd’s features in development'],
];

export const etcdFlags: readonly EtcdFlag[] = [
  ...SUPPORTED.map((row) => flag(row, 'supported')),
  ...REFUSED.map((row) => flag(row, 'refused')),
  ...IGNORED.map((row) => flag(row, 'ignored')),
];

export const flagsByName: ReadonlyMap<string, EtcdFlag> = new Map(etcdFlags.map((one) => [one.name, one]));

/** `listen-client-urls` becomes `ETCD_LISTEN_CLIENT_URLS`. */
export function variableOf(name: string): string {
  return `ETCD_${name.toUpperCase().replaceAll('-', '_')}`;
}

function flag([name, kind, value, remark = '']: Row, standing: FlagStanding): EtcdFlag {
  return { name, kind, default: value, standing, remark };
}
