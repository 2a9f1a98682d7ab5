/**
 * A client that costs as little as it can: one keep-alive connection, one call at a time, the answer cut out of the bytes. It shares two
 * cores with the members that it measures, so what it uses itself would be counted as theirs.
 */
import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  readonly body: string;
}

const HEAD_END = '\r\n\r\n';
const RECEIVED_BYTES = 64 * 1024;

export class RawClient {
  readonly #socket: Socket;
  readonly #host: string;
  #received = '';
  #waiting: { resolve(answer: RawAnswer): void; reject(error: Error): void } | undefined;

  private constructor(host: string, port: number, address: string) {
    this.#host = address;
    // What arrives is read into one buffer, without an event or an object for it.
    const onread = {
      buffer: Buffer.alloc(RECEIVED_BYTES),
      callback: (count: number, buffer: Uint8Array): boolean => {
        this.#take((buffer as Buffer).toString('latin1', 0, count));
        return true;
      },
    };
    this.#socket = connect({ host, port, noDelay: true, onread });
    this.#socket.on('error', (error) => this.#waiting?.reject(error));
    this.#socket.on('close', () => this.#waiting?.reject(new Error('the connection was closed')));
  }

  /** `address` is host:port. */
  static async open(address: string): Promise<RawClient> {
    const colon = address.lastIndexOf(':');
    const client = new RawClient(address.slice(0, colon), Number(address.slice(colon + 1)), address);
    await new Promise<void>((resolve, reject) => {
      client.#socket.once('connect', resolve);
      client.#socket.once('error', reject);
    });
    return client;
  }

  /** `body` has no chars outside of ASCII. */
  call(method: string, path: string, body = ''): Promise<RawAnswer> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(
        `${method} ${path} HTTP/1.1\r\nhost: ${this.#host}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
        'latin1',
      );
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(text: string): void {
    this.#received += text;
    const headEnd = this.#received.indexOf(HEAD_END);
    if (headEnd < 0) return;
    const head = this.#received.slice(0, headEnd);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    const end = headEnd + HEAD_END.length + length;
    if (this.#received.length < end) return;
    const body = this.#received.slice(headEnd + HEAD_END.length, end);
    this.#received = this.#received.slice(end);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve({ status: Number(head.slice(9, 12)), body });
  }
}
