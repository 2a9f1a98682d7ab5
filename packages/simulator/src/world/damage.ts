/**
 * Damage to what is durable, done while the member is down. It must be noticed at the next start, or be harmless: the member refuses
 * its folder, or comes back with all that it had promised (`kept promises`).
 *
 * Only damage that a log can notice: the last frames of a log have no witness but themselves, so neither the last segment nor a
 * sector of it is lost as a whole. A bit that flips there is noticed, as everywhere.
 */
import type { MemoryDisk } from '@quorate/replica/internal';
import type { Stream } from './random.js';

export type DamageKind = 'lost-log' | 'lost-segment' | 'bit-rot';

export interface Damage {
  /** For a reader. */
  readonly what: string;
  readonly mustBeRefused: boolean;
}

const IDENTITY_FILE = 'identity.json';
/** Where bits rot, a whole sector does with this probability. */
const SECTOR_CHANCE = 0.3;
/** ... and the end of the log is hit with this one, within so many bytes: what is written last, nothing behind it bears witness to. */
const END_CHANCE = 0.4;
const END_BYTES = 64;
/** Most of a file may never have been written: so often it is tried to hit something else. */
const TRIES = 20;

/** Undefined if there is nothing to damage. */
export function damageDisk(disk: MemoryDisk, kind: DamageKind, random: Stream): Damage | undefined {
  const segments = filesOf(disk, 'wal').filter((path) => isBegun(disk, path));
  if (segments.length === 0) return undefined;
  if (kind === 'bit-rot') return rot(disk, segments, random);
  if (kind === 'lost-log') {
    for (const path of filesOf(disk, 'wal')) disk.loseFile(path);
    return { what: 'its log is lost', mustBeRefused: true };
  }
  if (segments.length < 2) return undefined;
  const path = segments[random.integer(segments.length - 1)] as string;
  disk.loseFile(path);
  return { what: `${path} is lost`, mustBeRefused: false };
}

function rot(disk: MemoryDisk, segments: readonly string[], random: Stream): Damage | undefined {
  const snapshots = filesOf(disk, 'snapshots').filter((path) => path.endsWith('.snap'));
  const losing = [...segments.slice(0, -1), ...snapshots];
  if (losing.length > 0 && random.chance(SECTOR_CHANCE)) {
    const path = random.pick(losing);
    const offset = random.integer(disk.size(path));
    disk.loseSector(path, offset);
    return { what: `${path} reads as zeros around byte ${offset}`, mustBeRefused: false };
  }
  if (random.chance(END_CHANCE)) return rotAtTheEnd(disk, segments.at(-1) ?? '', random);
  const path = random.pick([
    ...segments,
    ...snapshots,
    ...(disk.list('').includes(IDENTITY_FILE) ? [IDENTITY_FILE] : []),
  ]);
  if (path === undefined || disk.size(path) === 0) return undefined;
  let offset = random.integer(disk.size(path));
  for (let i = 0; i < TRIES && disk.read(path, offset, 1)[0] === 0; i += 1) offset = random.integer(disk.size(path));
  disk.flipBit(path, offset, random.integer(8));
  return { what: `a bit of byte ${offset} of ${path} has flipped`, mustBeRefused: false };
}

function rotAtTheEnd(disk: MemoryDisk, path: string, random: Stream): Damage {
  const bytes = disk.read(path, 0, disk.size(path));
  let end = bytes.length;
  while (end > 1 && bytes[end - 1] === 0) end -= 1;
  const offset = end - 1 - random.integer(Math.min(end, END_BYTES));
  disk.flipBit(path, offset, random.integer(8));
  return {
    what: `a bit of byte ${offset} of ${path}, whose last byte is ${end - 1}, has flipped`,
    mustBeRefused: false,
  };
}

function filesOf(disk: MemoryDisk, folder: string): readonly string[] {
  return disk.list(folder).map((name) => `${folder}/${name}`);
}

/** Made ahead and not begun yet, a segment is all zeros. */
function isBegun(disk: MemoryDisk, path: string): boolean {
  return disk.read(path, 0, 4).some((byte) => byte !== 0);
}
