/**
 * A member's data folder from the outside: who it belongs to, and how a fresh one becomes somebody's.
 *
 *   fresh            nothing in it
 *   named            identity with name and instance, no ids: joining or founding was begun, nothing was ever acknowledged
 *   belongs          identity with cluster and member id, and a log that carries the same ids
 *
 * The order in which these come about, and why, is bootstrap.ts's.
 */
import { randomBytes, randomInt } from 'node:crypto';
import type { MemberId } from '@quorate/raft';
import type { JoinResult, MemberInfo } from './api.js';
import { QuorateError } from './api.js';
import { type FolderSeams, type Founder, foundingBatch, settleFolder } from './replica/bootstrap.js';
import type { DiskDone, PeerAddress } from './seams/index.js';
import { type Identity, readIdentity, writeIdentity } from './wal/identity.js';
import { WAL_DIRECTORY } from './wal/segment.js';

export interface Belonging {
  readonly clusterId: number;
  readonly memberId: MemberId;
  /** Whom to talk to until the log names the members. */
  readonly peers: readonly PeerAddress[];
}

/** What `adopt` needs of the answer to a join request. */
export interface Joined extends Pick<JoinResult, 'clusterId' | 'memberId'> {
  readonly members: readonly Pick<MemberInfo, 'id' | 'peerAddress'>[];
}

/** The folder's identity; a fresh folder gets its name and instance first. */
export async function claimFolder(seams: FolderSeams, name: string): Promise<Identity> {
  const present = readIdentity(seams.disk, seams.platform);
  if (present === undefined) {
    if (seams.disk.list(WAL_DIRECTORY).length > 0) {
      throw new QuorateError(
        'data-folder',
        'rejected',
        'the data folder holds a log but no identity: whose it is is unknown',
      );
    }
    const identity: Identity = { clusterId: 0, memberId: 0, name, instance: randomBytes(16).toString('hex') };
    await done((callback) => writeIdentity(seams.disk, seams.platform, identity, callback));
    return identity;
  }
  if (present.name !== name) {
    const detail = `the data folder belongs to member "${present.name}", it cannot be started as "${name}"`;
    throw new QuorateError('data-folder', 'rejected', detail);
  }
  return present;
}

/** Makes the folder that of a new cluster's first member. */
export async function found(
  seams: FolderSeams,
  identity: Identity,
  founder: Founder,
  segmentBytes: number,
): Promise<Belonging> {
  const clusterId = randomId();
  const memberId = randomId();
  const batch = foundingBatch(memberId, founder, identity.instance);
  await done((callback) => settleFolder(seams, { ...identity, clusterId, memberId }, segmentBytes, batch, callback));
  return { clusterId, memberId, peers: [] };
}

/** Makes the folder that of the member that a cluster has just added. */
export async function adopt(
  seams: FolderSeams,
  identity: Identity,
  joined: Joined,
  segmentBytes: number,
): Promise<Belonging> {
  const { clusterId, memberId } = joined;
  await done((callback) =>
    settleFolder(seams, { ...identity, clusterId, memberId }, segmentBytes, undefined, callback),
  );
  const peers = joined.members
    .filter((member) => member.id !== memberId)
    .map((member) => ({ id: member.id, address: member.peerAddress }));
  return { clusterId, memberId, peers };
}

/** A positive safe integer that no other cluster or member has, by chance. */
export function randomId(): number {
  return 1 + randomInt(2 ** 48 - 2) + randomInt(31) * 2 ** 48;
}

export function unusable(error: unknown, advice = ''): QuorateError {
  const detail = error instanceof Error ? error.message : String(error);
  return new QuorateError('data-folder', 'rejected', `the data folder cannot be used: ${detail}${advice}`, {
    cause: error,
  });
}

/** A disk operation as a promise. */
export function done(operation: (callback: DiskDone) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    operation((error) => (error === undefined ? resolve() : reject(error)));
  });
}
