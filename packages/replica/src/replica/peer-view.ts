/**
 * What a member, or somebody who is about to become one, tells those who ask who is there (tcp-query.ts), as JSON: it is rare, and a
 * later version may add to it.
 */
import type { MemberId } from '@quorate/raft';
import type { Directory } from './directory.js';

export interface KnownMember {
  readonly id: MemberId;
  readonly name: string;
  readonly peerUrls: readonly string[];
  /** It has been part of the cluster: it has published itself, or was heard from. */
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

export function peerViewOf(
  ids: { readonly clusterId: number; readonly memberId: MemberId },
  directory: Directory,
  isHeard: (id: MemberId) => boolean,
  about: MemberId,
): PeerView {
  const { clusterId, memberId } = ids;
  const members = directory.list().map(({ id, name, peerUrls, clientUrls, instance }) => {
    const isStarted = instance !== '' || clientUrls.length > 0 || isHeard(id);
    return { id, name, peerUrls, isStarted };
  });
  return { isMember: true, clusterId, memberId, members, isRemoved: directory.isRemoved(about) };
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
