/** Which channel a message travels on, so that nothing urgent waits behind bulk (see the Network seam). */
import type { Channel } from '../seams/index.js';
import type { PeerMessage } from '../wire/index.js';

/** Forwarded bodies from this size on travel with the log entries, so that heartbeats do not wait behind them. */
const FORWARD_BULK_BYTES = 16 * 1024;

export function channelOf(message: PeerMessage): Channel {
  if (message.kind === 'raft') return message.message.type === 'append' ? 'append' : 'control';
  if (message.kind === 'snapshot-begin' || message.kind === 'snapshot-chunk') return 'snapshot';
  if (message.kind === 'snapshot-ack') return 'control';
  return message.body.length < FORWARD_BULK_BYTES ? 'control' : 'append';
}
