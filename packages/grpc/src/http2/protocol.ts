/** The vocabulary of HTTP/2 (RFC 9113): frame types, flags, settings, error codes, and the numbers that the RFC fixes. */

export const FRAME_HEADER_BYTES = 9;
export const WINDOW_BYTES_MAX = 0x7fffffff;
export const STREAM_ID_MAX = 0x7fffffff;
/** RFC 9113 6.9.2: both windows begin with this size. */
export const INITIAL_WINDOW_BYTES = 65_535;
/** RFC 9113 4.2: what every endpoint accepts, and what we accept. */
export const FRAME_BYTES_DEFAULT = 16_384;
export const FRAME_BYTES_LARGEST = 16_777_215;
/** RFC 9113 3.4: what a client sends first. */
export const CLIENT_PREFACE: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

export const FrameType = {
  data: 0,
  headers: 1,
  priority: 2,
  resetStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const Flag = { none: 0, ack: 0x1, endStream: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

export const Setting = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const;

/** RFC 9113 7. */
export const ErrorCode = {
  noError: 0,
  protocolError: 1,
  internalError: 2,
  flowControlError: 3,
  settingsTimeout: 4,
  streamClosed: 5,
  frameSizeError: 6,
  refusedStream: 7,
  cancel: 8,
  compressionError: 9,
  connectError: 10,
  enhanceYourCalm: 11,
} as const;

/** A connection error (RFC 9113 5.4.1): thrown where it is found, caught by the connection, which answers GOAWAY and ends. */
export class ConnectionError extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.name = 'ConnectionError';
    this.code = code;
  }
}

export function readU16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

export function readU24(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
}

export function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) * 0x1000000 + readU24(bytes, at + 1);
}

/** A stream id or a window increment: 31 bits, the first bit is reserved and ignored. */
export function readU31(bytes: Uint8Array, at: number): number {
  return (((bytes[at] as number) & 0x7f) << 24) | readU24(bytes, at + 1);
}

export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Writes the nine bytes before a frame's payload; returns where the payload begins. */
export function writeFrameHeader(
  bytes: Uint8Array,
  at: number,
  payloadBytes: number,
  type: number,
  flags: number,
  streamId: number,
): number {
  bytes[at] = payloadBytes >>> 16;
  bytes[at + 1] = payloadBytes >>> 8;
  bytes[at + 2] = payloadBytes;
  bytes[at + 3] = type;
  bytes[at + 4] = flags;
  writeU32(bytes, at + 5, streamId);
  return at + FRAME_HEADER_BYTES;
}
