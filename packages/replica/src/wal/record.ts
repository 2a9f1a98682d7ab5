/** Records: what a frame's payload consists of. */
import type { Entry, HardState } from '@quorate/raft';
import { getU32, getU64, putU32, putU64 } from './bytes.js';
import type { SectorWriter } from './sectors.js';

/** An entry's data: far above the largest request, far below what a segment or memory cannot take. */
export const ENTRY_DATA_BYTES_MAX: number = 256 * 1024 * 1024;

const HARD_STATE = 1;
const ENTRY_NORMAL = 2;
const ENTRY_CONFIG = 3;
const RESET = 4;

export const HARD_STATE_BYTES = 25;
export const ENTRY_OVERHEAD_BYTES = 21;
export const RESET_BYTES = 17;

const scratch = new Uint8Array(HARD_STATE_BYTES);

export function putHardState(writer: SectorWriter, state: HardState): void {
  scratch[0] = HARD_STATE;
  putU64(scratch, 1, state.term);
  putU64(scratch, 9, state.vote);
  putU64(scratch, 17, state.commit);
  writer.put(scratch, HARD_STATE_BYTES);
}

export function putEntry(writer: SectorWriter, entry: Entry): void {
  scratch[0] = entry.type === 'normal' ? ENTRY_NORMAL : ENTRY_CONFIG;
  putU64(scratch, 1, entry.index);
  putU64(scratch, 9, entry.term);
  putU32(scratch, 17, entry.data.length);
  writer.put(scratch, ENTRY_OVERHEAD_BYTES);
  writer.put(entry.data, entry.data.length);
}

export function putReset(writer: SectorWriter, index: number, term: number): void {
  scratch[0] = RESET;
  putU64(scratch, 1, index);
  putU64(scratch, 9, term);
  writer.put(scratch, RESET_BYTES);
}

function bytesNeeded(payload: Uint8Array, offset: number, end: number): number {
  const kind = payload[offset];
  if (kind === HARD_STATE) return HARD_STATE_BYTES;
  if (kind === RESET) return RESET_BYTES;
  if (kind !== ENTRY_NORMAL && kind !== ENTRY_CONFIG) return Number.POSITIVE_INFINITY;
  if (offset + ENTRY_OVERHEAD_BYTES > end) return ENTRY_OVERHEAD_BYTES;
  return ENTRY_OVERHEAD_BYTES + getU32(payload, offset + 17);
}

/** What reads records: entry data is payload[start, end). */
export interface RecordVisitor {
  hardState(state: HardState): void;
  entry(index: number, term: number, type: Entry['type'], payload: Uint8Array, start: number, end: number): void;
  reset(index: number, term: number): void;
}

/** Shows each record of payload[0, end) to `visitor`; false if the bytes are no sequence of records. */
export function decodeRecords(payload: Uint8Array, end: number, visitor: RecordVisitor): boolean {
  let offset = 0;
  while (offset < end) {
    const next = offset + bytesNeeded(payload, offset, end);
    if (next > end) return false;
    const first = getU64(payload, offset + 1);
    const second = getU64(payload, offset + 9);
    if (!Number.isSafeInteger(first) || !Number.isSafeInteger(second)) return false;
    const kind = payload[offset];
    if (kind === HARD_STATE) {
      const commit = getU64(payload, offset + 17);
      if (!Number.isSafeInteger(commit)) return false;
      visitor.hardState({ term: first, vote: second, commit });
    } else if (kind === RESET) {
      visitor.reset(first, second);
    } else {
      const type = kind === ENTRY_NORMAL ? 'normal' : 'config';
      visitor.entry(first, second, type, payload, offset + ENTRY_OVERHEAD_BYTES, next);
    }
    offset = next;
  }
  return true;
}
