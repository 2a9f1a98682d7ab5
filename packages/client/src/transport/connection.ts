/**
 * One endpoint and the HTTP/2 session to it, opened when it is first needed and again after it was lost.
 *
 * It counts as open once the server's settings have arrived: until then nothing is sent, so whoever listens there without
 * speaking HTTP/2 (or not at all) is found out while every request is still surely unsent.
 */
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from 'node:http2';
import type { Settings, TlsOptions } from '../options.js';

/** Of a stream and of a connection: what a server may send before somebody has read it. */
const STREAM_WINDOW_BYTES = 1024 * 1024;
const SESSION_WINDOW_BYTES = 16 * 1024 * 1024;
/** Node's own bound for one session, which counts streams too; its default of 10 refuses a few thousand of them. */
const SESSION_MEMORY_MEGABYTES = 256;

export class Connection {
  readonly origin: string;
  readonly #settings: Settings;
  readonly #tls: TlsOptions;
  /** The one that new requests go to. */
  #session: ClientHttp2Session | undefined;
  /** With those that finish what they have after the server has said goodbye. */
  readonly #sessions = new Set<ClientHttp2Session>();
  #opening: Promise<ClientHttp2Session> | undefined;
  #isClosed = false;
  /** Streams under way, for which silence matters. */
  #streams = 0;
  #pinging: NodeJS.Timeout | undefined;
  #awaitingPong: NodeJS.Timeout | undefined;

  constructor(origin: string, settings: Settings, tls: TlsOptions) {
    this.origin = origin;
    this.#settings = settings;
    this.#tls = tls;
  }

  get isOpen(): boolean {
    const session = this.#session;
    return session !== undefined && !session.closed && !session.destroyed;
  }

  /** Resolves once requests can be sent; rejects within the connect timeout. */
  open(): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error('the client is closed'));
    if (this.isOpen) return Promise.resolve();
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening.then(() => undefined);
  }

  /** A new stream on the open session. Throws if there is none. */
  request(headers: OutgoingHttpHeaders): ClientHttp2Stream {
    const session = this.#session;
    if (session === undefined || !this.isOpen) throw new Error('the connection is not open');
    const stream = session.request(headers, { endStream: false });
    this.#streams += 1;
    if (this.#streams === 1) this.#startPinging(session);
    stream.once('close', () => {
      this.#streams -= 1;
      if (this.#streams === 0) this.#stopPinging();
    });
    return stream;
  }

  /** Ends everything at once. Resolves when the sockets are gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopPinging();
    await Promise.all(
      [...this.#sessions].map(
        (session) =>
          new Promise<void>((resolve) => {
            session.once('close', resolve);
            session.destroy();
          }),
      ),
    );
  }

  #connect(): Promise<ClientHttp2Session> {
    return new Promise((resolve, reject) => {
      const session = connect(this.origin, {
        settings: { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES },
        maxSessionMemory: SESSION_MEMORY_MEGABYTES,
        ...(this.origin.startsWith('https:') ? { ...this.#tls, ALPNProtocols: ['h2'] } : {}),
      });
      this.#sessions.add(session);
      let problem = new Error(`no HTTP/2 at ${this.origin}`);
      const timer = setTimeout(() => {
        problem = new Error(`${this.origin} did not answer within ${this.#settings.connectTimeoutMs} ms`);
        session.destroy();
      }, this.#settings.connectTimeoutMs);
      session.on('error', (error: Error) => {
        problem = error;
      });
      session.once('close', () => {
        clearTimeout(timer);
        this.#sessions.delete(session);
        if (this.#session === session) {
          this.#session = undefined;
          this.#stopPinging();
        }
        reject(problem);
      });
      session.once('connect', () => {
        session.setLocalWindowSize(SESSION_WINDOW_BYTES);
      });
      session.once('remoteSettings', () => {
        clearTimeout(timer);
        if (this.#isClosed) {
          session.destroy();
          return;
        }
        this.#session = session;
        resolve(session);
      });
    });
  }

  #startPinging(session: ClientHttp2Session): void {
    this.#pinging = setInterval(() => this.#ping(session), this.#settings.keepAliveMs);
    this.#pinging.unref();
  }

  #ping(session: ClientHttp2Session): void {
    if (this.#awaitingPong !== undefined || session.destroyed) return;
    const timer = setTimeout(() => session.destroy(), this.#settings.keepAliveTimeoutMs);
    this.#awaitingPong = timer;
    session.ping(() => {
      clearTimeout(timer);
      if (this.#awaitingPong === timer) this.#awaitingPong = undefined;
    });
  }

  #stopPinging(): void {
    clearInterval(this.#pinging);
    clearTimeout(this.#awaitingPong);
    this.#pinging = undefined;
    this.#awaitingPong = undefined;
  }
}
