/**
 * The virtual Network: a switchboard for any number of members, driven by a scheduler that is handed in, so that a seed decides
 * every delay and loss and a run can be repeated.
 *
 * How it lies, within what the Network seam allows:
 *
 * - delay: each frame draws its own latency; frames of one channel keep their order, channels overtake each other;
 * - drop: a frame is lost without a word;
 * - duplicate: a frame comes a second time, on a connection of its own: later than, and out of order with, the others;
 * - cut: one direction between two members; what is under way is lost as well, and the sender learns that the peer is unreachable;
 * - restart: frames to a member's former life are never delivered to its next one.
 *
 * And what it checks: a frame that its sender changed after sending throws when it is delivered, and a receiver that keeps a
 * frame instead of a copy finds it overwritten after the call.
 */
import { FrameQueue, frameBytes, type QueueLimits } from '../adapters/frame-queue.js';
import { CHANNELS, type Channel, type Network, type NetworkInput, type PeerAddress } from '../seams/network.js';
import type { RandomStream } from '../seams/random.js';
import { isJoined, join } from './chunks.js';

export interface MemoryNetworkOptions {
  /** Calls `run` once, `delayMs` of virtual time from now, never within the call. */
  readonly schedule: (delayMs: number, run: () => void) => void;
  readonly random: RandomStream;
  /** What a sender may have under way to one member on one channel. */
  readonly queue?: QueueLimits;
}

export interface MemoryEndpointOptions {
  readonly address?: string;
  /** Members of different clusters refuse each other. */
  readonly clusterId?: number;
  readonly isRemoved?: (id: number) => boolean;
}

/** Probabilities from 0 to 1, per frame. */
export interface ChannelFaults {
  readonly drop: number;
  readonly duplicate: number;
}

export interface MemoryNetworkStats {
  readonly sentFrames: number;
  readonly deliveredFrames: number;
  readonly droppedFrames: number;
  readonly duplicatedFrames: number;
}

const NO_FAULTS: ChannelFaults = { drop: 0, duplicate: 0 };
const DEFAULT_QUEUE: QueueLimits = { bytes: 64 * 1024 * 1024, frames: 65_536 };
/** Latencies and probabilities are drawn in parts of this. */
const PARTS = 1_000_000;
/** What a delivered frame is overwritten with. */
const POISON = 0xa5;

export class MemoryNetwork {
  readonly #options: MemoryNetworkOptions;
  readonly #queueLimits: QueueLimits;
  readonly #endpoints = new Map<number, MemoryEndpoint>();
  readonly #cuts = new Set<string>();
  readonly #faults = new Map<Channel, ChannelFaults>(CHANNELS.map((channel) => [channel, NO_FAULTS]));
  #latency = { minMs: 0, maxMs: 1 };
  #sentFrames = 0;
  #deliveredFrames = 0;
  #droppedFrames = 0;
  #duplicatedFrames = 0;

  constructor(options: MemoryNetworkOptions) {
    this.#options = options;
    this.#queueLimits = options.queue ?? DEFAULT_QUEUE;
  }

