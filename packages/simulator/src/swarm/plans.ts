/**
 * Targeted storms: schedules of faults that lead to a delicate place which chance seldom finds. A scenario draws at most one of them
 * and repeats it; times, victims and variations are drawn anew each time. A plan only does what a storm may do.
 */
import { ListedFounding } from '../world/founding.js';
import type { Member } from '../world/member.js';
import type { PlanName } from '../world/scenario.js';
import { bareHeader } from './bare-header.js';
import { linkOf, linksBetween } from './cuts.js';
import { figureEight } from './figure-eight.js';
import { laggard } from './laggard.js';
import type { Plan, Scene, Stage } from './stage.js';

/** Past this many names nobody is added any more. */
const MEMBERS_MAX = 9;

export const PLANS: Readonly<Record<PlanName, (stage: Stage) => Plan>> = {
  'lonely-leader': lonelyLeader,
  'cut-tail': cutTail,
  'late-answers': lateAnswers,
  'frozen-leader': frozenLeader,
  'voters-restart': votersRestart,
  'transfer-cut': transferCut,
  'hung-voter': hungVoter,
  'hasty-campaign': hastyCampaign,
  'figure-eight': figureEight,
  laggard,
  'bare-header': bareHeader,
  'joint-changes': jointChanges,
  'damaged-disk': damagedDisk,
  farewell,
  'retiring-leader': retiringLeader,
  'forgotten-founder': forgottenFounder,
  'forgetful-founder': forgetfulFounder,
};

/** As late in the interval of its check of the quorum as chance has it: a leader that is cut off then stays one for longest. */
function* lateInItsCheck(stage: Stage, { leader }: Scene): Plan {
  const share = stage.random.between(0, 0.9);
  const { electionTicks } = stage.world.scenario;
  yield* stage.until(() => (leader.replica?.raft.core.electionElapsed ?? 0) >= share * electionTicks, 1);
}

/** The leader is cut off, alone or with less than half of the voters, until another one has gone on without it for a while. */
function* lonelyLeader(stage: Stage): Plan {
  const scene = yield* stage.scene(2);
  if (scene === undefined) return;
  const { leader, others, term } = scene;
  const companions = stage.random.integer(Math.ceil(others.length / 2));
  yield* lateInItsCheck(stage, scene);
  stage.cut(linksBetween([leader, ...others.slice(0, companions)], others.slice(companions)));
  yield* stage.until(() => stage.isSucceeded(term), 4);
  yield* stage.sleep(stage.random.between(0, stage.electionMs));
}

/** A leader that was cut off has a tail of entries that the next one replaces by fewer; it crashes right then. */
function* cutTail(stage: Stage): Plan {
  const scene = yield* stage.scene(2);
  if (scene === undefined) return;
  const { leader, others, term } = scene;
  const { world, random } = stage;
  const links = linksBetween([leader], others);
  stage.cut(links);
  const hasTail = (): boolean => {
    const raft = leader.replica?.raft;
    return raft !== undefined && raft.persistedIndex > raft.commit + 1;
  };
  yield* stage.until(hasTail, 2);
  stage.quiet();
  yield* stage.until(() => stage.isSucceeded(term), 4);
  stage.uncut(links);
  yield* stage.until(() => (leader.replica?.raft.core.log.lastTerm ?? 0) > term, 3);
  yield* stage.sleep(random.between(0, 2 * world.scenario.diskLatencyMaxMs + 2));
  leader.crash(world.drawCrashKind(random), 'cut tail');
  leader.start();
  stage.loud();
  yield* stage.sleep(stage.electionMs);
}

/** Answers to a question of the leader are long under way: they come when others have elected somebody else, and it asks again. */
function* lateAnswers(stage: Stage): Plan {
  const scene = yield* stage.scene(2);
  if (scene === undefined) return;
  const { leader, others, term } = scene;
  yield* lateInItsCheck(stage, scene);
  stage.hold(leader, 'everything');
  leader.read(() => {});
  const { latencyMaxMs, turnDelayMs, tickMs } = stage.world.scenario;
  yield* stage.sleep(2 * latencyMaxMs + 2 * turnDelayMs + stage.random.between(0, tickMs));
  stage.cut(linksBetween([leader], others));
  const isAlone = (): boolean => leader.replica?.raft.role !== 'leader' || leader.replica.raft.term !== term;
  yield* stage.until(() => stage.isSucceeded(term) || isAlone(), 4);
  leader.read(() => {});
  yield* stage.sleep(2 * turnDelayMs);
  stage.release(leader);
  yield* stage.sleep(stage.random.between(0, stage.electionMs / 2));
}

