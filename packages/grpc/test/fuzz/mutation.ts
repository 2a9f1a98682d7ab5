/** Mutations of recorded traffic: of single bytes, of frames' fields, and of the order of frames. All choices come from a seed. */
import { CLIENT_PREFACE, FRAME_HEADER_BYTES, readU24, writeU32 } from '../../src/http2/protocol.js';

/** mulberry32: small, fast, the same everywhere. */
export class Dice {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** An integer from 0 to `below` - 1. */
  roll(below: number): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000) * below);
  }

  pick<T>(values: readonly T[]): T {
    return values[this.roll(values.length)] as T;
  }
}

/** The frames of a recording, without the preface. */
export function framesOf(recording: Buffer): readonly Buffer[] {
  const frames: Buffer[] = [];
  let at = CLIENT_PREFACE.length;
  while (recording.length - at >= FRAME_HEADER_BYTES) {
    const end = Math.min(recording.length, at + FRAME_HEADER_BYTES + readU24(recording, at));
    frames.push(recording.subarray(at, end));
    at = end;
  }
  return frames;
}

const INTERESTING = [
  0, 1, 2, 4, 5, 0x7f, 0x80, 0xff, 0x3fff, 0x4000, 0x4001, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
];

/** A stream of frames that begins well and goes wrong in a few places. */
export function mutate(recordings: readonly (readonly Buffer[])[], dice: Dice): Buffer[] {
  const main = dice.pick(recordings);
  const frames = main.map((frame) => Buffer.from(frame));
  const mistakes = dice.roll(5);
  for (let count = 0; count < mistakes; count++) mistake(frames, dice.pick(recordings), dice);
  return frames;
}

function mistake(frames: Buffer[], other: readonly Buffer[], dice: Dice): void {
  const at = dice.roll(frames.length);
  const frame = frames[at] as Buffer;
  switch (dice.roll(9)) {
    case 0:
      frame[dice.roll(frame.length)] = dice.roll(256);
      break;
    case 1:
      flip(frame, dice);
      break;
    case 2:
      // Another type or other flags, with the same payload.
      frame[3 + dice.roll(2)] = dice.roll(2) === 0 ? dice.roll(11) : dice.roll(256);
      break;
    case 3:
      writeU32(frame, 5, dice.roll(2) === 0 ? dice.roll(40) : dice.pick(INTERESTING));
      break;
    case 4:
      frames.splice(at, 0, Buffer.from(frame));
      break;
    case 5:
      if (frames.length > 1) frames.splice(at, 1);
      break;
    case 6:
      frames.splice(at, 0, Buffer.from(dice.pick(other)));
      break;
    case 7:
      resize(frames, at, dice);
      break;
    default:
      if (frame.length >= FRAME_HEADER_BYTES + 4)
        writeU32(frame, FRAME_HEADER_BYTES + dice.roll(frame.length - 12), dice.pick(INTERESTING));
  }
}

function flip(frame: Buffer, dice: Dice): void {
  const at = dice.roll(frame.length);
  frame[at] = (frame[at] as number) ^ (1 << dice.roll(8));
}

/** A payload cut short or made longer; its header tells the truth, or does not. */
function resize(frames: Buffer[], at: number, dice: Dice): void {
  const frame = frames[at] as Buffer;
  const length = dice.roll(2) === 0 ? dice.roll(frame.length) : frame.length + dice.roll(40);
  const resized = Buffer.alloc(Math.max(length, FRAME_HEADER_BYTES));
  frame.copy(resized);
  if (dice.roll(3) > 0) {
    const payload = resized.length - FRAME_HEADER_BYTES;
    resized[0] = payload >>> 16;
    resized[1] = payload >>> 8;
    resized[2] = payload;
  }
  frames[at] = resized;
}

/** The same bytes in other chunks. */
export function cut(bytes: Buffer, dice: Dice): Buffer[] {
  const chunks: Buffer[] = [];
  const largest = dice.pick([1, 9, 30, 300, 5000, 100_000]);
  for (let at = 0; at < bytes.length; ) {
    // Single bytes for long are slow and tell nothing new.
    const size = 1 + dice.roll(chunks.length > 200 ? 100_000 : largest);
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}
