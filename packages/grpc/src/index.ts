/** A lean gRPC server: HTTP/2 frames over a socket. */
export {};
