/** Parts of a member for the workspace's own packages, benchmarks and tests: no stability promised. */
export { FileDisk } from './adapters/file-disk.js';
export { nodePlatform } from './adapters/platform.js';
export { systemClock, systemRandom } from './adapters/system.js';
export { recover } from './replica/recovery.js';
export { Replica } from './replica/replica.js';
export { StateMachine } from './replica/state-machine.js';
export * from './seams/index.js';
export * from './store/index.js';
export type { Wal } from './wal/wal.js';
