/**
 * A member's trace as log lines. Most events are for those who look for a fault (debug); an operator wants to know who leads, who
 * came and went, and what was refused.
 */
import type { Log } from './log.js';

/** The shape of the replica's Trace seam. */
export interface TraceSink {
  event(name: string, data: Readonly<Record<string, unknown>>): void;
}

type Level = 'debug' | 'info' | 'warn' | 'error';

/** Events that are more than debug. */
const LEVELS: ReadonlyMap<string, Level> = new Map<string, Level>([
  ['recovered', 'info'],
  ['role', 'info'],
  ['configuration', 'debug'],
  ['member-added', 'info'],
  ['member-promoted', 'info'],
  ['member-removed', 'info'],
  ['member-replaced', 'warn'],
  ['waiting-for-members', 'info'],
  ['forced-new-cluster', 'warn'],
  ['snapshot-end', 'info'],
  ['snapshot-installed', 'info'],
  ['snapshot-sent', 'info'],
  ['snapshot-refused', 'warn'],
  ['snapshot-rejected', 'warn'],
  ['log-torn-tail', 'warn'],
  ['frame-refused', 'warn'],
  ['refused-by-peer', 'warn'],
  ['network.connection-dropped', 'warn'],
  ['network.listen-error', 'error'],
  ['slow-turn', 'warn'],
  ['halted', 'error'],
]);

export function traceToLog(log: Log): TraceSink {
  return {
    event(name, data) {
      const level = LEVELS.get(name) ?? 'debug';
      if (log.isLevelEnabled(level)) log[level](data, name);
    },
  };
}
