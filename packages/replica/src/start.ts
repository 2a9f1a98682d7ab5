/** Reading a data folder at a start, and making its member the only one of its cluster where an operator asks for that. */
import { QuorateError } from './api.js';
import { done } from './data-folder.js';
import type { RecoverySeams } from './replica/recovery.js';
import { recover } from './replica/recovery.js';
import type { RecoveredState } from './replica/replica-options.js';
import { planSoleMember } from './replica/sole-member.js';
import type { WalOptions } from './wal/wal.js';

/** Recovery blocks for a slice at a time, so that an embedding process stays responsive. */
export async function recoverInSlices(seams: RecoverySeams, options: WalOptions): Promise<RecoveredState> {
  const recovery = recover(seams, options);
  for (;;) {
    const step = recovery.next();
    if (step.done === true) return step.value;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Resolves when the log says durably that this member is alone. Repeating it after a crash, or without need, changes nothing. */
export async function becomeOnlyMember(seams: RecoverySeams, options: WalOptions): Promise<void> {
  const { initial, wal } = await recoverInSlices(seams, options);
  await done((callback) => wal.whenStarted(callback));
  const plan = planSoleMember(initial, options.memberId);
  if (plan.kind === 'change') {
    await done((callback) => wal.append(plan.batch, callback));
    seams.trace.event('forced-new-cluster', { memberId: options.memberId, index: plan.batch.hardState?.commit });
  }
  await done((callback) => wal.close(callback));
  if (plan.kind === 'stranger') {
    const reason =
      'the data folder knows of no cluster that its member is part of: there is nothing to make a cluster of';
    throw new QuorateError('data-folder', 'rejected', reason);
  }
}
