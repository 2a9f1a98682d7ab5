/** The face of this room: the log, snapshot files and the identity of a data folder, as bytes over a Disk. */
export { WalError, type WalErrorCode } from './errors.js';
export { IDENTITY_FILE, type Identity, readIdentity, writeIdentity } from './identity.js';
export {
  type LogPosition,
  SEGMENT_BYTES_DEFAULT,
  type Wal,
  type WalBatch,
  type WalOptions,
} from './log.js';
export { type RecoveredBatch, type RecoveredWal, recoverWal, type TornTail } from './recovery.js';
export { FORMAT_VERSION, WAL_DIRECTORY } from './segment.js';
export {
  type FolderIds,
  listSnapshots,
  readSnapshot,
  removeSnapshots,
  SNAPSHOT_DIRECTORY,
  type SnapshotFile,
  SnapshotWriter,
} from './snapshot-file.js';
