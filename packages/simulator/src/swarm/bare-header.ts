/**
 * A member loses power at the first write of a log segment, of which perhaps nothing but the segment's header is left. When it is back,
 * it gets no appends and so writes nothing, but heartbeats tell it what is committed, and it takes the snapshot that was due; and what
 * is before that segment may then go, unless the hard state is nowhere else. Then it crashes again.
 */
import type { Member } from '../world/member.js';
import type { Plan, Stage } from './stage.js';

export function* bareHeader(stage: Stage): Plan {
  const before = yield* stage.scene(2);
  if (before === undefined) return;
  const { world, random } = stage;
  // The member is to have given its vote: in its first term it has none to lose.
  const [victim, next] = before.others as [Member, Member];
  before.leader.administer({ kind: 'transfer', target: next.memberId }, () => {});
  yield* stage.until(() => stage.isSucceeded(before.term), 2);
  // A snapshot is due all the time, and does not get done.
  let isDue = false;
  stage.watch(victim, (name, data) => {
    if (name !== 'snapshot-begin') return;
    isDue = true;
    victim.stall.begin(`-${Number(data['index']).toString(16).padStart(16, '0')}.snap`);
  });
  stage.undoLater(() => victim.stall.end());
  const known = new Set(victim.disk.list('wal'));
  let begun: string | undefined;
  stage.crashAt(victim, (operation, path) => {
    if (!path.startsWith('wal/') || known.has(path.slice('wal/'.length))) return false;
    if (operation === 'write') begun = path;
    return operation === 'sync' && path === begun && isDue;
  });
  if (!(yield* stage.until(() => !victim.isRunning, 10))) return;
  victim.stall.end();
  victim.holdsAppends = true;
  stage.undoLater(() => {
    victim.holdsAppends = false;
    victim.inbox?.release();
  });
  let isTaken = false;
  stage.watch(victim, (name) => {
    isTaken ||= name === 'snapshot-end';
  });
  victim.start();
  yield* stage.until(() => isTaken, 2);
  yield* stage.sleep(random.between(0, 8 * world.scenario.diskLatencyMaxMs + 2));
  victim.crash('power', 'bare header');
  victim.holdsAppends = false;
  victim.start();
  yield* stage.sleep(stage.electionMs / 2);
}
