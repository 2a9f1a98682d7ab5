/** What simulated members are told. */
import type { Identity, ReplicaOptions } from '@quorate/replica/internal';
import type { Scenario } from './scenario.js';

/** Short enough to be out of date within a run. */
const HISTORY_RETENTION_MS = 5_000;

type Same =
  | 'clientAddress'
  | 'priority'
  | 'quotaBytes'
  | 'historyMode'
  | 'historyRetentionMs'
  | 'historyRetentionRevisions';

/** All of them, whatever the scenario. */
const MEMBER_OPTIONS: Pick<ReplicaOptions, Same> = {
  clientAddress: '',
  priority: 100,
  quotaBytes: -1,
  historyMode: 'periodic',
  historyRetentionMs: HISTORY_RETENTION_MS,
  historyRetentionRevisions: 0,
};

export interface Place extends Pick<ReplicaOptions, 'initialPeers' | 'peerAddress'> {
  /** The id was given before the folder was there. */
  readonly isIdGiven: boolean;
}

export function replicaOptions(scenario: Scenario, identity: Identity, place: Place): ReplicaOptions {
  const { instance, ...ids } = identity;
  const { isIdGiven, ...addresses } = place;
  return { ...scenario, ...MEMBER_OPTIONS, ...ids, ...addresses, folderOfGivenId: isIdGiven ? instance : undefined };
}
