/** The watch hub: what the replica's loop, the doors and the simulator use of it. */
export { WatchHub } from './hub.js';
export {
  WATCH_LIMITS,
  type WatchEvent,
  type Watcher,
  type WatchHost,
  type WatchLimits,
  type WatchOptions,
  type WatchSink,
  type WatchStats,
} from './types.js';
