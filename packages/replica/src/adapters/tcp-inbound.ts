/**
 * One accepted connection: it says who it is, is accepted or refused, and then brings frames. Nothing is sent back on it but
 * the answer and receipts (see tcp-link.ts). Until it has introduced itself it may cost no more than handshakeTimeoutMs and
 * a few hundred bytes; whatever it sends, the worst that happens is that it is closed.
 */
import type { Socket } from 'node:net';
import type { Platform } from '../seams/platform.js';
import { WireError } from '../wire/error.js';
import { FRAME_HEADER_BYTES, FrameError, FrameParser } from './tcp-framing.js';
import {
  type Answer,
  decodeHello,
  decodeQuery,
  encodeAnswer,
  encodeView,
  HandshakeReader,
  type Hello,
} from './tcp-handshake.js';
import type { PeerCounters, TcpLimits } from './tcp-limits.js';

/** One byte that says "I am receiving". */
const RECEIPT: Uint8Array = new Uint8Array([0x06]);
/** Who is refused, or has asked, may take so long to read the answer. */
const LINGER_MS = 1000;

export interface TcpInboundOptions {
  readonly socket: Socket;
  readonly platform: Platform;
  readonly limits: TcpLimits;
  /** Decides about a hello: the answer, without `from` and version. */
  readonly judge: (hello: Hello | { readonly version: number }) => Answer['refusal'];
  /** Answers somebody who is no member yet and asks about an id. */
  readonly view: (about: number) => Uint8Array;
  readonly memberId: number;
  /** Introduced and accepted; from now on frames come. */
  readonly onAccepted: (inbound: TcpInbound, hello: Hello) => PeerCounters;
  /** Throws a WireError for a frame that cannot be understood: the connection is then closed. */
  readonly onFrame: (hello: Hello, frame: Uint8Array) => void;
  /** The connection is gone. `bad` if that was the other side's fault. */
  readonly onClosed: (inbound: TcpInbound, reason: string, bad: boolean) => void;
}

export class TcpInbound {
  readonly #options: TcpInboundOptions;
  readonly #socket: Socket;
  readonly #parser: FrameParser;
  readonly #timer: NodeJS.Timeout;
  /** host:port of the other end. */
  readonly remoteAddress: string;
  #hello: Hello | undefined;
  #counters: PeerCounters | undefined;
  #ended = false;
  #received = false;
  #sweepsSilent = 0;
  #reason = 'closed by the peer';
  #bad = false;

  constructor(options: TcpInboundOptions) {
    const { socket, platform, limits } = options;
    this.#options = options;
    this.#socket = socket;
    this.remoteAddress = `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? '?'}`;
    this.#parser = new FrameParser(platform, limits.frameBytesMax);
    this.#timer = setTimeout(() => this.#abort('no hello in time', true), limits.handshakeTimeoutMs).unref();
    const handshake = new HandshakeReader(platform, 'hello', 'query');
    socket.on('data', (chunk: Uint8Array) => this.#data(handshake, chunk));
    socket.on('error', (error) => {
      this.#reason = error.message;
    });
    socket.on('close', () => {
      clearTimeout(this.#timer);
      options.onClosed(this, this.#reason, this.#bad);
    });
  }

  /** Who it is, once accepted. */
  get hello(): Hello | undefined {
    return this.#hello;
  }

  /** Called each keepaliveMs. */
  sweep(): void {
    if (this.#hello === undefined) return;
    if (this.#received) {
      this.#received = false;
      this.#sweepsSilent = 0;
      this.#socket.write(RECEIPT);
      return;
    }
    const { keepaliveMs, silenceMs } = this.#options.limits;
    this.#sweepsSilent += 1;
    if (this.#sweepsSilent * keepaliveMs > silenceMs) this.#abort(`silent for ${silenceMs} ms`, false);
  }

  close(reason: string): void {
    this.#abort(reason, false);
  }

  #data(handshake: HandshakeReader, chunk: Uint8Array): void {
    if (this.#ended || this.#socket.destroyed) return;
    try {
      if (this.#hello === undefined) this.#greet(handshake, chunk);
      else this.#frames(this.#hello, chunk);
    } catch (error) {
      // Anything else is an error of this program, not of the peer.
      if (!(error instanceof WireError || error instanceof FrameError)) throw error;
      this.#abort(error.message, true);
    }
  }

  #greet(handshake: HandshakeReader, chunk: Uint8Array): void {
    const { platform, memberId, judge, onAccepted } = this.#options;
    const complete = handshake.push(chunk);
    if (complete === undefined) return;
    clearTimeout(this.#timer);
    if (complete.side === 'query') {
      const about = decodeQuery(complete.body);
      // Of another version: the answer's version says so.
      const view = about === undefined ? new Uint8Array(0) : this.#options.view(about);
      this.#socket.write(encodeView(platform, view));
      this.#finish('answered a query');
      return;
    }
    const hello = decodeHello(platform, complete.body);
    const refusal = judge(hello);
    this.#socket.write(encodeAnswer(platform, { from: memberId, refusal }));
    if (refusal !== undefined || !('from' in hello)) {
      this.#bad = true;
      this.#finish(`refused: ${refusal ?? 'version'}`);
      return;
    }
    this.#hello = hello;
    this.#counters = onAccepted(this, hello);
    if (complete.rest.length > 0) this.#frames(hello, complete.rest);
  }

  /** Nothing more is read; what was written leaves. */
  #finish(reason: string): void {
    this.#ended = true;
    this.#reason = reason;
    this.#socket.end();
    setTimeout(() => this.#socket.destroy(), LINGER_MS).unref();
  }

  #frames(hello: Hello, chunk: Uint8Array): void {
    const { onFrame } = this.#options;
    const counters = this.#counters as PeerCounters;
    this.#received = true;
    this.#parser.push(chunk, (frame) => {
      counters.receivedFrames += 1;
      counters.receivedBytes += frame.length + FRAME_HEADER_BYTES;
      onFrame(hello, frame);
      return !this.#socket.destroyed;
    });
  }

  #abort(reason: string, bad: boolean): void {
    if (this.#socket.destroyed) return;
    this.#reason = reason;
    this.#bad = bad;
    this.#socket.destroy();
  }
}
