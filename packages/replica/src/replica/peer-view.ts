/**
 * What a member, or somebody who is about to become one, tells those who ask who is there (tcp-query.ts), as JSON: it is rare, and a
 * later version may add to it.
 */
import type { MemberId, Raft } from '@quorate/raft';
import { type Directory, decodePublication, PUBLICATION_TAG } from './directory.js';

export interface KnownMember {
  readonly id: MemberId;
  readonly name: string;
  readonly peerUrls: readonly string[];
  /** It has been part of the cluster: it has published itself, or was heard from, or is known by its traces. */
  readonly isStarted: boolean;
}

export interface PeerView {
  /** False: its folder is empty; the ids are those that it would found a cluster with, 0 if it is to join one. */
  readonly isMember: boolean;
  readonly clusterId: number;
  readonly memberId: MemberId;
  /** As far as it knows; empty if it knows nobody yet. */
  readonly members: readonly KnownMember[];
  /** The id that was asked about has been removed from the cluster. */
  readonly isRemoved: boolean;
}

/** `heardOf`: who has been part of the cluster, whatever the directory says. */
export function peerViewOf(
  ids: { readonly clusterId: number; readonly memberId: MemberId },
  directory: Directory,
  heardOf: readonly MemberId[],
  about: MemberId,
): PeerView {
  const { clusterId, memberId } = ids;
  const members = directory.list().map(({ id, name, peerUrls, clientUrls, instance }) => {
    const isStarted = instance !== '' || clientUrls.length > 0 || heardOf.includes(id);
    return { id, name, peerUrls, isStarted };
  });
  return { isMember: true, clusterId, memberId, members, isRemoved: directory.isRemoved(about) };
}

interface Traced {
  readonly core: {
    readonly vote: MemberId;
    readonly log: Pick<Raft['core']['log'], 'applied' | 'entry' | 'lastIndex'>;
  };
}

/**
 * Those who have left a trace here: an id that this member has voted for, and publications in its log, whether or not it knows that they
 * are committed. After a restart it knows that of less than before: its commit index is on the disk only with the next write.
 */
export function tracesIn({ core: { log, vote } }: Traced): MemberId[] {
  const found = [vote];
  for (let index = log.applied + 1; index <= log.lastIndex; index += 1) {
    const { type, data } = log.entry(index);
    if (type !== 'normal' || data[0] !== PUBLICATION_TAG) continue;
    const { id, instance = '', clientUrls = [] } = decodePublication(data);
    // An operator may have published another one's peer URLs.
    if (instance !== '' || clientUrls.length > 0) found.push(id);
  }
  return found;
}

export function encodePeerView(view: PeerView): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(view));
}

/** Throws if it is none. */
export function decodePeerView(json: Uint8Array): PeerView {
  const view = JSON.parse(new TextDecoder().decode(json)) as Partial<PeerView>;
  const isSound =
    typeof view.isMember === 'boolean' &&
    Number.isSafeInteger(view.clusterId) &&
    Number.isSafeInteger(view.memberId) &&
    typeof view.isRemoved === 'boolean' &&
    Array.isArray(view.members) &&
    view.members.every(isKnownMember);
  if (!isSound) throw new RangeError('not a view of a cluster');
  return view as PeerView;
}

function isKnownMember(value: unknown): boolean {
  const { id, name, peerUrls, isStarted } = value as Partial<KnownMember>;
  return (
    Number.isSafeInteger(id) &&
    typeof name === 'string' &&
    Array.isArray(peerUrls) &&
    peerUrls.every((url) => typeof url === 'string') &&
    typeof isStarted === 'boolean'
  );
}
