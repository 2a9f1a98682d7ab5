/** The key-value state machine: what the replica's loop, the doors and the simulator use of it. */
export { StoreCodecError } from './bytes.js';
export { decodeCommand, encodeCommand, PLAIN_PUT_HEAD } from './command-codec.js';
export { mayPut } from './control.js';
export { carriesTime, stampTime, TIME_MS_MAX } from './control-codec.js';
export { EVERY_KEY_FROM, isInRange } from './cursor.js';
export { type HistoryOptions, type HistoryScan, historyScan } from './history-scan.js';
export { LEASE_TTL_SECONDS_MAX, LEASES_MAX } from './leases.js';
export type { StoreLoader } from './loader.js';
export { decodeResponse, encodeResponse } from './response-codec.js';
export type { FrozenStore, SnapshotChunks } from './snapshot.js';
export { type Applied, type HashInSlices, Store, type StoreHash, type StoreOptions } from './store.js';
export { isReadOnly, TXN_OPERATIONS_MAX, validateOperation } from './txn.js';
export * from './types.js';
