/** The bounds of the members' network, with their units and defaults. */
import type { Channel } from '../seams/network.js';
import type { QueueLimits } from './frame-queue.js';

const MEBIBYTE = 1024 * 1024;

export interface TcpLimits {
  /** The longest frame that is sent or accepted. */
  readonly frameBytesMax: number;
  /** What waits per peer and channel before the oldest frame is dropped. */
  readonly queues: Readonly<Record<Channel, QueueLimits>>;
  /** Bytes handed to a socket and not yet taken by the system: beyond them frames wait in the queue, where they can be dropped. */
  readonly handoverBytes: number;
  /** From dialling to the answer, and from accepting to the hello. */
  readonly handshakeTimeoutMs: number;
  /** An idle connection carries an empty frame, and a receiver says that it is receiving, this often. */
  readonly keepaliveMs: number;
  /** A connection on which nothing came for so long is dead, in either direction. */
  readonly silenceMs: number;
  /** The first pause before dialling again; doubled from failure to failure, each drawn from its upper half. */
  readonly backoffFirstMs: number;
  readonly backoffMaxMs: number;
  /** The snapshot connection is closed when nothing was sent on it for so long. */
  readonly snapshotIdleMs: number;
  /** On closing: how long written frames may take to leave. */
  readonly closeGraceMs: number;
  /** Accepted connections, strangers included. */
  readonly connectionsMax: number;
}

export const TCP_LIMITS: TcpLimits = {
  frameBytesMax: 32 * MEBIBYTE,
  queues: {
    control: { bytes: 4 * MEBIBYTE, frames: 65_536 },
    append: { bytes: 64 * MEBIBYTE, frames: 65_536 },
    snapshot: { bytes: 8 * MEBIBYTE, frames: 4096 },
  },
  handoverBytes: MEBIBYTE / 2,
  handshakeTimeoutMs: 3000,
  keepaliveMs: 1000,
  silenceMs: 5000,
  backoffFirstMs: 20,
  backoffMaxMs: 1000,
  snapshotIdleMs: 10_000,
  closeGraceMs: 250,
  connectionsMax: 1024,
};

/** Throws a RangeError if the limits contradict each other. */
export function checkTcpLimits(limits: TcpLimits): void {
  const relations: readonly (readonly [boolean, string])[] = [
    [
      limits.keepaliveMs > 0 && limits.silenceMs >= 3 * limits.keepaliveMs,
      'silenceMs must be three keepaliveMs or more',
    ],
    [limits.backoffFirstMs > 0 && limits.backoffFirstMs <= limits.backoffMaxMs, 'backoffFirstMs exceeds backoffMaxMs'],
    [limits.frameBytesMax > 0 && limits.frameBytesMax < 2 ** 32, 'frameBytesMax must fit into 32 bits'],
    [limits.handoverBytes > 0, 'handoverBytes must be positive'],
    [limits.handshakeTimeoutMs > 0, 'handshakeTimeoutMs must be positive'],
  ];
  for (const [holds, message] of relations) if (!holds) throw new RangeError(message);
}
checkTcpLimits(TCP_LIMITS);

/** What happened on the connections with one member. Sent and received count whole frames with their headers. */
export interface PeerCounters {
  sentBytes: number;
  sentFrames: number;
  receivedBytes: number;
  receivedFrames: number;
  /** Frames that were queued and never handed to a socket. */
  droppedFrames: number;
  /** Dials that failed or were refused. */
  dialFailures: number;
  /** Established connections to the peer that were lost. */
  disconnects: number;
}

export function peerCounters(): PeerCounters {
  return {
    sentBytes: 0,
    sentFrames: 0,
    receivedBytes: 0,
    receivedFrames: 0,
    droppedFrames: 0,
    dialFailures: 0,
    disconnects: 0,
  };
}
