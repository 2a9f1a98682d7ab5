/** From what the member and its store refuse, to what an etcd v3 client is told (contract section 9). */
import { ETCD_ERRORS, type EtcdErrorName, GRPC_CODES } from '@quorate/proto';
import type { Failure, StoreErrorCode } from '@quorate/replica/internal';
import type { RpcFailure } from './service.js';

const FAILURES: Readonly<Record<EtcdErrorName, RpcFailure>> = Object.fromEntries(
  Object.entries(ETCD_ERRORS).map(([name, { grpcCode, text }]) => [name, { code: grpcCode, message: text }]),
) as Record<EtcdErrorName, RpcFailure>;

export function etcdFailure(name: EtcdErrorName): RpcFailure {
  return FAILURES[name];
}

const STORE_ERRORS: Readonly<Record<StoreErrorCode, EtcdErrorName | undefined>> = {
  'key-not-found': 'KeyNotFound',
  'key-empty': 'EmptyKey',
  'value-provided': 'ValueProvided',
  'lease-provided': 'LeaseProvided',
  'lease-not-found': 'LeaseNotFound',
  'lease-exists': 'LeaseExists',
  'lease-ttl-too-large': 'LeaseTtlTooLarge',
  'no-space': 'NoSpace',
  corrupt: 'Corrupt',
  compacted: 'Compacted',
  'future-revision': 'FutureRevision',
  'duplicate-key': 'DuplicateKey',
  'too-many-operations': 'TooManyOps',
  // The seed's limits: no command of an etcd client carries them.
  'key-too-long': undefined,
  'value-too-long': undefined,
  'too-many-keys': undefined,
};

/** A refusal of the store. */
export function storeFailure(code: StoreErrorCode): RpcFailure {
  const name = STORE_ERRORS[code];
  return name === undefined ? { code: GRPC_CODES.INVALID_ARGUMENT, message: code } : FAILURES[name];
}

/** A request that the member could not carry out. */
export function memberFailure(failure: Failure): RpcFailure {
  switch (failure.code) {
    case 'no-leader':
      return FAILURES.NoLeader;
    case 'not-leader':
      return FAILURES.NotLeader;
    case 'outcome-unknown':
      return FAILURES.TimeoutDueToLeaderFail;
    case 'timeout':
      return FAILURES.Timeout;
    case 'busy':
      return FAILURES.TooManyRequests;
    case 'stopped':
    case 'removed':
      return FAILURES.Stopped;
    case 'request-too-large':
      return FAILURES.RequestTooLarge;
    case 'member-not-found':
      return FAILURES.MemberNotFound;
    case 'member-not-caught-up':
      return FAILURES.LearnerNotReady;
    case 'not-a-learner':
      return FAILURES.MemberNotLearner;
    case 'too-many-learners':
      return FAILURES.TooManyLearners;
    case 'member-exists':
      return FAILURES.PeerUrlExists;
    case 'not-enough-started':
      return FAILURES.MemberNotEnoughStarted;
    case 'unhealthy':
      return FAILURES.Unhealthy;
    case 'bad-transferee':
      return FAILURES.BadLeaderTransferee;
    default:
      return { code: GRPC_CODES.UNKNOWN, message: `etcdserver: ${failure.message}` };
  }
}
