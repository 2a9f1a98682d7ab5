/** What a handler sees of a call. */
import type { GrpcStatus } from '../status.js';
import type { Metadata, MetadataFields } from './metadata.js';

/**
 * Why a call ended before its handler ended it: the client cancelled it, its deadline passed, its connection is gone, the client broke
 * the protocol (or a limit) within it, or the server stops.
 */
export type CancelReason = 'client' | 'deadline' | 'connection' | 'protocol' | 'stopping';

interface Call {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly authority: string;
  readonly metadata: Metadata;
  /** The client's address and port. */
  readonly peer: string;
  /** When the call ends by itself, on the clock of `performance.now()`; Infinity if the client gave no `grpc-timeout`. */
  readonly deadlineMs: number;
  /** The call has ended without its handler. Whatever is sent from now on is dropped. */
  readonly isCancelled: boolean;
  /** Called at most once, when the call ends without its handler (at once if it already has). One function; a second replaces it. */
  onCancel(fn: (reason: CancelReason) => void): void;
  /** Sends the response's head now, with these fields. Before the first message or not at all. */
  sendMetadata(metadata: MetadataFields): void;
}

export interface UnaryCall extends Call {
  /** Ends the call as OK. The bytes are copied before reply() returns, so that their buffer may be used again. */
  reply(message: Uint8Array, trailers?: MetadataFields): void;
  /** Ends the call with an error. */
  fail(code: GrpcStatus, message: string, trailers?: MetadataFields): void;
}

export interface StreamCall extends Call {
  /**
   * Messages in order, each valid only while the function runs. Until a function is given, the client's messages wait (and so
   * does the client, when its window is full).
   */
  onMessage(fn: (message: Uint8Array) => void): void;
  /** The client will send no more. The call goes on until end(). */
  onHalfClose(fn: () => void): void;
  /**
   * Queues a message. False: more than `callQueueBytesHigh` wait for the client; stop, and go on at onDrain. The bytes
   * belong to the call from now on and must not change (several calls may be given the same bytes). `head`: bytes of the message that go
   * before these, and are copied before send() returns.
   */
  send(message: Uint8Array, head?: Uint8Array): boolean;
  /** Bytes that wait for the client to take them. */
  readonly bytesQueued: number;
  /** Called when, after a false of send(), half of `callQueueBytesHigh` or less is queued. */
  onDrain(fn: () => void): void;
  /** Ends the call after the messages queued. */
  end(code: GrpcStatus, message?: string, trailers?: MetadataFields): void;
  /** No message is delivered until resume(); when its window is full, the client waits. */
  pause(): void;
  resume(): void;
}

/** `request` is a view of the socket's buffer, valid only until the handler returns: copy what is kept. */
export type UnaryHandler = (call: UnaryCall, request: Uint8Array) => void;
/** `request` is valid only until the handler returns. */
export type ServerStreamHandler = (call: StreamCall, request: Uint8Array) => void;
export type StreamHandler = (call: StreamCall) => void;
