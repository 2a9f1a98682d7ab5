/**
 * A member's state and counters under etcd's names and types (contract, section 13), so that dashboards and alerts made for etcd work.
 * Only what exists is exported. Where etcd has no name, ours begins with `quorate_`.
 */
import type { Member, MemberMetrics, MemberStatus } from '@quorate/replica';
import type { Health } from '../http/health.js';
import { histogramSamples, type Sample, type ScrapedMetric } from './scraped.js';

/** Undefined while the server starts: then there are no samples. */
export type MemberSource = () => Member | undefined;

type Read = (metrics: MemberMetrics, status: MemberStatus) => number;
type Row = readonly [name: string, type: 'counter' | 'gauge', help: string, read: Read];

const flag = (value: boolean): number => (value ? 1 : 0);

/** The types are etcd's, also where it calls a growing number a gauge. */
const ROWS: readonly Row[] = [
  ['etcd_server_has_leader', 'gauge', 'Whether a leader is known.', (_, s) => flag(s.leaderId !== 0)],
  ['etcd_server_is_leader', 'gauge', 'Whether this member leads.', (_, s) => flag(s.role === 'leader')],
  ['etcd_server_is_learner', 'gauge', 'Whether this member is a learner.', (_, s) => flag(s.role === 'learner')],
  ['etcd_server_leader_changes_seen_total', 'counter', 'Leader changes seen.', (m) => m.leaderChanges],
  ['etcd_server_proposals_committed_total', 'gauge', 'Proposals committed.', (m) => m.proposalsCommitted],
  ['etcd_server_proposals_applied_total', 'gauge', 'Proposals applied.', (m) => m.proposalsApplied],
  ['etcd_server_proposals_pending', 'gauge', 'Proposals that wait to be committed.', (m) => m.proposalsPending],
  ['etcd_server_proposals_failed_total', 'counter', 'Proposals that failed.', (m) => m.proposalsFailed],
  ['etcd_server_read_indexes_failed_total', 'counter', 'Read indexes that failed.', (m) => m.readIndexesFailed],
  [
    'etcd_server_heartbeat_send_failures_total',
    'counter',
    'Heartbeats that a leader failed to send in time.',
    (m) => m.heartbeatSendFailures,
  ],
  ['etcd_disk_wal_write_bytes_total', 'gauge', 'Bytes written to the log.', (m) => m.walBytesWritten],
  [
    'quorate_wal_writes_awaited_total',
    'counter',
    'Writes of the log that the main thread waited for, the disk being quick and nobody else waiting.',
    (m) => m.walWritesAwaited,
  ],
  ['etcd_mvcc_put_total', 'counter', 'Puts applied.', (m) => m.puts],
  ['etcd_mvcc_delete_total', 'counter', 'Deletes applied.', (m) => m.deletes],
  ['etcd_mvcc_range_total', 'counter', 'Ranges and gets answered.', (m) => m.ranges],
  ['etcd_mvcc_txn_total', 'counter', 'Transactions applied.', (m) => m.txns],
  ['etcd_mvcc_db_total_size_in_bytes', 'gauge', 'Memory that the store takes, estimated.', (_, s) => s.storeBytes],
  [
    'etcd_mvcc_db_total_size_in_use_in_bytes',
    'gauge',
    'The same without history.',
    (_, s) => s.storeBytes - s.historyBytes,
  ],
  [
    'etcd_server_quota_backend_bytes',
    'gauge',
    'Memory that the store may take; 0: no limit.',
    (_, s) => Math.max(0, s.quotaBytes),
  ],
  ['etcd_debugging_mvcc_watcher_total', 'gauge', 'Watchers.', (m) => m.watchers],
  ['etcd_debugging_mvcc_slow_watcher_total', 'gauge', 'Watchers that are behind.', (m) => m.slowWatchers],
  ['etcd_debugging_mvcc_events_total', 'counter', 'Events handed to watchers.', (m) => m.watchEventsDelivered],
  ['etcd_debugging_lease_granted_total', 'counter', 'Leases granted.', (m) => m.leasesGranted],
  ['etcd_debugging_lease_renewed_total', 'counter', 'Leases renewed.', (m) => m.leasesRenewed],
  ['etcd_debugging_lease_revoked_total', 'counter', 'Leases revoked.', (m) => m.leasesRevoked],
  ['etcd_debugging_server_lease_expired_total', 'counter', 'Leases expired.', (m) => m.leasesExpired],
  ['quorate_leases', 'gauge', 'Leases that there are.', (_, s) => s.leases],
  ['quorate_compactions_total', 'counter', 'Compactions applied.', (m) => m.compactions],
  ['etcd_debugging_mvcc_keys_total', 'gauge', 'Keys in the store.', (_, s) => s.keys],
  ['etcd_debugging_mvcc_current_revision', 'gauge', 'Current revision of the store.', (_, s) => s.revision],
  ['etcd_debugging_mvcc_compact_revision', 'gauge', 'Revision compacted at last.', (_, s) => s.compactRevision],
  ['quorate_raft_term', 'gauge', 'Current term.', (_, s) => s.term],
  ['quorate_raft_first_index', 'gauge', 'First index that the log still has.', (_, s) => s.firstIndex],
  ['quorate_raft_last_index', 'gauge', 'Last index of the log.', (_, s) => s.lastIndex],
  ['quorate_raft_persisted_index', 'gauge', 'Last index that is durable here.', (_, s) => s.persistedIndex],
  ['quorate_raft_commit_index', 'gauge', 'Last index known to be committed.', (_, s) => s.commitIndex],
  ['quorate_raft_applied_index', 'gauge', 'Last index applied to the store.', (_, s) => s.appliedIndex],
  ['quorate_log_size_bytes', 'gauge', 'Bytes of the log on disk.', (_, s) => s.logBytes],
  ['quorate_snapshot_index', 'gauge', 'Index of the last snapshot.', (_, s) => s.snapshotIndex],
  ['quorate_snapshots_taken_total', 'counter', 'Snapshots taken.', (m) => m.snapshotsTaken],
  ['quorate_slow_turns_total', 'counter', 'Turns longer than their bound; each is logged.', (m) => m.slowTurns],
];