  /** A member's side, to be started. A member that was there under this id before is closed: a restart. */
  endpoint(id: number, options: MemoryEndpointOptions = {}): MemoryEndpoint {
    this.#endpoints.get(id)?.close();
    const endpoint: MemoryEndpoint = new MemoryEndpoint({ id, address: options.address ?? `member-${id}:1` }, options, {
      queueLimits: this.#queueLimits,
      started: () => this.#started(endpoint),
      closed: () => {
        if (this.#endpoints.get(id) === endpoint) this.#endpoints.delete(id);
      },
      dial: (to) => this.#dial(endpoint, to),
      transmit: (to, channel, queue, chunks) => this.#transmit(endpoint, to, channel, queue, chunks),
      lost: (frames) => {
        this.#droppedFrames += frames;
      },
    });
    this.#endpoints.set(id, endpoint);
    return endpoint;
  }

  /** How long a frame takes, drawn evenly from the range. */
  setLatency(minMs: number, maxMs: number): void {
    if (!(minMs >= 0 && maxMs >= minMs)) throw new RangeError(`latency from ${minMs} to ${maxMs} ms`);
    this.#latency = { minMs, maxMs };
  }

  setFaults(channel: Channel, faults: ChannelFaults): void {
    this.#faults.set(channel, faults);
  }

  /** Frames from `from` to `to` are lost from now on; the other direction goes on. */
  cut(from: number, to: number): void {
    this.#cuts.add(direction(from, to));
  }

  /** Cuts both directions between members (of those present) in different groups; one in no group is on its own. Replaces all cuts. */
  partition(groups: readonly (readonly number[])[]): void {
    this.#cuts.clear();
    const groupOf = new Map(groups.flatMap((group, position) => group.map((id) => [id, position] as const)));
    for (const a of this.#endpoints.keys()) {
      for (const b of this.#endpoints.keys()) {
        const together = groupOf.has(a) && groupOf.get(a) === groupOf.get(b);
        if (a !== b && !together) this.cut(a, b);
      }
    }
  }

  /** Ends all cuts. Faults and latency stay as they are. */
  heal(): void {
    this.#cuts.clear();
    for (const endpoint of this.#endpoints.values()) for (const id of endpoint.peerIds()) this.#dial(endpoint, id);
  }

  stats(): MemoryNetworkStats {
    return {
      sentFrames: this.#sentFrames,
      deliveredFrames: this.#deliveredFrames,
      droppedFrames: this.#droppedFrames,
      duplicatedFrames: this.#duplicatedFrames,
    };
  }

  #started(endpoint: MemoryEndpoint): void {
    for (const id of endpoint.peerIds()) this.#dial(endpoint, id);
    for (const other of this.#endpoints.values()) {
      if (other.peerIds().includes(endpoint.id)) this.#dial(other, endpoint.id);
    }
  }

  /** A connection without a frame yet: the other end learns who this is. */
  #dial(from: MemoryEndpoint, to: number): void {
    this.#options.schedule(this.#latencyMs(), () => this.#connect(from, to));
  }

  /** The receiving end, if a frame from `from` gets there; otherwise `from` is told why not. */
  #connect(from: MemoryEndpoint, to: number): NetworkInput | undefined {
    if (!from.started) return undefined;
    const target = this.#endpoints.get(to);
    if (target?.input === undefined || this.#isCut(from.id, to)) {
      from.input?.unreachable(to);
      return undefined;
    }
    const refusal = target.refuses(from);
    if (refusal !== undefined) {
      from.input?.refused(to, refusal);
      return undefined;
    }
    if (from.introduceTo(target)) target.input.introduced(from.self);
    return target.input;
  }

  #transmit(
    from: MemoryEndpoint,
    to: number,
    channel: Channel,
    queue: FrameQueue,
    chunks: readonly Uint8Array[],
  ): void {
    this.#sentFrames += 1;
    const faults = this.#faults.get(channel) ?? NO_FAULTS;
    if (this.#happens(faults.drop)) {
      this.#droppedFrames += 1;
      return;
    }
    // Whom it was sent to: the life of the peer that is there now, or none.
    const life = this.#endpoints.get(to);
    const frame = { chunks, bytes: frameBytes(chunks), copy: join(chunks), life };
    this.#droppedFrames += queue.push(frame);
    this.#options.schedule(this.#latencyMs(), () => {
      // The head of the queue, which may be another frame than this one: that is what keeps the order.
      const head = queue.shift() as typeof frame | undefined;
      if (head !== undefined) this.#deliver(from, to, channel, head);
    });
    if (!this.#happens(faults.duplicate)) return;
    this.#duplicatedFrames += 1;
    const repeated = { ...frame, copy: frame.copy.slice() };
    this.#options.schedule(this.#latencyMs() + this.#latencyMs(), () => this.#deliver(from, to, channel, repeated));
  }

  #deliver(
    from: MemoryEndpoint,
    to: number,
    channel: Channel,
    frame: {
      readonly chunks: readonly Uint8Array[];
      readonly copy: Uint8Array;
      readonly life: MemoryEndpoint | undefined;
    },
  ): void {
    // What a member had sent before it stopped may still arrive; who it was is known to the other end already.
    const input = from.started ? this.#connect(from, to) : this.#endpoints.get(to)?.input;
    if (input === undefined || this.#isCut(from.id, to) || frame.life !== this.#endpoints.get(to)) {
      this.#droppedFrames += 1;
      return;
    }
    if (!isJoined(frame.chunks, frame.copy)) {
      throw new Error(`member ${from.id} changed a frame to ${to} on ${channel} after it had sent it`);
    }
    this.#deliveredFrames += 1;
    try {
      input.frame(from.id, channel, frame.copy);
    } finally {
      frame.copy.fill(POISON);
    }
  }

  #isCut(from: number, to: number): boolean {
    return this.#cuts.size > 0 && this.#cuts.has(direction(from, to));
  }

  #latencyMs(): number {
    const { minMs, maxMs } = this.#latency;
    return minMs + ((maxMs - minMs) * this.#options.random.integer(PARTS + 1)) / PARTS;
  }

  #happens(probability: number): boolean {
    return probability > 0 && this.#options.random.integer(PARTS) < probability * PARTS;
  }
}

