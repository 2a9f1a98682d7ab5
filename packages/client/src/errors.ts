/** The one error class of this package, and what an error means for the request that met it. */
import { type EtcdErrorName, etcdErrorNameOf, GRPC_CODES, type GrpcCode, type GrpcCodeName } from '@quorate/proto';

/** `rejected`: surely not applied. `unknown`: it may have been applied or may yet be. `invalid`: the request itself is wrong. */
export type Outcome = 'rejected' | 'unknown' | 'invalid';

export interface ClientErrorDetails extends ErrorOptions {
  readonly endpoint?: string | undefined;
  readonly compactRevision?: number | undefined;
}

/** Every failure of a call, a stream, a lease or a watch. */
export class ClientError extends Error {
  /** gRPC's status code, as the server gave it or as gRPC clients name what happened here. */
  readonly grpcCode: number;
  readonly outcome: Outcome;
  /** Which of etcd's errors it is, by its text; undefined if it is none of them. */
  readonly etcdName: EtcdErrorName | undefined;
  /** Who was asked; undefined if nobody was. */
  readonly endpoint: string | undefined;
  /** Of a watch or read below the compacted revision, where it was told: the oldest revision still to be had. */
  readonly compactRevision: number | undefined;

  constructor(grpcCode: number, outcome: Outcome, message: string, details: ClientErrorDetails = {}) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.name = 'ClientError';
    this.grpcCode = grpcCode;
    this.outcome = outcome;
    this.etcdName = etcdErrorNameOf(message);
    this.endpoint = details.endpoint;
    this.compactRevision = details.compactRevision;
  }

  /** The code's name, such as `UNAVAILABLE`; `UNKNOWN` for a number that has none. */
  get grpcName(): GrpcCodeName {
    return GRPC_NAMES.get(this.grpcCode) ?? 'UNKNOWN';
  }
}

const GRPC_NAMES: ReadonlyMap<number, GrpcCodeName> = new Map(
  Object.entries(GRPC_CODES).map(([name, code]) => [code, name as GrpcCodeName]),
);

/** What a call came to, before it is known what it was for. */
export interface CallFailure {
  readonly grpcCode: number;
  readonly message: string;
  /** How far it came: `unsent`: nobody can have begun it; `sent`: somebody may have; `answered`: a server says so. */
  readonly stage: 'unsent' | 'sent' | 'answered';
  readonly cause?: unknown;
}

/** Said before anything was done, or by the state machine when it refused. */
const REFUSALS: ReadonlySet<number> = new Set<GrpcCode>([
  GRPC_CODES.NOT_FOUND,
  GRPC_CODES.ALREADY_EXISTS,
  GRPC_CODES.PERMISSION_DENIED,
  GRPC_CODES.FAILED_PRECONDITION,
  GRPC_CODES.UNAUTHENTICATED,
  GRPC_CODES.DATA_LOSS,
]);

const MISTAKES: ReadonlySet<number> = new Set<GrpcCode>([
  GRPC_CODES.INVALID_ARGUMENT,
  GRPC_CODES.OUT_OF_RANGE,
  GRPC_CODES.UNIMPLEMENTED,
]);

/** Errors whose code alone does not tell, but which etcd answers before it proposes anything. */
const REFUSALS_BY_NAME: ReadonlySet<EtcdErrorName> = new Set<EtcdErrorName>([
  'NoSpace',
  'TooManyRequests',
  'NoLeader',
  'Unhealthy',
  'MemberNotEnoughStarted',
  'NoPasswordUser',
  'ElectionNotLeader',
  'ElectionNoLeader',
  'MissingElectionLeader',
]);

/** Tells what a failure means for a request. `isRead`: it changes nothing, so nothing can have been applied. */
export function clientError(failure: CallFailure, isRead: boolean, endpoint?: string): ClientError {
  const { grpcCode, message, cause } = failure;
  return new ClientError(grpcCode, outcomeOf(failure, isRead), message, { endpoint, cause });
}

function outcomeOf({ grpcCode, message, stage }: CallFailure, isRead: boolean): Outcome {
  if (stage === 'answered' && MISTAKES.has(grpcCode)) return 'invalid';
  if (isRead || stage === 'unsent') return 'rejected';
  if (stage === 'sent') return 'unknown';
  const name = etcdErrorNameOf(message);
  return REFUSALS.has(grpcCode) || (name !== undefined && REFUSALS_BY_NAME.has(name)) ? 'rejected' : 'unknown';
}

/** A request that cannot even be sent. */
export function invalidRequest(message: string, cause?: unknown): ClientError {
  return new ClientError(GRPC_CODES.INVALID_ARGUMENT, 'invalid', message, { cause });
}
