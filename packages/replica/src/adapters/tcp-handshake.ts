/**
 * How two members begin a connection. The dialling side says hello, the accepting side answers; both are
 *
 *   4 bytes magic | u32 length | u32 CRC-32 of the body | body of at most HANDSHAKE_BYTES_MAX bytes
 *
 * and the body begins with the protocol version. This much never changes, so that any two versions can tell that they are two.
 * Whatever else knocks at the port (a browser, a port scanner, a member of the cluster next door) fails at the magic or is
 * refused before it has cost more than a few hundred bytes.
 */
import type { Channel } from '../seams/network.js';
import { CHANNELS } from '../seams/network.js';
import type { Platform } from '../seams/platform.js';
import { WireError } from '../wire/error.js';
import { PROTOCOL_VERSION } from '../wire/messages.js';
import { ByteReader } from '../wire/reader.js';
import { ByteWriter } from '../wire/writer.js';
import { readU32 } from './tcp-framing.js';

/** Who dials, whom, and what for. */
export interface Hello {
  readonly version: number;
  readonly clusterId: number;
  readonly from: number;
  readonly to: number;
  readonly channel: Channel;
  /** host:port where the dialling member takes connections. */
  readonly address: string;
}

/** `other-member`: the address belongs to a member of another id. The other reasons are NetworkInput.refused's. */
export type RefusalReason = 'version' | 'other-cluster' | 'other-member' | 'removed';

export interface Answer {
  readonly version: number;
  /** The answering member's id. */
  readonly from: number;
  readonly refusal: RefusalReason | undefined;
}

/** A DNS name of 253 chars, a colon and a port; room to spare. */
export const ADDRESS_CHARS_MAX = 280;
/** The longest body of either side, in this version and in all later ones. */
export const HANDSHAKE_BYTES_MAX = 512;

const HELLO_MAGIC: readonly number[] = [0x51, 0x52, 0x54, 0x31]; // "QRT1"
const ANSWER_MAGIC: readonly number[] = [0x51, 0x52, 0x54, 0x32]; // "QRT2"
const ENVELOPE_BYTES = 12;
/** Position in the answer's body; 0 means accepted. */
const REFUSALS: readonly (RefusalReason | undefined)[] = [
  undefined,
  'version',
  'other-cluster',
  'other-member',
  'removed',
];

export type HandshakeSide = 'hello' | 'answer';

/** A hello of this version. Throws a RangeError if a field is longer than allowed. */
export function encodeHello(platform: Platform, hello: Omit<Hello, 'version'>): Uint8Array {
  const writer = new ByteWriter(platform);
  writer.varint(PROTOCOL_VERSION);
  writer.varint(hello.clusterId);
  writer.varint(hello.from);
  writer.varint(hello.to);
  writer.u8(CHANNELS.indexOf(hello.channel));
  writer.shortString(hello.address, ADDRESS_CHARS_MAX);
  return envelope(platform, HELLO_MAGIC, writer.take());
}

/** The fields of a hello; of another version's only its version. Throws a WireError. */
export function decodeHello(platform: Platform, body: Uint8Array): Hello | { readonly version: number } {
  const reader = new ByteReader(body);
  const version = reader.varint();
  if (version !== PROTOCOL_VERSION) return { version };
  const clusterId = reader.varint();
  const from = reader.varint();
  const to = reader.varint();
  if (from === 0) throw new WireError('member 0 says hello');
  const channel = CHANNELS[reader.u8()];
  if (channel === undefined) throw new WireError('no such channel');
  const address = reader.shortString(platform, ADDRESS_CHARS_MAX, 'address');
  reader.end();
  return { version, clusterId, from, to, channel, address };
}

export function encodeAnswer(platform: Platform, answer: Omit<Answer, 'version'>): Uint8Array {
  const writer = new ByteWriter(platform);
  writer.varint(PROTOCOL_VERSION);
  writer.varint(answer.from);
  writer.u8(REFUSALS.indexOf(answer.refusal));
  return envelope(platform, ANSWER_MAGIC, writer.take());
}

/** An answer of another version means that it refuses this one, whatever else it says. Throws a WireError. */
export function decodeAnswer(body: Uint8Array): Answer {
  const reader = new ByteReader(body);
  const version = reader.varint();
  if (version !== PROTOCOL_VERSION) return { version, from: 0, refusal: 'version' };
  const from = reader.varint();
  const code = reader.u8();
  if (code >= REFUSALS.length) throw new WireError(`no refusal has the code ${code}`);
  reader.end();
  return { version, from, refusal: REFUSALS[code] };
}

/** Gathers the first bytes of a connection until one side's part of the handshake is complete. */
export class HandshakeReader {
  readonly #platform: Platform;
  readonly #magic: readonly number[];
  #gathered: Uint8Array = new Uint8Array(0);

  constructor(platform: Platform, side: HandshakeSide) {
    this.#platform = platform;
    this.#magic = side === 'hello' ? HELLO_MAGIC : ANSWER_MAGIC;
  }

  /** The body and what follows it in `chunk`, or undefined if more is needed. Throws a WireError at the first wrong byte. */
  push(chunk: Uint8Array): { readonly body: Uint8Array; readonly rest: Uint8Array } | undefined {
    const before = this.#gathered.length;
    // Never more than the longest handshake: what comes after it stays where it is.
    const wanted = chunk.subarray(0, ENVELOPE_BYTES + HANDSHAKE_BYTES_MAX - before);
    const bytes = new Uint8Array(before + wanted.length);
    bytes.set(this.#gathered);
    bytes.set(wanted, before);
    this.#gathered = bytes;
    for (const [position, byte] of this.#magic.entries()) {
      if (position < bytes.length && bytes[position] !== byte) throw new WireError('not a member: wrong magic');
    }
    if (bytes.length < ENVELOPE_BYTES) return undefined;
    const length = readU32(bytes, 4);
    if (length > HANDSHAKE_BYTES_MAX) throw new WireError(`a handshake of ${length} bytes`);
    const end = ENVELOPE_BYTES + length;
    if (bytes.length < end) return undefined;
    const body = bytes.subarray(ENVELOPE_BYTES, end);
    if (this.#platform.crc32(body, 0) !== readU32(bytes, 8)) throw new WireError('handshake with a wrong checksum');
    return { body, rest: chunk.subarray(end - before) };
  }
}

function envelope(platform: Platform, magic: readonly number[], body: Uint8Array): Uint8Array {
  if (body.length > HANDSHAKE_BYTES_MAX) throw new RangeError(`a handshake of ${body.length} bytes`);
  const writer = new ByteWriter(platform);
  for (const byte of magic) writer.u8(byte);
  writer.u32(body.length);
  writer.u32(platform.crc32(body, 0));
  writer.bytes(body);
  return writer.take();
}
