/**
 * How an empty folder becomes that of a member of a static cluster: a list of names and peer URLs that all its members are started
 * with, as etcd's `--initial-cluster` is. They found it together, nobody is designated; a majority of them suffices.
 *
 * It asks the others over their peer ports who is there, again and again, and answers the same question meanwhile: members that
 * are started at the same instant wait for each other. What follows from the answers is replica/founding.ts's.
 */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { nodePlatform } from './adapters/platform.js';
import { askPeer, QueryListener } from './adapters/tcp-query.js';
import { parseAddress } from './adapters/tcp-sockets.js';
import { QuorateError } from './api.js';
import { adopt, type Belonging, done } from './data-folder.js';
import { commonFoundingBatch, type FolderSeams, type FoundingMember, settleFolder } from './replica/bootstrap.js';
import { type Joining, judgeFounding, judgeJoining, type Verdict } from './replica/founding.js';
import { dialAddress, orderedPeerUrls } from './replica/peer-urls.js';
import { decodePeerView, encodePeerView, type PeerView } from './replica/peer-view.js';
import type { Trace } from './seams/index.js';
import type { Identity } from './wal/identity.js';

export interface StaticMember {
  readonly name: string;
  /** Such as `http://10.0.0.1:2380`. */
  readonly peerUrls: readonly string[];
}

export interface StaticCluster {
  /** Clusters with the same members are told apart by it. */
  readonly token: string;
  /** Every member, this one among them, by its name. */
  readonly members: readonly StaticMember[];
  /** `new`: they found the cluster together. `existing`: it is there, and has added this member by its peer URLs. */
  readonly state: 'new' | 'existing';
}

/** Who has not answered by then is not waited for, if the others are enough. */
const LAST_CALL_MS = 1_000;
/** The same for a cluster to join: until then its members may learn that this one was added. */
const JOIN_LAST_CALL_MS = 2_000;
/** A cluster that is to be there and does not answer. */
const JOIN_TIMEOUT_MS = 30_000;
const ASK_TIMEOUT_MS = 1_000;
const ROUND_PAUSE_MS = 50;
const ROUND_PAUSE_MAX_MS = 500;

/** The ids of a static cluster and its members: everybody computes them from the list (etcd does it likewise). */
export function staticIds(cluster: Pick<StaticCluster, 'token' | 'members'>): {
  readonly clusterId: number;
  readonly members: readonly FoundingMember[];
} {
  const members = cluster.members.map(({ name, peerUrls }) => {
    const ordered = orderedPeerUrls(peerUrls);
    if (ordered === undefined) throw invalid(`member "${name}" has no usable peer URLs: "${peerUrls.join(',')}"`);
    return { id: hash53(['member', cluster.token, ...ordered]), name, peerUrls: ordered };
  });
  const sorted = members.toSorted((a, b) => a.id - b.id);
  if (new Set(sorted.map(({ id }) => id)).size < sorted.length) throw invalid('two members have the same peer URLs');
  // With the names: they stand in the first entries, which must be the same at everybody who has this cluster id.
  const described = sorted.map(({ name, peerUrls }) => [name, ...peerUrls]);
  return { clusterId: hash53(['cluster', cluster.token, described]), members: sorted };
}

export interface StaticStart {
  readonly seams: FolderSeams & { readonly trace: Trace };
  readonly identity: Identity;
  readonly cluster: StaticCluster;
  readonly segmentBytes: number;
  /** Where this member listens for others. */
  readonly listen: readonly string[];
  readonly signal: AbortSignal | undefined;
}

