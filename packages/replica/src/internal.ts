/** Parts of a member for the workspace's own packages, benchmarks and tests: no stability promised. */
export { FileDisk } from './adapters/file-disk.js';
export { nodePlatform } from './adapters/platform.js';
export { systemClock, systemRandom } from './adapters/system.js';
export type { AdminAnswer, AdminOperation } from './replica/admin.js';
export { commonFoundingBatch, type FoundingMember, foundingBatch, settleFolder } from './replica/bootstrap.js';
export type { Failure, FailureOutcome, Result } from './replica/failure.js';
export { judgeFounding } from './replica/founding.js';
export { COMMIT_NOTICE_PAUSE_MS, REPLICA_LIMITS, type ReplicaLimits } from './replica/limits.js';
export type { AddRequest } from './replica/membership.js';
export type { PeerView } from './replica/peer-view.js';
export { recover } from './replica/recovery.js';
export { Replica } from './replica/replica.js';
export type { RecoveredState, ReplicaHost, ReplicaOptions, ReplicaSeams } from './replica/replica-options.js';
export { StateMachine } from './replica/state-machine.js';
export * from './seams/index.js';
export * from './store/index.js';
export { Arena } from './testing/arena.js';
export { isAt } from './testing/chunks.js';
export { type DiskOperation, MemoryDisk } from './testing/memory-disk.js';
export { type ChannelFaults, MemoryEndpoint, MemoryNetwork } from './testing/memory-network.js';
export {
  comparable,
  type ModelEvent,
  StoreModel,
  showEvent,
  showModelEvent,
} from './testing/store-model.js';
export { WalError } from './wal/errors.js';
export { type Identity, readIdentity, writeIdentity } from './wal/identity.js';
export type { Wal } from './wal/wal.js';
export * from './watch/index.js';
export { decodePeerMessage, type PeerMessage } from './wire/index.js';
