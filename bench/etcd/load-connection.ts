/**
 * One HTTP/2 connection of the load tool. It costs as little as it can, since it shares the cores with what it measures: header blocks
 * are made once for each method, answers are told from refusals by whether a message came, and nothing else is looked at.
 *
 * Only what the two systems send is understood; anything else ends the program.
 */
import { connect, type Socket } from 'node:net';

const FRAME_HEADER_BYTES = 9;
const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const PING = 6;
const NO_ERROR = 0;
const GOAWAY = 7;
const WINDOW_UPDATE = 8;
const END_STREAM = 0x1;
const ACK = 0x1;
const END_HEADERS = 0x4;
const PADDED = 0x8;
const SETTINGS_INITIAL_WINDOW_SIZE = 4;
const WINDOW_BYTES_MAX = 2 ** 31 - 1;
const WINDOW_BYTES_DEFAULT = 65_535;
/** Received bytes after which the connection's window is filled up again. */
const WINDOW_REFILL_BYTES = 2 ** 26;

/** A method as the header block of its calls. */
export type HeaderBlock = Buffer;

/** HPACK literals without indexing (RFC 7541 6.2.2): the same bytes for each call, on every connection. */
export function headerBlock(origin: string, rpc: string): HeaderBlock {
  return Buffer.concat([
    Buffer.from([0x83, 0x86, 0x04]),
    text(rpc),
    Buffer.from([0x01]),
    text(new URL(origin).host),
    Buffer.from([0x0f, 0x10]),
    text('application/grpc'),
    Buffer.from([0x00]),
    text('te'),
    text('trailers'),
  ]);
}

function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([value.length]), Buffer.from(value, 'latin1')]);
}

interface Stream {
  /** Called for the bytes of DATA frames. */
  readonly data: ((bytes: Buffer) => void) | undefined;
  readonly end: ((answered: boolean) => void) | undefined;
  answered: boolean;
}

