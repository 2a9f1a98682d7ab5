/**
 * How a data folder becomes a member's: the steps of a first start, over the disk's callbacks. What is made, and in which order:
 *
 *   identity with name and instance, no ids  ->  log with ids (a founder's first entry in it)  ->  identity with ids
 *
 * The log is there before the identity says that the folder belongs to a cluster. So a folder that belongs but has no log has
 * lost it, and is refused (WalOptions.mustExist): a member without its log must not vote as if it had it (raft-bugs 35).
 */
import { type ConfigChange, encodeConfigChange, type MemberId } from '@quorate/raft';
import type { Disk, DiskDone, Platform } from '../seams/index.js';
import { type Identity, writeIdentity } from '../wal/identity.js';
import { recoverWal } from '../wal/recovery.js';
import { WAL_DIRECTORY } from '../wal/segment.js';
import type { Wal, WalBatch } from '../wal/wal.js';
import { encodeMembers, type RecordedMember } from './directory.js';
import { dialAddress } from './peer-urls.js';

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

/** The first entry of a cluster, committed by its only member: the configuration that holds the founder. */
export function foundingBatch(memberId: MemberId, founder: Founder, instance: string): WalBatch {
  const member = { id: memberId, ...founder, instance, promoteWhenCaughtUp: false };
  const data = encodeConfigChange({
    changes: [{ type: 'add-voter', member: memberId }],
    transition: 'auto',
    context: encodeMembers([member]),
  });
  return {
    hardState: { term: 1, vote: 0, commit: 1 },
    entries: [{ index: 1, term: 1, type: 'config', data }],
    reset: undefined,
    mustSync: true,
  };
}

/** A member of a cluster that its members found together, as all of them know it. */
export interface FoundingMember {
  readonly id: MemberId;
  readonly name: string;
  /** Ordered. */
  readonly peerUrls: readonly string[];
}

/**
 * The first entries of a cluster that its members found together: one configuration entry for each, in the order of their ids, all of
 * term 1 and committed.
 *
 * Every founder writes the same bytes, whoever it is and whenever it does: they depend on nothing but the list. So the logs agree
 * (log matching holds for term 1 though no leader of term 1 ever was), the entries need no commit (no log of this cluster can
 * ever hold anything else there), and the first election, in term 2, is one like any other, by a majority of the members on the
 * list. The bytes must never change from one version to the next: a member may found itself long after the others.
 */
export function commonFoundingBatch(members: readonly FoundingMember[]): WalBatch {
  const entries = members
    .toSorted((a, b) => a.id - b.id)
    .map(({ id, name, peerUrls }, position) => {
      const peerAddress = dialAddress(peerUrls[0] ?? '') ?? '';
      const member: RecordedMember = {
        id,
        name,
        peerAddress,
        clientAddress: '',
        instance: '',
        promoteWhenCaughtUp: false,
        peerUrls,
        clientUrls: [],
      };
      const change: ConfigChange = {
        changes: [{ type: 'add-voter', member: id }],
        transition: 'auto',
        context: encodeMembers([member]),
      };
      return { index: position + 1, term: 1, type: 'config' as const, data: encodeConfigChange(change) };
    });
  return { hardState: { term: 1, vote: 0, commit: entries.length }, entries, reset: undefined, mustSync: true };
}

/**
 * Makes the folder that of the member that `identity` names: an empty log, with `batch` in it if there is one, then the identity.
 * A log that an earlier attempt has left is removed first: nothing of it was ever acknowledged.
 */
export function settleFolder(
  seams: FolderSeams,
  identity: Identity,
  segmentBytes: number,
  batch: WalBatch | undefined,
  done: DiskDone,
): void {
  const { disk, platform } = seams;
  const leftovers = disk.list(WAL_DIRECTORY).map((file) => `${WAL_DIRECTORY}/${file}`);
  const belong = unlessFailed(done, () => writeIdentity(disk, platform, identity, done));
  const makeLog = unlessFailed(done, () => {
    const wal = emptyLog(seams, identity, segmentBytes);
    const close = unlessFailed(done, () => wal.close(belong));
    const fill = batch === undefined ? close : unlessFailed(done, () => wal.append(batch, close));
    wal.whenStarted(fill);
  });
  const removeNext: DiskDone = unlessFailed(done, () => {
    const leftover = leftovers.shift();
    if (leftover === undefined) makeLog(undefined);
    else disk.remove(leftover, removeNext);
  });
  removeNext(undefined);
}

function emptyLog(seams: FolderSeams, { clusterId, memberId }: Identity, segmentBytes: number): Wal {
  const options = { clusterId, memberId, segmentBytes };
  const recovery = recoverWal(seams.disk, seams.platform, options, { index: 0, term: 0 });
  let step = recovery.next();
  while (step.done !== true) step = recovery.next();
  return step.value.wal;
}

function unlessFailed(done: DiskDone, next: () => void): DiskDone {
  return (error) => (error === undefined ? next() : done(error));
}
