/**
 * Whether a member with an empty folder may found itself as one of the members of a static cluster, or join one that has added it:
 * decided from what the others answer (peer-view.ts). docs/decisions/0010-static-founding.md argues it at length.
 *
 * The danger is not two clusters: all founders compute the same ids and write the same entries, whenever they do. It is amnesia
 * (raft-bugs 35): a folder that had voted and acknowledged, was wiped, and founds itself again under its old id, as if it had
 * promised nothing. So a member founds itself only if nobody who answers knows that id to be started, and only once so many answer
 * that they are a majority with it. Nothing is lost by waiting for that: without a majority there is no leader anyway.
 */
import { type MemberId, majorityOf } from '@quorate/raft';
import type { KnownMember, PeerView } from './peer-view.js';

export type Verdict<T> =
  | { readonly kind: 'wait'; readonly reason: string }
  | { readonly kind: 'go'; readonly value: T }
  /** Asking again would not help. */
  | { readonly kind: 'refuse'; readonly reason: string };

export interface FoundingPlan {
  readonly clusterId: number;
  readonly memberId: MemberId;
  /** How many members the cluster is to have. */
  readonly size: number;
}

/** `isLastCall`: who was going to answer soon has answered. Before that, the answer of everybody is waited for. */
export function judgeFounding(plan: FoundingPlan, views: readonly PeerView[], isLastCall: boolean): Verdict<undefined> {
  const { clusterId, memberId, size } = plan;
  const foreign = views.find((view) => view.clusterId !== clusterId && view.isMember && view.clusterId !== 0);
  if (foreign !== undefined) {
    return refuse(
      `cluster ID mismatch: member ${foreign.memberId} belongs to ${foreign.clusterId}, not to ${clusterId}`,
    );
  }
  const known = judgeMember(memberId, views);
  if (known !== undefined) return known;
  // One that would found another cluster is configured otherwise: it is no help, and says so itself.
  const kin = views.filter((view) => view.clusterId === clusterId);
  const answered = new Set([memberId, ...kin.map((view) => view.memberId)]).size;
  const quorum = majorityOf(size);
  if (answered >= size || (isLastCall && answered >= quorum)) return { kind: 'go', value: undefined };
  return { kind: 'wait', reason: `${answered} of ${size} members are there, ${quorum} are needed` };
}

export interface JoiningPlan {
  /** Ordered. */
  readonly peerUrls: readonly string[];
  /** Of all members, this one's among them; each ordered. */
  readonly listed: readonly (readonly string[])[];
}

export interface Joining {
  readonly clusterId: number;
  readonly memberId: MemberId;
  readonly members: readonly KnownMember[];
}

/** For a member that was added to a cluster by its URLs: which one it is. */
export function judgeJoining(plan: JoiningPlan, views: readonly PeerView[], isLastCall: boolean): Verdict<Joining> {
  const informed = views.filter((view) => view.isMember && view.members.length > 0);
  const [first] = informed;
  if (first === undefined) return { kind: 'wait', reason: 'no member of the cluster answers' };
  const other = informed.find((view) => view.clusterId !== first.clusterId);
  if (other !== undefined) return refuse(`cluster ID mismatch: ${first.clusterId} and ${other.clusterId}`);
  const candidates = informed.map((view) => matchMembers(plan, view));
  const found = candidates.find((candidate) => typeof candidate !== 'string');
  if (found === undefined) {
    const reason = candidates.filter((candidate) => typeof candidate === 'string').join('; ');
    // A member that is behind may not know of the addition yet.
    return isLastCall ? refuse(`error validating peerURLs: ${reason}`) : { kind: 'wait', reason };
  }
  const known = judgeMember(found.memberId, views);
  if (known !== undefined) return known;
  return isLastCall || informed.length >= plan.listed.length - 1
    ? { kind: 'go', value: found }
    : { kind: 'wait', reason: 'not every member has answered' };
}

function judgeMember(memberId: MemberId, views: readonly PeerView[]): { kind: 'refuse'; reason: string } | undefined {
  if (views.some((view) => view.isRemoved)) {
    return refuse(
      `the member ${memberId} has been permanently removed from the cluster; its id can never be used again`,
    );
  }
  for (const view of views) {
    if (!view.members.some(({ id, isStarted }) => id === memberId && isStarted)) continue;
    return refuse(
      `member ${memberId} has already been bootstrapped: its folder has been lost, and what it had promised with it. ` +
        'Remove it from the cluster, add it again, and start it with --initial-cluster-state existing',
    );
  }
  return undefined;
}

/** This member as the view knows it, or why there is none: everybody who is listed must be a member, and nobody else (as in etcd). */
function matchMembers(plan: JoiningPlan, view: PeerView): Joining | string {
  const { clusterId, members } = view;
  const self = members.find((member) => areEqual(member.peerUrls, plan.peerUrls));
  if (self === undefined) return `no member of the cluster has the peer URLs ${plan.peerUrls.join(',')}`;
  if (members.length !== plan.listed.length) {
    return `member count is unequal: the cluster has ${members.length}, --initial-cluster ${plan.listed.length}`;
  }
  const stranger = members.find((member) => !plan.listed.some((urls) => areEqual(urls, member.peerUrls)));
  if (stranger !== undefined) return `unmatched member while checking PeerURLs: ${stranger.peerUrls.join(',')}`;
  return { clusterId, memberId: self.id, members };
}

function areEqual(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((url, position) => url === right[position]);
}

function refuse(reason: string): { readonly kind: 'refuse'; readonly reason: string } {
  return { kind: 'refuse', reason };
}