export function memberMetrics(source: MemberSource): readonly ScrapedMetric[] {
  const sampled = (read: (member: Member) => readonly Sample[]) => (): readonly Sample[] => {
    const member = source();
    return member === undefined ? [] : read(member);
  };
  const simple = ROWS.map(([name, type, help, read]) => ({
    name,
    type,
    help,
    read: sampled((member) => [{ value: read(member.metrics(), member.cluster.status()) }]),
  }));
  return [...simple, ...labelled(sampled)];
}

type Sampler = (read: (member: Member) => readonly Sample[]) => () => readonly Sample[];

function labelled(sampled: Sampler): readonly ScrapedMetric[] {
  const syncName = 'etcd_disk_wal_fsync_duration_seconds';
  const turnName = 'quorate_turn_duration_seconds';
  return [
    {
      name: syncName,
      type: 'histogram',
      help: 'How long making the log durable took.',
      read: sampled((member) => histogramSamples(syncName, member.metrics().walSyncSeconds)),
    },
    {
      name: turnName,
      type: 'histogram',
      help: 'How long the turns and ticks of the member lasted; everything else waits meanwhile.',
      read: sampled((member) => histogramSamples(turnName, member.metrics().turnSeconds)),
    },
    {
      name: 'etcd_network_peer_sent_bytes_total',
      type: 'counter',
      help: 'Bytes sent, by receiving member.',
      read: sampled((member) => perPeer('To', member.metrics().peerBytesSent)),
    },
    {
      name: 'etcd_network_peer_received_bytes_total',
      type: 'counter',
      help: 'Bytes received, by sending member.',
      read: sampled((member) => perPeer('From', member.metrics().peerBytesReceived)),
    },
    {
      name: 'etcd_network_known_peers',
      type: 'gauge',
      help: 'Other members of the cluster.',
      read: sampled((member) => {
        const { id, members } = member.cluster.status();
        const others = members.filter((one) => one.id !== id);
        return others.map((one) => ({ value: 1, labels: { Local: hexId(id), Remote: hexId(one.id) } }));
      }),
    },
    {
      name: 'etcd_server_id',
      type: 'gauge',
      help: 'Id of this member, in hexadecimal, as a label.',
      read: sampled((member) => [{ value: 1, labels: { server_id: hexId(member.cluster.status().id) } }]),
    },
    {
      name: 'quorate_raft_match_index',
      type: 'gauge',
      help: 'At the leader: last index known to be durable at each member.',
      read: sampled((member) => {
        const { matchIndex } = member.cluster.status();
        return Object.entries(matchIndex).map(([id, value]) => ({ value, labels: { member: hexId(Number(id)) } }));
      }),
    },
  ];
}

function perPeer(label: string, bytes: Readonly<Record<number, number>>): readonly Sample[] {
  return Object.entries(bytes).map(([id, value]) => ({ value, labels: { [label]: hexId(Number(id)) } }));
}

/** Results of `/health`. */
export function healthMetrics(health: Health): readonly ScrapedMetric[] {
  return [
    {
      name: 'etcd_server_health_success',
      type: 'counter',
      help: 'Answers of /health that said healthy.',
      read: () => [{ value: health.counts.successes }],
    },
    {
      name: 'etcd_server_health_failures',
      type: 'counter',
      help: 'Answers of /health that said not healthy.',
      read: () => [{ value: health.counts.failures }],
    },
  ];
}

function hexId(id: number): string {
  return id.toString(16);
}
