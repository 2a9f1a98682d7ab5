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
 * True for somebody whom this member, alone in its configuration, has never heard of: it takes nothing from it [M6]. Whoever founded a
 * cluster alone can found it again in an empty folder, under the same ids (decision 0010); its entries then have indexes and terms that
 * others have in the old log, and of them it must not take a single one.
 *
 * Before it has applied all that its log says, it may take a true member for a stranger. What that one says is lost then, as messages
 * may be, and for a short time: it needs nobody's vote to commit and apply the rest of its log. (With other voters there may be a later
 * leader, which has added somebody.)
 */
export function isStranger(
  id: MemberId,
  self: MemberId,
  { config, directory }: Pick<Applied, 'config' | 'directory'>,
): boolean {
  return isOnlyVoter(config, self) && !configMembers(config).includes(id) && !directory.isRemoved(id);
}

/**
 * A stranger that has come to this member, alone in its configuration, and shows that its folder was lost.
 *
 * That there is nobody else is sure, and not just what it has heard so far, once it leads and has applied an entry of its term: as the
 * only voter it takes part in every change of the configuration, all that its log says of them is applied, and who was removed is
 * remembered.
 */
function strangerOf(self: MemberId, state: Applied, raft: Consensus, met: Iterable<MemberId>): Failure | undefined {
  const { appliedIndex, appliedTerm } = state;
  const isSettled = raft.role === 'leader' && appliedTerm === raft.term && raft.core.pendingConfigIndex <= appliedIndex;
  if (!isSettled) return undefined;
  for (const id of met) {
    if (!isStranger(id, self, state)) continue;
    return failure(
      'data-folder',
      'rejected',
      `member ${id} belongs to this cluster and is unknown to member ${self}, which is alone in it: its data folder was lost after ` +
        'others had been added, or it was made a cluster of its own while they went on. Remove it there and add it again',
    );
  }
  return undefined;
}
