/** A follower falls so far behind that it is sent a snapshot; and then something happens to it, or to the one who sends. */
import type { Member } from '../world/member.js';
import { linksBetween } from './cuts.js';
import type { Plan, Scene, Stage } from './stage.js';

type Ending = (stage: Stage, scene: Scene, victim: Member) => Plan;

export function* laggard(stage: Stage): Plan {
  const scene = yield* stage.scene(2);
  if (scene === undefined) return;
  const { leader, others } = scene;
  const [victim] = others as [Member, ...Member[]];
  const ending = stage.random.pick<Ending>([crashInstalling, campaignInstalling, takeInstalling, repeatInstalled]);
  const isTaking = ending === takeInstalling && (yield* stallWhileItTakes(stage, victim));
  if (ending === takeInstalling && !isTaking) return;
  const links = linksBetween([victim], stage.world.members);
  stage.cut(links);
  const isBehind = (): boolean => {
    const { raft } = stage.world.leader?.replica ?? {};
    return raft !== undefined && raft.core.log.compactedIndex > (victim.replica?.raft.lastIndex ?? 0);
  };
  const isSent = yield* stage.until(isBehind, 12);
  if (!isSent || victim.replica === undefined || stage.world.leader !== leader) return;
  if (ending === repeatInstalled) victim.inbox?.remember();
  stage.uncut(links);
  yield* ending(stage, scene, victim);
}

/** It crashes soon after it has taken the snapshot in: some of what it needs then may not be on its disk yet. */
function* crashInstalling(stage: Stage, _scene: Scene, victim: Member): Plan {
  const { world, random } = stage;
  const kind = world.drawCrashKind(random);
  const afterMs = random.chance(0.5) ? 0 : random.between(0, 2 * world.scenario.diskLatencyMaxMs);
  let isDone = false;
  stage.watch(victim, (name) => {
    if (name !== 'snapshot-installed' || isDone) return;
    isDone = true;
    world.schedule.after(afterMs, () => victim.crash(kind, 'laggard'));
  });
  yield* stage.until(() => isDone, 6);
}

/** Its disk hangs as it writes that its log begins after the snapshot, and its leader is gone. */
function* campaignInstalling(stage: Stage, { leader, others }: Scene, victim: Member): Plan {
  let isDone = false;
  stage.watch(victim, (name) => {
    if (name !== 'snapshot-installed' || isDone) return;
    isDone = true;
    stage.hang(victim);
    stage.cut(linksBetween([leader], [victim, ...others]));
  });
  if (!(yield* stage.until(() => isDone, 6))) return;
  const isOver = (): boolean => {
    if (stage.random.chance(0.2)) victim.campaign();
    return false;
  };
  yield* stage.until(isOver, 3);
}

/** It has been taking a snapshot of its own all the time, which becomes whole now. */
function* takeInstalling(stage: Stage, _scene: Scene, victim: Member): Plan {
  let isInstalled = false;
  stage.watch(victim, (name) => {
    isInstalled ||= name === 'snapshot-installed';
  });
  yield* stage.until(() => isInstalled, 8);
  yield* stage.sleep(stage.random.between(0, stage.world.scenario.diskLatencyMaxMs));
  victim.stall.end();
  yield* stage.sleep(stage.electionMs);
}

/** What is written of the snapshot that it takes next is not answered. */
function* stallWhileItTakes(stage: Stage, victim: Member): Generator<void, boolean> {
  let isTaking = false;
  stage.watch(victim, (name, data) => {
    if (name !== 'snapshot-begin' || isTaking) return;
    isTaking = true;
    victim.stall.begin(`-${Number(data['index']).toString(16).padStart(16, '0')}.snap`);
  });
  stage.undoLater(() => victim.stall.end());
  yield* stage.until(() => isTaking, 6);
  return isTaking;
}

/** All frames that brought it the snapshot come again, when it has gone on. */
function* repeatInstalled(stage: Stage, _scene: Scene, victim: Member): Plan {
  let isInstalled = false;
  stage.watch(victim, (name) => {
    isInstalled ||= name === 'snapshot-installed';
  });
  yield* stage.until(() => isInstalled, 6);
  yield* stage.sleep(stage.random.between(0, stage.electionMs));
  victim.inbox?.repeat();
  yield* stage.sleep(stage.random.between(0, stage.electionMs));
}
