/**
 * How two members begin a connection. The dialling side says hello, the accepting side answers; both are
 *
 *   4 bytes magic | u32 length | u32 CRC-32 of the body | body of at most HANDSHAKE_BYTES_MAX bytes
 *
 * and the body begins with the protocol version. This much never changes, so that any two versions can tell that they are two.
 * Whatever else knocks at the port (a browser, a port scanner, a member of the cluster next door) fails at the magic or is
 * refused before it has cost more than a few hundred bytes.
 *
 * Who is not a member yet, and has to know whether there is a cluster before it becomes one, asks a question instead of a hello
 * (tcp-query.ts). It has the same envelope, and so has its answer, which may be longer.
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
const QUERY_MAGIC: readonly number[] = [0x51, 0x52, 0x54, 0x33]; // "QRT3"
const VIEW_MAGIC: readonly number[] = [0x51, 0x52, 0x54, 0x34]; // "QRT4"
const ENVELOPE_BYTES = 12;
/** The longest body of an answer to a query: some hundred members. */
export const VIEW_BYTES_MAX: number = 64 * 1024;
/** Position in the answer's body; 0 means accepted. */
const REFUSALS: readonly (RefusalReason | undefined)[] = [
  undefined,
  'version',
  'other-cluster',
  'other-member',
  'removed',
];

export type HandshakeSide = 'hello' | 'answer' | 'query' | 'view';

const SIDES: Readonly<Record<HandshakeSide, { readonly magic: readonly number[]; readonly bytesMax: number }>> = {
  hello: { magic: HELLO_MAGIC, bytesMax: HANDSHAKE_BYTES_MAX },
  answer: { magic: ANSWER_MAGIC, bytesMax: HANDSHAKE_BYTES_MAX },
  query: { magic: QUERY_MAGIC, bytesMax: HANDSHAKE_BYTES_MAX },
  view: { magic: VIEW_MAGIC, bytesMax: VIEW_BYTES_MAX },
};

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

/** A query of this version. `about`: the id that the asking one would have as a member; 0 if it does not know. */
export function encodeQuery(platform: Platform, about: number): Uint8Array {
  const writer = new ByteWriter(platform);
  writer.varint(PROTOCOL_VERSION);
  writer.varint(about);
  return envelope(platform, QUERY_MAGIC, writer.take());
}

/** The id that is asked about; undefined for a query of another version. Throws a WireError. */
export function decodeQuery(body: Uint8Array): number | undefined {
  const reader = new ByteReader(body);
  if (reader.varint() !== PROTOCOL_VERSION) return undefined;
  const about = reader.varint();
  reader.end();
  return about;
}

/** The answer to a query. One of more than VIEW_BYTES_MAX is not given: a RangeError. */
export function encodeView(platform: Platform, json: Uint8Array): Uint8Array {
  const writer = new ByteWriter(platform);
  writer.varint(PROTOCOL_VERSION);
  writer.bytes(json);
  return envelope(platform, VIEW_MAGIC, writer.take(), VIEW_BYTES_MAX);
}

/** Undefined: of another version. Throws a WireError. */
export function decodeView(body: Uint8Array): Uint8Array | undefined {
  const reader = new ByteReader(body);
  return reader.varint() === PROTOCOL_VERSION ? reader.rest() : undefined;
}

/** Gathers the first bytes of a connection until one side's part of the handshake is complete. */
export class HandshakeReader {
  readonly #platform: Platform;
  /** Which it may be: one of them after the magic. */
  #sides: readonly HandshakeSide[];
  #gathered: Uint8Array = new Uint8Array(0);

  constructor(platform: Platform, ...sides: readonly HandshakeSide[]) {
    this.#platform = platform;
    this.#sides = sides;
  }

  /** The body and what follows it in `chunk`, or undefined if more is needed. Throws a WireError at the first wrong byte. */
  push(
    chunk: Uint8Array,
  ): { readonly side: HandshakeSide; readonly body: Uint8Array; readonly rest: Uint8Array } | undefined {
    const before = this.#gathered.length;
    const bytesMax = Math.max(...this.#sides.map((side) => SIDES[side].bytesMax));
    // Never more than the longest handshake: what comes after it stays where it is.
    const wanted = chunk.subarray(0, ENVELOPE_BYTES + bytesMax - before);
    const bytes = new Uint8Array(before + wanted.length);
    bytes.set(this.#gathered);
    bytes.set(wanted, before);
    this.#gathered = bytes;
    this.#sides = this.#sides.filter((side) =>
      SIDES[side].magic.every((byte, position) => position >= bytes.length || bytes[position] === byte),
    );
    const [side] = this.#sides;
    if (side === undefined) throw new WireError('not a member: wrong magic');
    if (bytes.length < ENVELOPE_BYTES) return undefined;
    const length = readU32(bytes, 4);
    if (length > SIDES[side].bytesMax) throw new WireError(`a handshake of ${length} bytes`);
    const end = ENVELOPE_BYTES + length;
    if (bytes.length < end) return undefined;
    const body = bytes.subarray(ENVELOPE_BYTES, end);
    if (this.#platform.crc32(body, 0) !== readU32(bytes, 8)) throw new WireError('handshake with a wrong checksum');
    return { side, body, rest: chunk.subarray(end - before) };
  }
}

function envelope(
  platform: Platform,
  magic: readonly number[],
  body: Uint8Array,
  bytesMax = HANDSHAKE_BYTES_MAX,
): Uint8Array {
  if (body.length > bytesMax) throw new RangeError(`a handshake of ${body.length} bytes`);
  const writer = new ByteWriter(platform);
  for (const byte of magic) writer.u8(byte);
  writer.u32(body.length);
  writer.u32(platform.crc32(body, 0));
  writer.bytes(body);
  return writer.take();
}
