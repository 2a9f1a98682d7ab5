/**
 * Whether a member may go on: it was removed, or finds out that its folder is not the one in which its promises stand (raft-bugs 35).
 * Votes and entries were lost with another folder then, and going on under the same id would break them. What is refused before a
 * member is founded: founding.ts.
 */
import { type ConfigState, configMembers, type MemberId, type Raft } from '@quorate/raft';
import type { Directory } from './directory.js';
import { type Failure, failure } from './failure.js';
import type { ReplicaOptions } from './replica-options.js';
import type { StateMachine } from './state-machine.js';

export const removed: Failure = failure('removed', 'rejected', 'this member was removed from the cluster');

type Self = Pick<ReplicaOptions, 'memberId' | 'folderOfGivenId'>;
type Applied = Pick<StateMachine, 'appliedIndex' | 'appliedTerm' | 'config' | 'directory'>;
type Consensus = Pick<Raft, 'role' | 'term'> & { readonly core: Pick<Raft['core'], 'pendingConfigIndex'> };

/** Undefined: it may go on. `met`: everybody who has introduced itself since it started. */
export function reasonToStop(
  self: Self,
  state: Applied,
  raft: Consensus,
  met: Iterable<MemberId>,
): Failure | undefined {
  const { directory } = state;
  // A leader first sees to it that the others know.
  if (directory.isRemoved(self.memberId) && raft.role !== 'leader') return removed;
  return impostorOf(self, directory) ?? strangerOf(self.memberId, state, raft, met);
}

export function isOnlyVoter({ voters, votersOutgoing }: ConfigState, id: MemberId): boolean {
  return voters.length === 1 && voters[0] === id && votersOutgoing.length === 0;
}

/** Another folder has taken this member's id: this one has forgotten what that one has promised. */
export function impostorOf({ memberId, folderOfGivenId }: Self, directory: Directory): Failure | undefined {
  if (folderOfGivenId === undefined) return undefined;
  const taken = directory.get(memberId)?.instance ?? '';
  if (taken === '' || taken === folderOfGivenId) return undefined;
  const reason = `member ${memberId} has already been bootstrapped, from another data folder; remove it and add it again`;
  return failure('data-folder', 'rejected', reason);
}

/**
 * A member of this cluster that this one, alone in its configuration, has never heard of. Whoever founded a cluster alone can found it
 * again in an empty folder, under the same ids (decision 0010); its entries then have indexes and terms that others have in the old
 * log, and it must not take a single one from them.
 *
 * That there is nobody else is sure, and not just what it has heard so far: as the only voter it takes part in every change of the
 * configuration, all that its log says of them is applied, and who was removed is remembered. (With other voters there may be a later
 * leader, which has added somebody.)
 */
function strangerOf(self: MemberId, state: Applied, raft: Consensus, met: Iterable<MemberId>): Failure | undefined {
  const { config, directory, appliedIndex, appliedTerm } = state;
  const isSettled = raft.role === 'leader' && appliedTerm === raft.term && raft.core.pendingConfigIndex <= appliedIndex;
  if (!isOnlyVoter(config, self) || !isSettled) return undefined;
  const known = configMembers(config);
  for (const id of met) {
    if (known.includes(id) || directory.isRemoved(id)) continue;
    return failure(
      'data-folder',
      'rejected',
      `member ${id} belongs to this cluster and is unknown to member ${self}, which is alone in it: its data folder was lost after ` +
        'others had been added, or it was made a cluster of its own while they went on. Remove it there and add it again',
    );
  }
  return undefined;
}
