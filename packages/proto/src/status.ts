/** gRPC's status codes, and the HTTP statuses that etcd's gateway answers them with. */

export const GRPC_CODES = {
  OK: 0,
  CANCELED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

export type GrpcCodeName = keyof typeof GRPC_CODES;
export type GrpcCode = (typeof GRPC_CODES)[GrpcCodeName];

const HTTP_STATUSES: Readonly<Record<GrpcCode, number>> = {
  [GRPC_CODES.OK]: 200,
  [GRPC_CODES.CANCELED]: 499,
  [GRPC_CODES.UNKNOWN]: 500,
  [GRPC_CODES.INVALID_ARGUMENT]: 400,
  [GRPC_CODES.DEADLINE_EXCEEDED]: 504,
  [GRPC_CODES.NOT_FOUND]: 404,
  [GRPC_CODES.ALREADY_EXISTS]: 409,
  [GRPC_CODES.PERMISSION_DENIED]: 403,
  [GRPC_CODES.RESOURCE_EXHAUSTED]: 429,
  [GRPC_CODES.FAILED_PRECONDITION]: 400,
  [GRPC_CODES.ABORTED]: 409,
  [GRPC_CODES.OUT_OF_RANGE]: 400,
  [GRPC_CODES.UNIMPLEMENTED]: 501,
  [GRPC_CODES.INTERNAL]: 500,
  [GRPC_CODES.UNAVAILABLE]: 503,
  [GRPC_CODES.DATA_LOSS]: 500,
  [GRPC_CODES.UNAUTHENTICATED]: 401,
};

/** The HTTP status for a gRPC code; a code that gRPC does not have is an internal error. */
export function httpStatusOf(code: number): number {
  return HTTP_STATUSES[code as GrpcCode] ?? 500;
}
