/**
 * `--force-new-cluster`: what is appended to the log of one member so that it is the only member of its cluster, with all its data.
 *
 * Everything that stands in the log counts as committed: what was acknowledged to anybody stands in the log of a majority, perhaps
 * behind the commit index that this member had heard of, and cutting it off there (as etcd does) could lose acknowledged writes
 * for nothing. What was never committed may come in with it, as it may after any election. Then follow configuration entries of the
 * present term, committed with the same write: each is one step that a leader could have taken, so the log reads like any other
 * (raft-bugs 61, 62: no configuration is set from outside the log, and none that stands in it is forgotten). The directory follows
 * them as it follows any other, so the ids of those who are removed are remembered, and they are told if they come back.
 *
 * It is for a cluster that has lost its majority for good. If the others live, they go on without this member, under the same
 * cluster id, and refuse it: that is two clusters, and the operator's decision.
 */
import {
  applyConfigChange,
  type ConfigChange,
  type ConfigState,
  configMembers,
  decodeConfigChange,
  type Entry,
  encodeConfigChange,
  type InitialState,
  isVoter,
  type MemberId,
} from '@quorate/raft';
import type { WalBatch } from '../wal/wal.js';

/** `done`: it is alone already. `stranger`: its log knows of no cluster that it is a member of. */
export type SoleMemberPlan =
  | { readonly kind: 'change'; readonly batch: WalBatch }
  | { readonly kind: 'done' | 'stranger' };

export function planSoleMember(initial: InitialState, self: MemberId): SoleMemberPlan {
  let { config } = initial.applied;
  let last = initial.compacted.index;
  for (const entry of initial.entries) {
    last = entry.index;
    if (entry.index > initial.applied.index && entry.type === 'config') {
      config = applyConfigChange(config, decodeConfigChange(entry.data));
    }
  }
  if (!configMembers(config).includes(self)) return { kind: 'stranger' };
  const changes = changesToSole(config, self);
  if (changes.length === 0) return { kind: 'done' };
  const { term, vote } = initial.hardState;
  const entries = changes.map(
    (change, position): Entry => ({
      index: last + 1 + position,
      term,
      type: 'config',
      data: encodeConfigChange(change),
    }),
  );
  const hardState = { term, vote, commit: last + entries.length };
  return { kind: 'change', batch: { hardState, entries, reset: undefined, mustSync: true } };
}

/** One voter at a time, so that no step is joint: nobody is there to leave a joint configuration. */
function changesToSole(config: ConfigState, self: MemberId): ConfigChange[] {
  const changes: ConfigChange[] = [];
  let present = config;
  const take = (steps: ConfigChange['changes']): void => {
    const change: ConfigChange = { changes: steps, transition: 'auto', context: new Uint8Array(0) };
    present = applyConfigChange(present, change);
    changes.push(change);
  };
  if (present.votersOutgoing.length > 0) take([]);
  if (!isVoter(present, self)) take([{ type: 'add-voter', member: self }]);
  for (const member of configMembers(present)) if (member !== self) take([{ type: 'remove', member }]);
  return changes;
}