/** The leader's process stands still in the middle of its writes, until another one has dropped the log that it would need. */
function* frozenLeader(stage: Stage): Plan {
  const scene = yield* stage.scene(2);
  if (scene === undefined) return;
  const { leader, term } = scene;
  const { latencyMaxMs, turnDelayMs } = stage.world.scenario;
  const isWriting = (): boolean => {
    const raft = leader.replica?.raft;
    return raft !== undefined && raft.lastIndex > raft.commit;
  };
  yield* stage.until(isWriting, 2);
  yield* stage.sleep(stage.random.between(0, latencyMaxMs + turnDelayMs));
  stage.pause(leader);
  const end = leader.replica?.raft.lastIndex ?? 0;
  const isBehind = ({ replica }: Member): boolean =>
    replica?.raft.role === 'leader' && replica.raft.term > term && replica.raft.core.log.compactedIndex > end;
  yield* stage.until(() => stage.world.members.some(isBehind), 12);
}

/**
 * With leases: voters that have just answered the leader restart, and forget it, while others are about to campaign. All hold
 * the same log, or those could not win.
 */
function* votersRestart(stage: Stage): Plan {
  const scene = yield* stage.scene(2);
  if (scene === undefined) return;
  const { leader, others, term } = scene;
  const count = Math.floor((others.length + 1) / 2);
  const company = others.slice(0, count);
  const rest = others.slice(count);
  stage.quiet();
  const isEqual = ({ replica }: Member): boolean => replica?.raft.persistedIndex === leader.replica?.raft.lastIndex;
  if (!(yield* stage.until(() => others.every(isEqual), 2))) return;
  stage.cut(linksBetween([leader], rest));
  const { tickMs, diskLatencyMaxMs } = stage.world.scenario;
  const leadMs = stage.random.between(0.5, 2) * (10 + 4 * diskLatencyMaxMs);
  const isAboutTo = ({ replica }: Member): boolean => {
    const core = replica?.raft.core;
    return core !== undefined && (core.electionTimeout - core.electionElapsed) * tickMs <= leadMs;
  };
  yield* stage.until(() => rest.some(isAboutTo), 3);
  stage.cut(linksBetween([leader], company));
  for (const member of company) {
    member.crash('kill', 'voters restart');
    member.start();
  }
  yield* stage.until(() => stage.isSucceeded(term), 2);
  stage.loud();
  yield* stage.sleep(stage.random.between(0, stage.electionMs));
}

/** The leader hands over, and hears no more of how that went. */
function* transferCut(stage: Stage): Plan {
  const scene = yield* stage.scene(2);
  if (scene === undefined) return;
  const { leader, others, term } = scene;
  const [target] = others;
  if (target === undefined) return;
  if (stage.random.chance(0.5)) stage.quiet();
  leader.administer({ kind: 'transfer', target: target.memberId }, () => {});
  const raft = leader.replica?.raft;
  yield* stage.until(() => raft?.core.leaseBroken === true, 2);
  stage.cut(others.map((other) => linkOf(other, leader)));
  yield* stage.until(() => (target.replica?.raft.term ?? 0) > term, 1);
  stage.cut(others.map((other) => linkOf(leader, other)));
  yield* stage.until(() => stage.isSucceeded(term), 2);
  stage.loud();
  yield* stage.sleep(stage.random.between(0, stage.electionMs));
}

/** A voter has entries that are not on its disk yet when it is asked for its vote by one that lacks them. */
function* hungVoter(stage: Stage): Plan {
  const scene = yield* stage.scene(2);
  if (scene === undefined) return;
  const { leader, others, term } = scene;
  const [voter, candidate] = others as [Member, Member];
  stage.cut(linksBetween([leader], [candidate]));
  stage.hang(voter);
  const holdsMore = (): boolean => {
    const raft = voter.replica?.raft;
    const other = candidate.replica?.raft.lastIndex ?? 0;
    return raft !== undefined && raft.lastIndex > raft.persistedIndex && raft.lastIndex > other;
  };
  yield* stage.until(holdsMore, 2);
  stage.cut(linksBetween([leader], others));
  yield* stage.until(() => stage.isSucceeded(term), stage.random.between(1, 4));
}

/** A change of the configuration is committed, and those who know that are told to campaign before they have applied it. */
function* hastyCampaign(stage: Stage): Plan {
  const scene = yield* stage.scene(2);
  if (scene === undefined) return;
  const { leader, others } = scene;
  for (const member of others) {
    let told = 0;
    stage.follow(member, () => {
      const raft = member.replica?.raft;
      if (raft?.core.hasUnappliedConfig !== true || raft.commit === told) return;
      told = raft.commit;
      member.campaign();
    });
  }
  const [other] = others as [Member];
  leader.reconfigure({
    changes: [{ type: 'update', member: other.memberId }],
    transition: 'auto',
    context: new Uint8Array(0),
  });
  yield* stage.sleep(stage.random.between(0, 2 * stage.electionMs));
}

