/** Why a data folder is refused. Nothing was changed on disk: the operator decides. */

/**
 * - `corrupt`: bytes that had been made durable are not what was written, or contradict each other;
 * - `version`: written in a format that this program does not read;
 * - `foreign`: belongs to another cluster or member;
 * - `gap`: entries between the snapshot and the log's beginning are missing;
 * - `missing`: a file that must be there (a segment, the snapshot that the log begins after) is not.
 */
export type WalErrorCode = 'corrupt' | 'version' | 'foreign' | 'gap' | 'missing';

/** The start is refused: `file` (path in the data folder) and `offset` (bytes) say where. */
export class WalError extends Error {
  readonly code: WalErrorCode;
  readonly file: string;
  readonly offset: number;
  constructor(code: WalErrorCode, file: string, offset: number, detail: string) {
    super(`${file} at byte ${offset}: ${detail}`);
    this.name = 'WalError';
    this.code = code;
    this.file = file;
    this.offset = offset;
  }
}

/** A programmer's error: the caller broke the contract of the log. Always on. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}
