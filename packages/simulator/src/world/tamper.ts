/**
 * Where a test may plant a defect: between a member and its seams, or between a client and its notes. A run with a defect must
 * fail, or the checks are worth nothing. Nothing of this is used otherwise.
 */
import type { Disk, NetworkInput } from '@quorate/replica/internal';
import type { Operation } from '../checks/history.js';
import type { Stream } from './random.js';

export interface Tamper {
  /** The disk as the member sees it. */
  disk?(disk: Disk, random: Stream): Disk;
  /** Frames on their way into the member of that id. */
  input?(input: NetworkInput, to: number, random: Stream): NetworkInput;
  /** An operation that has ended, before it is written down. */
  operation?(operation: Operation, random: Stream): void;
}