/** Several voters change at once, over and over; members restart in the middle of it, and the leader is cut off from some. */
function* jointChanges(stage: Stage): Plan {
  const scene = yield* stage.scene(2);
  if (scene === undefined) return;
  const { leader, others } = scene;
  const isJoint = (): boolean => (stage.world.config?.votersOutgoing.length ?? 0) > 0;
  if (!isJoint()) stage.membership.reconfigure();
  yield* stage.until(isJoint, 1);
  if (isJoint() && stage.random.chance(0.5)) {
    const [victim = leader] = stage.random.chance(0.5) ? others : [leader];
    victim.crash(stage.world.drawCrashKind(stage.random), 'joint changes');
    victim.start();
  } else if (stage.random.chance(0.5)) {
    stage.cut(linksBetween([leader], others.slice(0, Math.floor(others.length / 2))));
  }
  yield* stage.sleep(stage.random.between(0, 2 * stage.electionMs));
  if (isJoint()) stage.membership.reconfigure();
}

/** A disk is damaged while its member is down; whoever is refused is replaced. */
function* damagedDisk(stage: Stage): Plan {
  const scene = yield* stage.scene(2);
  if (scene === undefined) return;
  const [victim] = scene.others as [Member];
  const kind = stage.random.pick(['bit-rot', 'bit-rot', 'bit-rot', 'lost-segment', 'lost-log'] as const);
  stage.membership.damage(victim, kind);
  victim.start();
  yield* stage.sleep(stage.random.between(0, 2 * stage.electionMs));
}

/** A member is removed, and what it has sent to the leader before comes a second time. */
function* farewell(stage: Stage): Plan {
  const scene = yield* stage.scene(2);
  if (scene === undefined) return;
  const { leader, others } = scene;
  const [victim] = others as [Member];
  const { memberId } = victim;
  const { inbox } = leader;
  inbox?.remember();
  yield* stage.sleep(stage.random.between(0, stage.electionMs));
  stage.membership.remove(victim);
  const isGone = (): boolean => leader.replica?.state.directory.isRemoved(memberId) === true;
  const isRemoved = yield* stage.until(isGone, 4);
  yield* stage.sleep(stage.random.between(0, stage.electionMs / 4));
  if (inbox === leader.inbox) inbox?.repeat();
  // Others join in its place, or there would soon be nobody left to be removed.
  if (isRemoved && stage.world.members.length < MEMBERS_MAX) stage.world.addMember().start();
  yield* stage.sleep(stage.random.between(0, 4 * stage.electionMs));
}

/** The leader loses its vote; those who have told it that they know of that lose power. It is a voter again in the end. */
function* retiringLeader(stage: Stage): Plan {
  const scene = yield* stage.scene(2);
  if (scene === undefined) return;
  const { leader, others } = scene;
  const [victim] = others as [Member];
  if (stage.random.chance(0.7)) stage.quiet();
  stage.membership.retire(leader);
  const isKnown = (): boolean => leader.replica?.raft.core.farewellKnown.has(victim.memberId) === true;
  let isDone = false;
  stage.follow(leader, () => {
    if (isDone || !isKnown()) return;
    isDone = true;
    stage.world.schedule.after(0, () => victim.crash('power', 'retiring leader'));
  });
  yield* stage.until(() => isDone, 4);
  victim.start();
  stage.loud();
  yield* stage.sleep(stage.random.between(0, stage.electionMs));
  stage.membership.promote(stage.world.leader ?? leader);
  yield* stage.sleep(stage.random.between(0, stage.electionMs));
}

/**
 * A member loses its disk as soon as the others know that it is started, and these restart: a commit index is on the disk only with the
 * next write, and there is none. It must not found itself again, if it has founded the cluster with them.
 */
function* forgottenFounder(stage: Stage): Plan {
  stage.quiet();
  const scene = yield* stage.scene(2);
  if (scene === undefined) return;
  const members = stage.shuffle([scene.leader, ...scene.others]);
  const [victim = scene.leader, ...others] = members;
  if (!(yield* stage.until(() => stage.membership.mayLose(victim), 4))) return;
  stage.membership.wipe(victim);
  for (const member of others) {
    member.crash(stage.world.drawCrashKind(stage.random), 'forgotten founder');
    member.start();
  }
  victim.start();
  yield* stage.sleep(stage.random.between(0, 4 * stage.electionMs));
}

/**
 * Who founded the cluster alone loses its disk, founds it again, and may be cut off from those added since until it has done more on its
 * own. It must take nothing from them, and stop when it meets them.
 */
function* forgetfulFounder(stage: Stage): Plan {
  const { founding } = stage.world;
  if (!(founding instanceof ListedFounding)) return;
  const { founder } = founding;
  if (!(yield* stage.until(() => stage.membership.mayLose(founder), 10)) || !founding.forget()) return;
  const links = linksBetween(
    [founder],
    stage.world.members.filter((member) => member !== founder),
  );
  const isCutOff = stage.random.chance(0.7);
  if (isCutOff) stage.cut(links);
  stage.membership.wipe(founder);
  founder.start();
  if (isCutOff) {
    yield* stage.sleep(stage.random.between(0, 2 * stage.electionMs));
    stage.uncut(links);
  }
  yield* stage.sleep(stage.random.between(0, 8 * stage.electionMs));
}
