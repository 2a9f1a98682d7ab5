/**
 * A member loses power at the first write of a log segment, of which perhaps nothing but the segment's header is left. Cut off from
 * the others it writes nothing when it is back, but takes the snapshot that was due; and what is before that segment may then go,
 * unless the hard state is nowhere else. Then it crashes again.
 */
import type { Member } from '../world/member.js';
import { linksBetween } from './cuts.js';
import type { Plan, Stage } from './stage.js';

export function* bareHeader(stage: Stage): Plan {
  const scene = yield* stage.scene(2);
  if (scene === undefined) return;
  const { world, random } = stage;
  const [victim] = scene.others as [Member];
  // A snapshot is due all the time, and does not get done.
  stage.watch(victim, (name, data) => {
    if (name === 'snapshot-begin') victim.stall(`-${Number(data['index']).toString(16).padStart(16, '0')}.snap`);
  });
  stage.undoLater(() => victim.unstall());
  const known = new Set(victim.disk.list('wal'));
  let begun: string | undefined;
  stage.crashAt(victim, (operation, path) => {
    if (!path.startsWith('wal/') || known.has(path.slice('wal/'.length))) return false;
    if (operation === 'write') begun = path;
    return operation === 'sync' && path === begun;
  });
  if (!(yield* stage.until(() => !victim.isRunning, 10))) return;
  victim.unstall();
  stage.cut(linksBetween([victim], world.members));
  let isTaken = false;
  stage.watch(victim, (name) => {
    isTaken ||= name === 'snapshot-end';
  });
  victim.start();
  yield* stage.until(() => isTaken, 2);
  yield* stage.sleep(random.between(0, 8 * world.scenario.diskLatencyMaxMs + 2));
  victim.crash('power', 'bare header');
  victim.start();
  yield* stage.sleep(stage.electionMs / 2);
}