export class LoadConnection {
  readonly #socket: Socket;
  readonly #streams = new Map<number, Stream>();
  #nextStream = 1;
  #received: Buffer = Buffer.alloc(0);
  #out: Buffer[] = [];
  #flushing = false;
  #sendWindow = WINDOW_BYTES_DEFAULT;
  #blocked: { frame: Buffer; bytes: number }[] = [];
  #unacknowledged = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('close', () => {
      for (const stream of this.#streams.values()) stream.end?.(false);
      this.#streams.clear();
    });
    socket.on('error', () => {});
    const settings = Buffer.alloc(6);
    settings.writeUInt16BE(SETTINGS_INITIAL_WINDOW_SIZE, 0);
    settings.writeUInt32BE(WINDOW_BYTES_MAX, 2);
    this.#send(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1'));
    this.#send(frame(SETTINGS, 0, 0, settings));
    this.#grow(WINDOW_BYTES_MAX - WINDOW_BYTES_DEFAULT);
  }

  static async open(origin: string): Promise<LoadConnection> {
    const { hostname: host, port } = new URL(origin);
    const socket = connect({ host, port: Number(port), noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new LoadConnection(socket);
  }

  /** One unary call. `framedMessage` has its gRPC prefix. */
  call(block: HeaderBlock, framedMessage: Uint8Array, end: (answered: boolean) => void): void {
    const id = this.#begin(block, { data: undefined, end, answered: false });
    this.#sendData(id, framedMessage, END_STREAM);
  }

  /** The same for a call whose answer is wanted: all bytes of its DATA frames, or undefined. */
  callForReply(block: HeaderBlock, framedMessage: Uint8Array, done: (bytes: Buffer | undefined) => void): void {
    const chunks: Buffer[] = [];
    const data = (bytes: Buffer): void => {
      chunks.push(Buffer.from(bytes));
    };
    const end = (answered: boolean): void => done(answered ? Buffer.concat(chunks) : undefined);
    const id = this.#begin(block, { data, end, answered: false });
    this.#sendData(id, framedMessage, END_STREAM);
  }

  /** A stream that stays open: returns how to send on it. */
  stream(block: HeaderBlock, data: (bytes: Buffer) => void): (framedMessage: Uint8Array) => void {
    const id = this.#begin(block, { data, end: undefined, answered: false });
    return (framedMessage) => this.#sendData(id, framedMessage, 0);
  }

  close(): void {
    this.#socket.destroy();
  }

  #begin(block: HeaderBlock, stream: Stream): number {
    const id = this.#nextStream;
    this.#nextStream += 2;
    this.#streams.set(id, stream);
    this.#send(frame(HEADERS, END_HEADERS, id, block));
    return id;
  }

  /** The systems grant each stream more than one of these messages needs, but the connection's window has to be kept. */
  #sendData(id: number, message: Uint8Array, flags: number): void {
    const data = frame(DATA, flags, id, message);
    if (this.#blocked.length > 0 || this.#sendWindow < message.length) {
      this.#blocked.push({ frame: data, bytes: message.length });
      return;
    }
    this.#sendWindow -= message.length;
    this.#send(data);
  }

  #unblock(): void {
    for (
      let first = this.#blocked[0];
      first !== undefined && first.bytes <= this.#sendWindow;
      first = this.#blocked[0]
    ) {
      this.#blocked.shift();
      this.#sendWindow -= first.bytes;
      this.#send(first.frame);
    }
  }

  #send(bytes: Buffer): void {
    this.#out.push(bytes);
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      const { length } = this.#out;
      this.#socket.write(length === 1 ? (this.#out[0] as Buffer) : Buffer.concat(this.#out));
      this.#out = [];
    });
  }

  #grow(bytes: number): void {
    const increment = Buffer.alloc(4);
    increment.writeUInt32BE(bytes, 0);
    this.#send(frame(WINDOW_UPDATE, 0, 0, increment));
  }

  #take(chunk: Buffer): void {
    const bytes = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    let offset = 0;
    while (bytes.length - offset >= FRAME_HEADER_BYTES) {
      const length = bytes.readUIntBE(offset, 3);
      const end = offset + FRAME_HEADER_BYTES + length;
      if (end > bytes.length) break;
      const payload = bytes.subarray(offset + FRAME_HEADER_BYTES, end);
      this.#frame(bytes[offset + 3] as number, bytes[offset + 4] as number, bytes.readUInt32BE(offset + 5), payload);
      offset = end;
    }
    this.#received = bytes.subarray(offset);
  }

  #frame(type: number, flags: number, id: number, payload: Buffer): void {
    switch (type) {
      case DATA:
        this.#data(flags, id, payload);
        break;
      case HEADERS:
        if ((flags & END_STREAM) !== 0) this.#end(id);
        break;
      case RST_STREAM:
        this.#end(id);
        break;
      case SETTINGS:
        if ((flags & ACK) === 0) this.#send(frame(SETTINGS, ACK, 0, Buffer.alloc(0)));
        break;
      case PING:
        if ((flags & ACK) === 0) this.#send(frame(PING, ACK, 0, Buffer.from(payload)));
        break;
      case WINDOW_UPDATE:
        if (id !== 0) break;
        this.#sendWindow += payload.readUInt32BE(0);
        this.#unblock();
        break;
      case GOAWAY:
        // A server that stops says so, and closes the connection when the calls under way have ended.
        if (payload.readUInt32BE(4) === NO_ERROR) break;
        throw new Error(`the server sent GOAWAY: ${payload.subarray(8).toString('latin1')}`);
      default:
        break;
    }
  }

  #data(flags: number, id: number, payload: Buffer): void {
    if ((flags & PADDED) !== 0) throw new Error('padded DATA');
    this.#unacknowledged += payload.length;
    if (this.#unacknowledged > WINDOW_REFILL_BYTES) {
      this.#grow(this.#unacknowledged);
      this.#unacknowledged = 0;
    }
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    if (payload.length > 0) stream.answered = true;
    stream.data?.(payload);
    if ((flags & END_STREAM) !== 0) this.#end(id);
  }

  #end(id: number): void {
    const stream = this.#streams.get(id);
    this.#streams.delete(id);
    stream?.end?.(stream.answered);
  }
}

function frame(type: number, flags: number, id: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(id, 5);
  bytes.set(payload, FRAME_HEADER_BYTES);
  return bytes;
}
