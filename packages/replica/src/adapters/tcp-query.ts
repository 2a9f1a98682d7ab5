/**
 * The question that comes before membership: who is there? Asked by those whose folder is empty, answered by members, and by those
 * who are about to become members, before anybody has said who he is. It tells what `GET /cluster/members` tells as well.
 */
import type { Socket } from 'node:net';
import type { Platform } from '../seams/platform.js';
import { decodeQuery, decodeView, encodeQuery, encodeView, HandshakeReader } from './tcp-handshake.js';
import { TCP_LIMITS } from './tcp-limits.js';
import { dialSocket, type HostPort, listenOn, socketServer } from './tcp-sockets.js';

/** Asks the member at `address`: the answer's bytes. Rejects if nobody answers in time, or not in these terms. */
export function askPeer(
  platform: Platform,
  address: string,
  about: number,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const socket = dialSocket(address);
    const reader = new HandshakeReader(platform, 'view');
    const end = (error: Error | undefined, view?: Uint8Array): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.destroy();
      if (view === undefined) reject(error ?? new Error('closed without an answer'));
      else resolve(view);
    };
    const timer = setTimeout(() => end(new Error('no answer in time')), timeoutMs);
    const onAbort = (): void => end(new Error('stopped'));
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.on('error', (error) => end(error));
    socket.on('close', () => end(undefined));
    socket.on('data', (chunk: Uint8Array) => {
      try {
        const complete = reader.push(chunk);
        if (complete === undefined) return;
        const json = decodeView(complete.body);
        if (json === undefined) end(new Error('it speaks another version of the protocol'));
        else end(undefined, json);
      } catch (error) {
        end(error as Error);
      }
    });
    socket.write(encodeQuery(platform, about));
  });
}

/** Answers queries, and nothing else, while this member is not one yet. */
export class QueryListener {
  readonly #platform: Platform;
  readonly #view: () => Uint8Array;
  readonly #servers: ReturnType<typeof socketServer>[] = [];
  readonly #sockets = new Set<Socket>();

  constructor(platform: Platform, view: () => Uint8Array) {
    this.#platform = platform;
    this.#view = view;
  }

  /** Rejects with an Error that names the address. */
  async listen(at: HostPort): Promise<void> {
    const server = socketServer((socket) => this.#accept(socket), TCP_LIMITS.connectionsMax);
    this.#servers.push(server);
    await listenOn(server, at);
  }

  /** Resolves when the ports are free again. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroySoon();
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, TCP_LIMITS.closeGraceMs);
    await Promise.all(
      this.#servers
        .filter((server) => server.listening)
        .map((server) => new Promise<void>((resolve) => void server.close(() => resolve()))),
    );
    clearTimeout(timer);
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    const timer = setTimeout(() => socket.destroy(), TCP_LIMITS.handshakeTimeoutMs);
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      this.#sockets.delete(socket);
    });
    const reader = new HandshakeReader(this.#platform, 'query');
    socket.on('data', (chunk: Uint8Array) => {
      try {
        // A member that says hello is told nothing yet: it dials again.
        const complete = reader.push(chunk);
        if (complete === undefined) return;
        const isOurs = decodeQuery(complete.body) !== undefined;
        socket.end(encodeView(this.#platform, isOurs ? this.#view() : new Uint8Array(0)));
      } catch {
        socket.destroy();
      }
    });
  }
}
