/** A raw HTTP/1.1 connection, for what a well-behaved client would never send. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export class RawConnection {
  readonly socket: Socket;
  /** All that came so far. */
  received = '';
  readonly ended: Promise<unknown>;
  #waiting: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString('latin1');
      this.#waiting?.();
    });
    socket.on('error', () => {});
    this.ended = once(socket, 'close').then(() => this.#waiting?.());
  }

  static async open(address: string): Promise<RawConnection> {
    const socket = connect(Number(address.split(':').at(-1)), 'localhost');
    await once(socket, 'connect');
    return new RawConnection(socket);
  }

  write(text: string): void {
    this.socket.write(text);
  }

  /** Resolves when the text so far matches, or rejects when the connection has closed without it. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.received)) {
      if (this.socket.destroyed) throw new Error(`closed after: ${this.received}`);
      await new Promise<void>((resolve) => (this.#waiting = resolve));
    }
    return this.received;
  }
}

export async function waitFor(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
