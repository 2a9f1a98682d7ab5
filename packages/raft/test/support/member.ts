/** The settings and the beginning of one member under test. */
import { EMPTY_CONFIG, type InitialState, type RaftConfig } from '../../src/index.js';

export function configOf(changes: Partial<RaftConfig> = {}): RaftConfig {
  return {
    id: 1,
    electionTicks: 10,
    heartbeatTicks: 1,
    random: () => 0,
    appendBytesMax: 1_000,
    inflightMessagesMax: 10,
    inflightBytesMax: 10_000,
    uncommittedBytesMax: 1_000_000,
    committedBytesPerReadyMax: 1_000_000,
    reads: 'safe',
    priority: 100,
    ...changes,
  };
}

export function initialOf(voters: readonly number[], term = 1): InitialState {
  return {
    hardState: { term, vote: 0, commit: 1 },
    applied: { index: 1, term: 1, config: { ...EMPTY_CONFIG, voters } },
    compacted: { index: 1, term: 1 },
    entries: [],
  };
}
