/** What every simulated member is told, whatever the scenario. */
import type { ReplicaOptions } from '@quorate/replica/internal';

/** Short enough to be out of date within a run. */
const HISTORY_RETENTION_MS = 5_000;

type Same =
  | 'clientAddress'
  | 'priority'
  | 'quotaBytes'
  | 'historyMode'
  | 'historyRetentionMs'
  | 'historyRetentionRevisions';

export const MEMBER_OPTIONS: Pick<ReplicaOptions, Same> = {
  clientAddress: '',
  priority: 100,
  quotaBytes: -1,
  historyMode: 'periodic',
  historyRetentionMs: HISTORY_RETENTION_MS,
  historyRetentionRevisions: 0,
};
