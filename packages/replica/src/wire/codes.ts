/** The first byte of a frame and the codes of its enumerations. Numbers are never given a second meaning; 0 is never used. */
import type { ForwardReply, PeerMessageKind, SnapshotAck, WireMessage } from './messages.js';

export const RAFT_CODES: Readonly<Record<WireMessage['type'], number>> = {
  append: 1,
  'append-response': 2,
  heartbeat: 3,
  'heartbeat-response': 4,
  vote: 5,
  'vote-response': 6,
  'pre-vote': 7,
  'pre-vote-response': 8,
  'timeout-now': 10,
  'transfer-leader': 11,
  'read-index': 12,
  'read-index-response': 13,
};

export const PEER_CODES: Readonly<Record<Exclude<PeerMessageKind, 'raft'>, number>> = {
  forward: 32,
  'forward-reply': 33,
  'snapshot-begin': 34,
  'snapshot-chunk': 35,
  'snapshot-ack': 36,
};

export const FORWARD_STATUSES: readonly ForwardReply['status'][] = ['ok', 'refused', 'unknown'];

export const ACK_STATUSES: readonly SnapshotAck['status'][] = ['receiving', 'installed', 'rejected'];

/** An entry's header: bit 0 says that it is a configuration change, bit 1 that its term follows (it differs from the one before). */
export const ENTRY_CONFIG_BIT = 1;
export const ENTRY_TERM_BIT = 2;
