/** An HTTP/2 client that sends whatever bytes a test wants, and keeps every frame that comes back. */
import { connect, type Socket } from 'node:net';
import { HpackDecoder } from '../../src/hpack/decoder.js';
import { literalFields } from '../../src/hpack/encoder.js';
import { FrameReader } from '../../src/http2/frame-reader.js';
import {
  CLIENT_PREFACE,
  ErrorCode,
  Flag,
  FrameType,
  readU32,
  writeFrameHeader,
  writeU32,
} from '../../src/http2/protocol.js';
import { until } from './until.js';

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

export function frame(type: number, flags: number, streamId: number, payload: Uint8Array = new Uint8Array()): Buffer {
  const bytes = Buffer.alloc(9 + payload.length);
  writeFrameHeader(bytes, 0, payload.length, type, flags, streamId);
  bytes.set(payload, 9);
  return bytes;
}

export function u32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) writeU32(bytes, 4 * index, value);
  return bytes;
}

export const windowUpdate = (streamId: number, bytes: number): Buffer =>
  frame(FrameType.windowUpdate, 0, streamId, u32(bytes));
export const resetStream = (streamId: number, code: number): Buffer =>
  frame(FrameType.resetStream, 0, streamId, u32(code));
export const ping = (payload: Uint8Array = Buffer.from('01234567')): Buffer => frame(FrameType.ping, 0, 0, payload);

export function settings(...entries: readonly (readonly [id: number, value: number])[]): Buffer {
  return frame(
    FrameType.settings,
    0,
    0,
    Buffer.concat(entries.map(([id, value]) => Buffer.concat([Buffer.of(0, id), u32(value)]))),
  );
}

export type Fields = readonly (readonly [string, string])[];

export function requestFields(method = 'Unary', ...more: Fields): Fields {
  return [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', `/test.Echo/${method}`],
    [':authority', 'test'],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
    ...more,
  ];
}

export function headers(streamId: number, fields: Fields = requestFields(), flags: number = Flag.endHeaders): Buffer {
  return frame(FrameType.headers, flags, streamId, literalFields(fields));
}

export function message(text: string | Uint8Array, flag = 0): Buffer {
  const bytes = Buffer.from(text as string);
  return Buffer.concat([Buffer.of(flag), u32(bytes.length), bytes]);
}

export function data(streamId: number, payload: Uint8Array, flags: number = Flag.endStream): Buffer {
  return frame(FrameType.data, flags, streamId, payload);
}

/** A whole unary call. */
export function unaryCall(streamId: number, text = 'hi', method = 'Unary'): Buffer {
  return Buffer.concat([headers(streamId, requestFields(method)), data(streamId, message(text))]);
}

export class RawClient {
  readonly frames: Frame[] = [];
  readonly socket: Socket;
  bytesRead = 0;
  isClosed = false;
  private readonly decoder = new HpackDecoder(1_000_000);
  private readonly blocks = new Map<Frame, Record<string, string>>();

  private constructor(socket: Socket) {
    this.socket = socket;
    const reader = new FrameReader({ frame: (...parts) => this.received(...parts) }, 16_384);
    socket.on('data', (chunk: Buffer) => {
      this.bytesRead += chunk.length;
      reader.push(chunk);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  /** Connects and sends nothing. */
  static async bare(port: number): Promise<RawClient> {
    const socket = connect(port, '127.0.0.1');
    const client = new RawClient(socket);
    await new Promise((resolve) => socket.once('connect', resolve));
    return client;
  }

  /** Connects and sends the preface and these settings. */
  static async connect(
    port: number,
    ...entries: readonly (readonly [id: number, value: number])[]
  ): Promise<RawClient> {
    const client = await RawClient.bare(port);
    client.send(CLIENT_PREFACE, settings(...entries));
    return client;
  }

  send(...bytes: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(bytes));
  }

  close(): void {
    this.socket.destroy();
  }

  find(type: number, streamId?: number): Frame | undefined {
    return this.frames.find((one) => one.type === type && (streamId === undefined || one.streamId === streamId));
  }

  async next(type: number, streamId?: number): Promise<Frame> {
    await until(() => this.find(type, streamId) !== undefined || this.isClosed);
    const found = this.find(type, streamId);
    if (found === undefined) throw new Error(`closed without a frame of type ${type}; got ${this.summary()}`);
    return found;
  }

  async closed(): Promise<void> {
    await until(() => this.isClosed);
  }

  /** The error code of GOAWAY or RST_STREAM by its name in the RFC's spirit: `protocolError`, ... */
  async error(type: number, streamId?: number): Promise<string> {
    const { payload } = await this.next(type, streamId);
    return errorName(readU32(payload, type === FrameType.goAway ? 4 : 0));
  }

  /** Everything that came on a stream, as `200 "hi" 0`: heads and trailers by status, data as text. */
  async outcome(streamId: number): Promise<string> {
    const isEnd = (one: Frame): boolean =>
      one.streamId === streamId &&
      (one.type === FrameType.resetStream || (one.type <= FrameType.headers && (one.flags & Flag.endStream) !== 0));
    await until(() => this.frames.some((one) => isEnd(one)) || this.isClosed);
    return this.frames.flatMap((one) => this.describe(one, streamId)).join(' ');
  }

  /** The fields of a header block that has come. */
  fields(one: Frame): Readonly<Record<string, string>> {
    return this.blocks.get(one) ?? {};
  }

  summary(): string {
    return this.frames.map((one) => `${one.type}/${one.flags}@${one.streamId}(${one.payload.length})`).join(' ');
  }

  private describe(one: Frame, streamId: number): string[] {
    if (one.streamId !== streamId) return [];
    if (one.type === FrameType.resetStream) return [`reset:${errorName(readU32(one.payload, 0))}`];
    if (one.type === FrameType.data) return [`"${one.payload.subarray(5).toString('utf8')}"`];
    if (one.type !== FrameType.headers) return [];
    const fields = this.fields(one);
    return [fields[':status'], fields['grpc-status'], fields['grpc-message']].filter((value) => value !== undefined);
  }

  private received(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    const one: Frame = { type, flags, streamId, payload: Buffer.from(bytes.subarray(start, end)) };
    if (type === FrameType.headers) {
      const flat = this.decoder.decode(one.payload, 0, one.payload.length);
      const fields: Record<string, string> = {};
      for (let at = 0; at < flat.length; at += 2) fields[flat[at] as string] = flat[at + 1] as string;
      this.blocks.set(one, fields);
    }
    this.frames.push(one);
  }
}

function errorName(code: number): string {
  return Object.entries(ErrorCode).find(([, value]) => value === code)?.[0] ?? `code ${code}`;
}
