/**
 * One outgoing connection: to one member, for one channel, used in one direction only.
 *
 *   resting --(something to send)--> dialling --(accepted)--> open --(lost)--> waiting --(pause over)--> dialling
 *
 * `control` and `append` dial at once and for ever; `snapshot` rests until something is sent and after it was idle.
 *
 * Frames wait in a bounded queue and are handed to the socket in batches, as long as the socket has taken most of what it got
 * before: what is still in the queue can be dropped, what the socket has cannot, and a frame is handed over whole or not at all.
 * A frame that waits while a dial fails is dropped, so nothing older than one attempt and its pause is ever delivered: Raft
 * repeats what matters, and a command that its client has given up must not arrive minutes later.
 *
 * Is the other end still there? A connection that only sends cannot tell: the kernel takes small frames for hours, and after a
 * long cut it retries only every other minute. So the receiver says that it is receiving (a receipt: one byte, at most once a
 * sweep), and a link that has heard nothing through several sweeps dials again. Idle links send keepalives, which evoke receipts.
 * Silence is counted in sweeps, not measured by the clock: a process that was stopped for a while finds what has arrived in the
 * meantime before it draws conclusions.
 */
import type { Socket } from 'node:net';
import type { Channel, PeerAddress } from '../seams/network.js';
import type { Platform } from '../seams/platform.js';
import type { RandomStream } from '../seams/random.js';
import { FrameQueue, frameBytes } from './frame-queue.js';
import { FRAME_HEADER_BYTES, frameBatch, KEEPALIVE_FRAME } from './tcp-framing.js';
import { decodeAnswer, HandshakeReader, type RefusalReason } from './tcp-handshake.js';
import type { PeerCounters, TcpLimits } from './tcp-limits.js';
import { dialSocket } from './tcp-sockets.js';

export interface TcpLinkOptions {
  readonly peer: PeerAddress;
  readonly channel: Channel;
  readonly platform: Platform;
  readonly limits: TcpLimits;
  readonly jitter: RandomStream;
  readonly counters: PeerCounters;
  /** The bytes that introduce this member. */
  readonly hello: () => Uint8Array;
  /** A connection was lost or could not be made. */
  readonly onUnreachable: () => void;
  readonly onRefused: (reason: RefusalReason) => void;
  readonly trace: (name: string, data: Readonly<Record<string, unknown>>) => void;
}

/** The pause has reached its greatest length long before. */
const DOUBLINGS_MAX = 30;

type LinkState = 'resting' | 'dialling' | 'open' | 'waiting' | 'closed';

export class TcpLink {
  readonly #options: TcpLinkOptions;
  readonly #queue: FrameQueue;
  #state: LinkState = 'resting';
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #handedOverBytes = 0;
  #sweepsSilent = 0;
  #sweepsIdle = 0;

  constructor(options: TcpLinkOptions) {
    this.#options = options;
    this.#queue = new FrameQueue(options.limits.queues[options.channel]);
  }

  get open(): boolean {
    return this.#state === 'open';
  }

  /** Connects when something is sent, not before. */
  get onDemand(): boolean {
    return this.#options.channel === 'snapshot';
  }

  get queuedBytes(): number {
    return this.#queue.bytes;
  }

