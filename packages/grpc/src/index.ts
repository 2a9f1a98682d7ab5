/** A lean gRPC server: HTTP/2 frames over a socket. */

export type {
  CancelReason,
  ServerStreamHandler,
  StreamCall,
  StreamHandler,
  UnaryCall,
  UnaryHandler,
} from './grpc/api.js';
export { HealthService, ServingStatus } from './grpc/health.js';
export type { Metadata, MetadataFields } from './grpc/metadata.js';
export type { GrpcServerOptions } from './options.js';
export { GrpcServer, type GrpcServerStats } from './server.js';
export { GrpcStatus } from './status.js';