/** Makes the folder that of the member. Rejects with a QuorateError `data-folder` if it must not be. */
export async function settleInStaticCluster(start: StaticStart): Promise<Belonging> {
  const { identity, cluster, seams, segmentBytes } = start;
  const { clusterId, members } = staticIds(cluster);
  const self = members.find(({ name }) => name === identity.name);
  if (self === undefined) {
    throw invalid(`couldn't find local name "${identity.name}" in the initial cluster configuration`);
  }
  if (cluster.state === 'existing') {
    const listed = members.map(({ peerUrls }) => peerUrls);
    const joining = await consult(start, self, 0, members, (views, elapsedMs) =>
      judgeJoining({ peerUrls: self.peerUrls, listed }, views, elapsedMs >= JOIN_LAST_CALL_MS),
    );
    return await adopt(seams, identity, joinResult(joining), segmentBytes);
  }
  const plan = { clusterId, memberId: self.id, size: members.length };
  await consult(start, self, clusterId, members, (views, elapsedMs) =>
    judgeFounding(plan, views, elapsedMs >= LAST_CALL_MS),
  );
  const batch = commonFoundingBatch(members);
  const belonging = { ...identity, clusterId, memberId: self.id };
  await done((callback) => settleFolder(seams, belonging, segmentBytes, batch, callback));
  return { clusterId, memberId: self.id, peers: [] };
}

/** Asks and answers until there is a verdict. `clusterId` 0: this member is to join, and helps nobody to found. */
async function consult<T>(
  start: StaticStart,
  self: FoundingMember,
  clusterId: number,
  members: readonly FoundingMember[],
  judge: (views: readonly PeerView[], elapsedMs: number) => Verdict<T>,
): Promise<T> {
  const { listen, signal, seams } = start;
  const own: PeerView = { isMember: false, clusterId, memberId: self.id, members: [], isRemoved: false };
  const listener = new QueryListener(nodePlatform, () => encodePeerView(own));
  const startedAtMs = performance.now();
  const others = members.filter(({ id }) => id !== self.id);
  const about = clusterId === 0 ? 0 : self.id;
  // The last answer of each: one that has answered once and does not now is just becoming a member, which frees its port.
  const views = new Map<number, PeerView>();
  let said = '';
  try {
    for (const address of listen) await listener.listen(parseAddress(address));
    for (let pauseMs = ROUND_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.5, ROUND_PAUSE_MAX_MS)) {
      const problems = await askAll(others, about, views, signal);
      signal?.throwIfAborted();
      const elapsedMs = performance.now() - startedAtMs;
      const verdict = judge([...views.values()], elapsedMs);
      if (verdict.kind === 'go') return verdict.value;
      if (verdict.kind === 'refuse') throw new QuorateError('data-folder', 'rejected', verdict.reason);
      if (clusterId === 0 && views.size === 0 && elapsedMs >= JOIN_TIMEOUT_MS) {
        throw new QuorateError('data-folder', 'rejected', `cannot fetch cluster info from peer urls: ${problems}`);
      }
      if (said !== verdict.reason) seams.trace.event('waiting-for-members', { reason: verdict.reason, problems });
      said = verdict.reason;
      await delay(pauseMs, undefined, signal === undefined ? {} : { signal });
    }
  } finally {
    await listener.close();
  }
}

/** Asks every other member, at the URL where the others will dial it: the first one. */
async function askAll(
  others: readonly FoundingMember[],
  about: number,
  views: Map<number, PeerView>,
  signal: AbortSignal | undefined,
): Promise<string> {
  const problems: string[] = [];
  await Promise.all(
    others.map(async ({ id, peerUrls: [url = ''] }) => {
      try {
        views.set(
          id,
          decodePeerView(await askPeer(nodePlatform, dialAddress(url) ?? '', about, ASK_TIMEOUT_MS, signal)),
        );
      } catch (error) {
        problems.push(`${url}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }),
  );
  return problems.join('; ');
}

function joinResult({ clusterId, memberId, members }: Joining): Parameters<typeof adopt>[2] {
  const known = members.map(({ id, peerUrls }) => ({ id, peerAddress: dialAddress(peerUrls[0] ?? '') ?? '' }));
  return { clusterId, memberId, members: known };
}

/** A positive safe integer that is spread evenly. */
function hash53(content: unknown): number {
  const digest = createHash('sha256').update(JSON.stringify(content)).digest();
  return Number(digest.readBigUInt64BE(0) >> 11n) || 1;
}

function invalid(message: string): QuorateError {
  return new QuorateError('invalid-argument', 'invalid', message);
}