  /** Queues a frame; flush() sends it. */
  enqueue(chunks: readonly Uint8Array[]): void {
    if (this.#state === 'closed') return;
    this.#options.counters.droppedFrames += this.#queue.push({ chunks, bytes: frameBytes(chunks) });
    this.#sweepsIdle = 0;
    if (this.#state === 'resting') this.dial();
  }

  /** Begins to connect, unless that is under way; also ends the pause after a failure, when there is reason to think it is over. */
  dial(): void {
    if (this.#state !== 'resting' && this.#state !== 'waiting') return;
    clearTimeout(this.#timer);
    this.#state = 'dialling';
    let socket: Socket;
    try {
      socket = dialSocket(this.#options.peer.address);
    } catch (error) {
      // Not from within the call: whoever sends or sets peers is in the middle of something.
      this.#timer = setTimeout(() => this.#fail((error as Error).message), 0).unref();
      return;
    }
    this.#socket = socket;
    let reason = 'closed by the peer';
    this.#timer = setTimeout(() => {
      reason = 'no answer in time';
      socket.destroy();
    }, this.#options.limits.handshakeTimeoutMs).unref();
    socket.on('error', (error) => {
      reason = error.message;
    });
    socket.on('close', () => {
      if (socket === this.#socket) this.#lost(reason);
    });
    const handshake = new HandshakeReader(this.#options.platform, 'answer');
    socket.on('data', (chunk: Uint8Array) => {
      if (socket !== this.#socket) return;
      // A receipt. Its content says nothing.
      if (this.#state === 'open') this.#sweepsSilent = 0;
      else this.#answered(socket, handshake, chunk);
    });
    socket.write(this.#options.hello());
  }

  /** Hands queued frames to the socket, as many as it may hold. */
  flush(): void {
    const { handoverBytes } = this.#options.limits;
    while (this.#state === 'open' && this.#queue.length > 0 && this.#handedOverBytes < handoverBytes) {
      this.#handOver(handoverBytes - this.#handedOverBytes);
    }
  }

  /** Called each keepaliveMs. */
  sweep(): void {
    const { limits, channel } = this.#options;
    const socket = this.#socket;
    if (this.#state !== 'open' || socket === undefined) return;
    // Heard from: the connection is of use. One that is accepted and closed again at once does not end the growth of the pauses.
    if (this.#sweepsSilent === 0) this.#failures = 0;
    this.#sweepsSilent += 1;
    this.#sweepsIdle += 1;
    if (this.#sweepsSilent * limits.keepaliveMs > limits.silenceMs) {
      socket.destroy(new Error(`silent for ${limits.silenceMs} ms`));
      return;
    }
    const idle = this.#queue.length === 0 && this.#handedOverBytes === 0;
    if (!idle) return;
    if (channel === 'snapshot' && this.#sweepsIdle * limits.keepaliveMs > limits.snapshotIdleMs) {
      this.#rest(socket);
      return;
    }
    this.#write(socket, [KEEPALIVE_FRAME], FRAME_HEADER_BYTES);
  }

  /** Sends nothing more. What the socket has got may still leave within closeGraceMs if `graceful`. */
  close(graceful: boolean): void {
    if (this.#state === 'closed') return;
    if (graceful) this.flush();
    const open = this.#state === 'open';
    this.#state = 'closed';
    this.#options.counters.droppedFrames += this.#queue.clear();
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return;
    if (!graceful || !open) {
      socket.destroy();
      return;
    }
    const timer = setTimeout(() => socket.destroy(), this.#options.limits.closeGraceMs);
    socket.on('close', () => clearTimeout(timer));
    socket.destroySoon();
  }

  #answered(socket: Socket, handshake: HandshakeReader, chunk: Uint8Array): void {
    try {
      const complete = handshake.push(chunk);
      if (complete === undefined) return;
      const { refusal, from } = decodeAnswer(complete.body);
      if (refusal === undefined && from === this.#options.peer.id) this.#opened();
      else this.#refused(socket, refusal ?? 'other-member');
    } catch (error) {
      socket.destroy(error as Error);
    }
  }

  #opened(): void {
    clearTimeout(this.#timer);
    this.#state = 'open';
    this.#handedOverBytes = 0;
    this.#sweepsSilent = 1;
    this.#sweepsIdle = 0;
    this.#options.trace('network.connected', { address: this.#options.peer.address });
    this.flush();
  }

  #refused(socket: Socket, reason: RefusalReason): void {
    this.#socket = undefined;
    socket.destroy();
    // Asking again soon is of no use; asking again is: an address may come to belong to another member, a version may be replaced.
    this.#failures = DOUBLINGS_MAX;
    this.#fail(`refused: ${reason}`);
    this.#options.onRefused(reason);
  }

  #lost(reason: string): void {
    this.#socket = undefined;
    clearTimeout(this.#timer);
    if (this.#state === 'closed' || this.#state === 'resting') return;
    if (this.#state === 'dialling') {
      this.#fail(reason);
      return;
    }
    // What is queued gets its chance with the next dial, after the shortest pause: most losses are a peer that restarts.
    this.#options.counters.disconnects += 1;
    this.#options.trace('network.disconnected', { reason });
    this.#pause();
    this.#options.onUnreachable();
  }

  #fail(reason: string): void {
    clearTimeout(this.#timer);
    this.#socket = undefined;
    this.#options.counters.dialFailures += 1;
    const dropped = this.#queue.clear();
    this.#options.counters.droppedFrames += dropped;
    this.#options.trace('network.dial-failed', { address: this.#options.peer.address, reason, dropped });
    this.#pause();
    this.#options.onUnreachable();
  }

  /** Waits before the next dial; a snapshot link that has nothing to send then rests. */
  #pause(): void {
    const { limits, jitter, channel } = this.#options;
    const longestMs = Math.min(limits.backoffMaxMs, limits.backoffFirstMs * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, DOUBLINGS_MAX);
    // Half of it is drawn, so that members that lost the same peer do not all come back at the same moment.
    const halfMs = Math.ceil(longestMs / 2);
    this.#state = 'waiting';
    this.#timer = setTimeout(
      () => {
        if (channel === 'snapshot' && this.#queue.length === 0) this.#state = 'resting';
        else this.dial();
      },
      longestMs - halfMs + jitter.integer(halfMs + 1),
    ).unref();
  }

  #rest(socket: Socket): void {
    this.#state = 'resting';
    this.#socket = undefined;
    socket.destroySoon();
  }

  #handOver(bytesMax: number): void {
    const { platform, counters } = this.#options;
    const frames = [];
    let bytes = 0;
    while (bytes < bytesMax) {
      const frame = this.#queue.shift();
      if (frame === undefined) break;
      frames.push(frame);
      bytes += frame.bytes + FRAME_HEADER_BYTES;
    }
    counters.sentFrames += frames.length;
    counters.sentBytes += bytes;
    this.#write(this.#socket as Socket, frameBatch(platform, frames), bytes);
  }

  /** One system call for all buffers. */
  #write(socket: Socket, buffers: readonly Uint8Array[], bytes: number): void {
    this.#handedOverBytes += bytes;
    const last = buffers.length - 1;
    if (last > 0) socket.cork();
    for (const [position, buffer] of buffers.entries()) {
      if (position < last) socket.write(buffer);
      else
        socket.write(buffer, (error) => {
          if (error !== null && error !== undefined) return;
          if (socket !== this.#socket) return;
          this.#handedOverBytes -= bytes;
          this.flush();
        });
    }
    if (last > 0) socket.uncork();
  }
}
