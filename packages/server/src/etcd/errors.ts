/** From what the member and its store refuse, to what an etcd v3 client is told (contract section 9). */
import { ETCD_ERRORS, type EtcdErrorName, GRPC_CODES, MessageTooLargeError } from '@quorate/proto';
import { QuorateError } from '@quorate/replica';
import type { Failure, StoreErrorCode } from '@quorate/replica/internal';
import type { Reply, RpcFailure } from './service.js';

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

const MEMBER_ERRORS: Readonly<Record<Failure['code'], EtcdErrorName | undefined>> = {
  'no-leader': 'NoLeader',
  'not-leader': 'NotLeader',
  'outcome-unknown': 'TimeoutDueToLeaderFail',
  timeout: 'Timeout',
  busy: 'TooManyRequests',
  stopped: 'Stopped',
  removed: 'Stopped',
  'request-too-large': 'RequestTooLarge',
  'member-not-found': 'MemberNotFound',
  'member-not-caught-up': 'LearnerNotReady',
  'not-a-learner': 'MemberNotLearner',
  'too-many-learners': 'TooManyLearners',
  'member-exists': 'PeerUrlExists',
  'not-enough-started': 'MemberNotEnoughStarted',
  unhealthy: 'Unhealthy',
  'bad-transferee': 'BadLeaderTransferee',
  // Of what these services ask, only peer URLs can be.
  'invalid-argument': 'MemberBadUrls',
  // etcd has no words for these: ours are sent.
  'answer-too-large': undefined,
  'configuration-refused': undefined,
  'data-folder': undefined,
};

/** A request that the member could not carry out. */
export function memberFailure(failure: Failure): RpcFailure {
  const name = MEMBER_ERRORS[failure.code];
  return name === undefined ? { code: GRPC_CODES.UNKNOWN, message: `etcdserver: ${failure.message}` } : FAILURES[name];
}

/** The same for what rejects with an error. */
export function errorFailure(error: unknown): RpcFailure {
  if (!(error instanceof QuorateError)) return { code: GRPC_CODES.INTERNAL, message: String(error) };
  const name = (MEMBER_ERRORS as Readonly<Record<string, EtcdErrorName | undefined>>)[error.code];
  return name === undefined ? { code: GRPC_CODES.UNKNOWN, message: `etcdserver: ${error.message}` } : FAILURES[name];
}

/**
 * After a message could not be encoded: the call ends. One that is too large is refused as grpc-go refuses to send it; anything else is a
 * fault of this program, which is thrown again to be reported by whoever called.
 */
export function encodingFailed(error: unknown, call: Pick<Reply<never>, 'fail'>): void {
  if (!(error instanceof MessageTooLargeError)) {
    call.fail({ code: GRPC_CODES.INTERNAL, message: 'internal error' });
    throw error;
  }
  const message = `grpc: trying to send message larger than max (${error.length} vs. ${error.lengthMax})`;
  call.fail({ code: GRPC_CODES.RESOURCE_EXHAUSTED, message });
}
