/** The face of this room: the log, snapshot files and the identity of a data folder, as bytes over a Disk. */
export { WalError } from './errors.js';
export { IDENTITY_FILE, readIdentity, writeIdentity } from './identity.js';
export { SEGMENT_BYTES_DEFAULT, } from './log.js';
export { recoverWal } from './recovery.js';
export { FORMAT_VERSION, WAL_DIRECTORY } from './segment.js';
export { listSnapshots, readSnapshot, removeSnapshots, SNAPSHOT_DIRECTORY, SnapshotWriter, } from './snapshot-file.js';
//# sourceMappingURL=wal.js.map