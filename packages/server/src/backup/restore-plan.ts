/**
 * Which cluster a backup is restored into, from the flags that `etcdctl snapshot restore` has. Every member runs the same command with
 * its own name, on the same file, and computes the same ids.
 */
import type { RestoredMember, SnapshotSummary } from '@quorate/replica';
import { staticIds } from '@quorate/replica';
import { CliFailure, EXIT } from '../cli/io.js';
import { parseInitialCluster } from '../etcd-command/urls.js';

export interface RestoreFlags {
  readonly name: string;
  /** Undefined: this member alone, at `initialAdvertisePeerUrls`. */
  readonly initialCluster: string | undefined;
  readonly initialClusterToken: string;
  /** Undefined: what the list says of it. */
  readonly initialAdvertisePeerUrls: string | undefined;
  readonly bumpRevision: number;
  readonly markCompacted: boolean;
}

export interface RestorePlan {
  readonly clusterId: number;
  readonly name: string;
  readonly members: readonly RestoredMember[];
  readonly bumpRevision: number;
}

const PEER_URL_DEFAULT = 'http://localhost:2380';

/** Throws a CliFailure `usage`. */
export function planRestore(flags: RestoreFlags, saved: SnapshotSummary): RestorePlan {
  const { name, bumpRevision, markCompacted } = flags;
  if (bumpRevision > 0 !== markCompacted) {
    throw usage(
      '--bump-revision and --mark-compacted are given together or not at all: what clients know of skipped revisions must count as compacted',
    );
  }
  const advertised = flags.initialAdvertisePeerUrls ?? PEER_URL_DEFAULT;
  const list =
    flags.initialCluster ??
    advertised
      .split(',')
      .map((url) => `${name}=${url}`)
      .join(',');
  const members = parseInitialCluster(list);
  if (typeof members === 'string') throw usage(members);
  const own = members.find((member) => member.name === name);
  if (own === undefined) throw usage(`--initial-cluster does not have "${name}" (--name)`);
  const urls = flags.initialAdvertisePeerUrls
    ?.split(',')
    .map((url) => url.trim().replace(/\/$/, ''))
    .toSorted();
  if (urls !== undefined && urls.join() !== own.peerUrls.toSorted().join()) {
    throw usage(
      `--initial-cluster has ${own.peerUrls.join(',')} for "${name}", --initial-advertise-peer-urls ${urls.join(',')}`,
    );
  }
  // Not the ids that the old cluster has if it was founded from the same list: members of the one must not be taken for the other's.
  const { clusterId, memberId, index, term } = saved;
  const token = `${flags.initialClusterToken} restored from ${clusterId}/${memberId} at ${term}.${index}`;
  const ids = idsOf(token, members);
  return {
    clusterId: ids.clusterId,
    name,
    bumpRevision,
    members: ids.members.map(({ id, name: memberName, peerUrls }) => ({
      id,
      name: memberName,
      peerUrls,
      peerAddress: new URL(peerUrls[0] ?? '').host,
    })),
  };
}

function idsOf(token: string, members: Parameters<typeof staticIds>[0]['members']): ReturnType<typeof staticIds> {
  try {
    return staticIds({ token, members });
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
}

function usage(message: string): CliFailure {
  return new CliFailure(EXIT.usage, message);
}