/** What an endpoint asks of its switchboard. */
interface Switchboard {
  readonly queueLimits: QueueLimits;
  readonly started: () => void;
  readonly closed: () => void;
  readonly dial: (to: number) => void;
  readonly transmit: (to: number, channel: Channel, queue: FrameQueue, chunks: readonly Uint8Array[]) => void;
  readonly lost: (frames: number) => void;
}

/** One life of one member on the switchboard. */
export class MemoryEndpoint implements Network {
  readonly self: PeerAddress;
  readonly #options: MemoryEndpointOptions;
  readonly #switchboard: Switchboard;
  readonly #peers = new Map<number, Map<Channel, FrameQueue>>();
  #input: NetworkInput | undefined;
  #closed = false;
  /** The lives of members that have met this one. */
  readonly #introducedTo = new WeakSet<MemoryEndpoint>();

  /** Made by MemoryNetwork.endpoint(). */
  constructor(self: PeerAddress, options: MemoryEndpointOptions, switchboard: Switchboard) {
    this.self = self;
    this.#options = options;
    this.#switchboard = switchboard;
  }

  get id(): number {
    return this.self.id;
  }

  get started(): boolean {
    return this.#input !== undefined;
  }

  /** Where frames go while it is up. */
  get input(): NetworkInput | undefined {
    return this.#input;
  }

  start(input: NetworkInput): void {
    if (this.#closed || this.#input !== undefined) throw new Error('an endpoint starts once');
    this.#input = input;
    this.#switchboard.started();
  }

  /** Stops at once; what was sent may still arrive. */
  close(): void {
    this.#closed = true;
    this.#input = undefined;
    this.#switchboard.closed();
  }

  peerIds(): readonly number[] {
    return [...this.#peers.keys()];
  }

  setPeers(peers: readonly PeerAddress[]): void {
    const wanted = new Set(peers.map((peer) => peer.id));
    wanted.delete(this.id);
    for (const [id, queues] of this.#peers) {
      if (wanted.has(id)) continue;
      for (const queue of queues.values()) this.#switchboard.lost(queue.clear());
      this.#peers.delete(id);
    }
    for (const id of wanted) {
      if (this.#peers.has(id)) continue;
      this.#peers.set(id, new Map(CHANNELS.map((channel) => [channel, new FrameQueue(this.#switchboard.queueLimits)])));
      if (this.started) this.#switchboard.dial(id);
    }
  }

  /** Frames leave when they are sent. */
  flush(): void {}

  send(to: number, channel: Channel, chunks: readonly Uint8Array[]): void {
    const queue = this.#peers.get(to)?.get(channel);
    if (queue === undefined || !this.started || frameBytes(chunks) === 0) this.#switchboard.lost(1);
    else this.#switchboard.transmit(to, channel, queue, chunks);
  }

  /** Whether this one refuses frames of `other`, and why. */
  refuses(other: MemoryEndpoint): 'removed' | 'other-cluster' | undefined {
    if (this.#options.clusterId !== other.#options.clusterId) return 'other-cluster';
    return this.#options.isRemoved?.(other.id) === true ? 'removed' : undefined;
  }

  /** Remembers that `other` has met this one; false if it had before. */
  introduceTo(other: MemoryEndpoint): boolean {
    if (this.#introducedTo.has(other)) return false;
    this.#introducedTo.add(other);
    return true;
  }
}

function direction(from: number, to: number): string {
  return `${from}>${to}`;
}
