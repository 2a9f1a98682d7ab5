/**
 * What members say to each other, as values. The bytes are encoder.ts and decoder.ts; docs/wire-format.md describes them.
 *
 * Sender and receiver are not part of a message on the wire: the connection on which it arrives has introduced the one and
 * reached the other.
 */
import type { InstallSnapshotMessage, Message, SnapshotMetadata } from '@quorate/raft';

/**
 * The version of everything members send after (and including) the handshake. A member talks only to members of its own
 * version; a release that changes the bytes raises it.
 */
export const PROTOCOL_VERSION = 1;

/** Most chars of the reason code of a refused forward. */
export const REASON_CHARS_MAX = 64;

/** An install-snapshot message never leaves a member: snapshot-begin does, and who has all of the data makes another one of it for itself. */
export type WireMessage = Exclude<Message, InstallSnapshotMessage>;

export interface RaftPeerMessage {
  readonly kind: 'raft';
  readonly message: WireMessage;
}

/** A member passes a client's command on to the leader, once. `requestId` is the sender's, to tell its answers apart. */
export interface Forward {
  readonly kind: 'forward';
  readonly requestId: number;
  readonly body: Uint8Array;
}

/**
 * `ok`: applied, `body` is the response. `refused`: surely not applied, `reason` is a code that says why. `unknown`: it may have
 * been applied, or may yet be.
 */
export interface ForwardReply {
  readonly kind: 'forward-reply';
  readonly requestId: number;
  readonly status: 'ok' | 'refused' | 'unknown';
  /** A code in latin1, at most REASON_CHARS_MAX chars; may be ''. */
  readonly reason: string;
  readonly body: Uint8Array;
}

/** Leader to follower: the bytes of the snapshot at `metadata` follow as chunks under this `transferId`. */
export interface SnapshotBegin {
  readonly kind: 'snapshot-begin';
  readonly transferId: number;
  /** The leader's term. */
  readonly term: number;
  readonly metadata: SnapshotMetadata;
  /** For progress reports only: the stream may be shorter or longer. */
  readonly totalBytesEstimate: number;
}

export interface SnapshotChunk {
  readonly kind: 'snapshot-chunk';
  readonly transferId: number;
  /** Position of `bytes` in the stream. */
  readonly offset: number;
  /** The stream ends with this chunk. */
  readonly last: boolean;
  readonly bytes: Uint8Array;
}

export interface SnapshotAck {
  readonly kind: 'snapshot-ack';
  readonly transferId: number;
  /** Bytes received so far, without a gap: where to resume. */
  readonly offset: number;
  readonly status: 'receiving' | 'installed' | 'rejected';
}

export type PeerMessage = RaftPeerMessage | Forward | ForwardReply | SnapshotBegin | SnapshotChunk | SnapshotAck;

export type PeerMessageKind = PeerMessage['kind'];
