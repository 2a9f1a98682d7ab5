/**
 * The Network seam: frames between members, each whole and intact or not at all.
 *
 * Sending never blocks and never fails; a frame may be lost, delayed, repeated (by a reconnect) or overtaken by one of another
 * channel. Frames of one channel to one member arrive in order within a connection. Each channel is a connection of its own,
 * so that heartbeats never wait behind bulk:
 *
 * - `control`: heartbeats, votes, responses, read indexes, forwarded commands and their answers;
 * - `append`: log entries;
 * - `snapshot`: chunks of snapshots.
 */
export type Channel = 'control' | 'append' | 'snapshot';

export const CHANNELS: readonly Channel[] = ['control', 'append', 'snapshot'];

export interface PeerAddress {
  readonly id: number;
  /** host:port of the member's Raft transport. */
  readonly address: string;
}

export interface Network {
  /** Whom to keep connections to; replaces the former set. Queues of those who left are dropped. */
  setPeers(peers: readonly PeerAddress[]): void;
  /**
   * Queues one frame, given as chunks that must not change afterwards. Past the peer's queue bound the oldest queued frames of
   * the channel are dropped; a frame to an unknown member is dropped.
   */
  send(to: number, channel: Channel, chunks: readonly Uint8Array[]): void;
  /** What was sent since the turn began leaves now; without this call it leaves when the turn is over. */
  flush(): void;
}

/** What the network reports, as inputs of a member. */
export interface NetworkInput {
  /** `frame` is only valid during the call unless the callee copies what it keeps. Throws a WireError if it makes no sense. */
  frame(from: number, channel: Channel, frame: Uint8Array): void;
  /** A connection to the peer's channel was lost or could not be made: frames in its queue may be lost. */
  unreachable(peer: number): void;
  /** A peer (that this member may not know of yet) introduced itself, with the address where it takes connections. */
  introduced(peer: PeerAddress): void;
  /** A peer refuses this member for good: `removed` (this member's id was removed from the cluster), `other-cluster`, `version`. */
  refused(peer: number, reason: 'removed' | 'other-cluster' | 'version'): void;
}
