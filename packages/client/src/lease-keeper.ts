/**
 * Keeps leases alive: all of a client's over one stream, each at a third of its time (as etcd's own clients do), over another endpoint
 * when the stream is lost or says nothing. A renewal that failed is repeated at once on the next stream: repeating one is harmless.
 */
import { GRPC_CODES, type LeaseKeepAliveRequest, type LeaseKeepAliveResponse, SERVICES } from '@quorate/proto';
import type { Calls } from './calls.js';
import { ClientError } from './errors.js';
import type { ClientStream } from './stream.js';
import { pause } from './transport/backoff.js';
import { Cancellation } from './transport/cancellation.js';

interface Kept {
  readonly id: bigint;
  readonly lost: AbortController;
  /** When the next renewal is due. */
  dueMs: number;
  /** When the last successful renewal runs out. */
  endsMs: number;
  /** A renewal that was sent on the present stream, and when; undefined: none. */
  askedMs: number | undefined;
}

type Stream = ClientStream<LeaseKeepAliveRequest, LeaseKeepAliveResponse>;

const RENEWALS_PER_TTL = 3;
/** Times are looked at this often: much finer than the least time to live, one second. */
const TICK_MS = 100;
/** A stream that has not answered a renewal by then is given up. */
const SILENCE_MAX_MS = 1_500;

export class LeaseKeeper {
  readonly #calls: Calls;
  readonly #kept = new Map<bigint, Kept>();
  #running: Promise<void> | undefined;
  #stream: Stream | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  keep(id: bigint, ttlSeconds: number, grantedAtMs: number, lost: AbortController): void {
    const ttlMs = ttlSeconds * 1000;
    this.#kept.set(id, {
      id,
      lost,
      dueMs: grantedAtMs + ttlMs / RENEWALS_PER_TTL,
      endsMs: grantedAtMs + ttlMs,
      askedMs: undefined,
    });
    if (this.#running !== undefined) return;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#running = this.#run().finally(() => {
      clearInterval(this.#timer);
      this.#running = undefined;
    });
  }

  forget(id: bigint): void {
    if (!this.#kept.delete(id) || this.#kept.size > 0) return;
    this.#stream?.cancel();
  }

  /** Streams, one after the other, while there is something to keep. */
  async #run(): Promise<void> {
    const cancellation = new Cancellation(this.#calls.closing);
    const backoff = this.#calls.backoff();
    while (this.#kept.size > 0 && !cancellation.isCanceled) {
      let isOpen = false;
      try {
        const method = SERVICES['etcdserverpb.Lease'].LeaseKeepAlive;
        const stream = await this.#calls.stream(method);
        isOpen = true;
        this.#stream = stream;
        for (const kept of this.#kept.values()) kept.askedMs = undefined;
        for await (const answer of stream) {
          backoff.reset();
          this.#renewed(answer);
          if (this.#kept.size === 0) break;
        }
      } catch (error) {
        if (!(error instanceof ClientError)) throw error;
        // Nothing that trying again could change: everything that is kept will run out.
        if (error.outcome === 'invalid' || error.grpcCode === GRPC_CODES.PERMISSION_DENIED) this.#loseAll(error);
      } finally {
        this.#stream?.cancel();
        this.#stream = undefined;
      }
      if (this.#kept.size > 0) await pause(backoff.nextMs(!isOpen), cancellation);
    }
  }

  #tick(): void {
    const nowMs = performance.now();
    for (const kept of this.#kept.values()) {
      if (nowMs >= kept.endsMs) {
        this.#lose(kept, 'no renewal has succeeded for its whole time to live');
      } else if (kept.askedMs !== undefined) {
        if (nowMs - kept.askedMs > SILENCE_MAX_MS) this.#stream?.cancel('no answer to a renewal');
      } else if (nowMs >= kept.dueMs && this.#stream !== undefined) {
        kept.askedMs = nowMs;
        // At most one renewal of each lease is under way, which is what bounds the stream.
        void this.#stream.send({ ID: kept.id });
      }
    }
    if (this.#kept.size === 0) this.#stream?.cancel();
  }

  #renewed({ ID: id, TTL: ttlSeconds }: LeaseKeepAliveResponse): void {
    const kept = this.#kept.get(id);
    if (kept?.askedMs === undefined) return;
    if (ttlSeconds <= 0) {
      this.#lose(kept, 'etcdserver: requested lease not found');
      return;
    }
    const ttlMs = ttlSeconds * 1000;
    // From when it was asked, not from when the answer came: the server renewed it between the two.
    kept.dueMs = kept.askedMs + ttlMs / RENEWALS_PER_TTL;
    kept.endsMs = kept.askedMs + ttlMs;
    kept.askedMs = undefined;
  }

  #lose({ id, lost }: Kept, message: string): void {
    this.#kept.delete(id);
    lost.abort(new ClientError(GRPC_CODES.NOT_FOUND, 'rejected', message));
  }

  #loseAll(error: ClientError): void {
    for (const { lost } of this.#kept.values()) lost.abort(error);
    this.#kept.clear();
  }
}
