/**
 * A member's data folder from the outside: who it belongs to, and how a fresh one becomes somebody's.
 *
 *   fresh            nothing in it
 *   named            identity with name and instance, no ids: joining or founding was begun, nothing was ever acknowledged
 *   belongs          identity with cluster and member id, and a log that carries the same ids
 *
 * The log is made before the identity says that the folder belongs to a cluster. So a folder that belongs but has no log has
 * lost it, and is refused: a member without its log must not vote as if it had it (raft-bugs 35).
 */
import { randomBytes, randomInt } from 'node:crypto';
import { type Entry, encodeConfigChange, type MemberId } from '@quorate/raft';
import type { JoinResult } from './api.js';
import { QuorateError } from './api.js';
import { encodeMembers } from './replica/directory.js';
import type { Disk, DiskDone, PeerAddress, Platform } from './seams/index.js';
import { type Identity, readIdentity, writeIdentity } from './wal/identity.js';
import { recoverWal } from './wal/recovery.js';
import { WAL_DIRECTORY } from './wal/segment.js';
import type { Wal } from './wal/wal.js';

export interface Belonging {
  readonly clusterId: number;
  readonly memberId: MemberId;
  /** Whom to talk to until the log names the members. */
  readonly peers: readonly PeerAddress[];
}

export interface FolderSeams {
  readonly disk: Disk;
  readonly platform: Platform;
}

/** What a founder writes about itself. */
export interface Founder {
  readonly name: string;
  readonly peerAddress: string;
  readonly clientAddress: string;
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
  const member = { id: memberId, ...founder, instance: identity.instance, promoteWhenCaughtUp: false };
  const entry: Entry = {
    index: 1,
    term: 1,
    type: 'config',
    data: encodeConfigChange({
      changes: [{ type: 'add-voter', member: memberId }],
      transition: 'auto',
      context: encodeMembers([member]),
    }),
  };
  const wal = await makeLog(seams, { clusterId, memberId, segmentBytes });
  const hardState = { term: 1, vote: 0, commit: 1 };
  await done((callback) => wal.append({ hardState, entries: [entry], reset: undefined, mustSync: true }, callback));
  await done((callback) => wal.close(callback));
  await done((callback) => writeIdentity(seams.disk, seams.platform, { ...identity, clusterId, memberId }, callback));
  return { clusterId, memberId, peers: [] };
}

/** Makes the folder that of the member that a cluster has just added. */
export async function adopt(
  seams: FolderSeams,
  identity: Identity,
  joined: JoinResult,
  segmentBytes: number,
): Promise<Belonging> {
  const { clusterId, memberId } = joined;
  const wal = await makeLog(seams, { clusterId, memberId, segmentBytes });
  await done((callback) => wal.close(callback));
  await done((callback) => writeIdentity(seams.disk, seams.platform, { ...identity, clusterId, memberId }, callback));
  const peers = joined.members
    .filter((member) => member.id !== memberId)
    .map((member) => ({ id: member.id, address: member.peerAddress }));
  return { clusterId, memberId, peers };
}

/** An empty log; what an earlier attempt that did not get to its end has left is removed, nothing of it was acknowledged. */
async function makeLog(
  seams: FolderSeams,
  options: { readonly clusterId: number; readonly memberId: number; readonly segmentBytes: number },
): Promise<Wal> {
  const { disk, platform } = seams;
  for (const file of disk.list(WAL_DIRECTORY)) {
    await done((callback) => disk.remove(`${WAL_DIRECTORY}/${file}`, callback));
  }
  const recovery = recoverWal(disk, platform, options, { index: 0, term: 0 });
  let step = recovery.next();
  while (step.done !== true) step = recovery.next();
  const { wal } = step.value;
  await done((callback) => wal.whenStarted(callback));
  return wal;
}

/** A positive safe integer that no other cluster or member has, by chance. */
function randomId(): number {
  return 1 + randomInt(2 ** 48 - 2) + randomInt(31) * 2 ** 48;
}

/** A disk operation as a promise. */
export function done(operation: (callback: DiskDone) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    operation((error) => (error === undefined ? resolve() : reject(error)));
  });
}
