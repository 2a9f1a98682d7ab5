/**
 * The schedule of the Raft paper's figure 8, and its relatives: a leader's entries reach one other member; a second leader, which
 * lacks them, reaches one of the two with an entry of its own; the first leads again; then perhaps the other one of the two.
 *
 *   1   {leader, holder}            entries that only these two have; the others elect `second`, which gets no entry through
 *   2   {second, leader or holder}  an entry of the later term replaces them there
 *   3   {leader, two others}        the first one leads again, and still has no quorum for its entries
 *   4   {holder, two others}        the other one of the two leads, with what it has
 *
 * The others take votes and no appends until the last step. Frames of the first step come to the leader again in the third.
 */
import type { Member } from '../world/member.js';
import type { Plan, Stage } from './stage.js';

export function* figureEight(stage: Stage): Plan {
  const scene = yield* stage.scene(4);
  if (scene === undefined) return;
  const { leader, others, term } = scene;
  const [holder, ...rest] = others as [Member, ...Member[]];

  for (const member of rest) stage.hold(member, 'append');
  leader.inbox?.remember();
  stage.allow([leader, holder], rest);
  const isHeld = (): boolean => {
    const raft = leader.replica?.raft;
    return (
      raft !== undefined && raft.lastIndex > raft.commit + 1 && holder.replica?.raft.persistedIndex === raft.lastIndex
    );
  };
  yield* stage.until(isHeld, 2);
  // The acknowledgements are under way for a moment.
  yield* stage.sleep(2 * stage.world.scenario.latencyMaxMs);
  const entries = lastIndex(leader);
  yield* stage.until(() => rest.some((member) => lead(member, term)), 4);
  const second = rest.find((member) => lead(member, term));
  if (second === undefined) return;
  const secondTerm = second.replica?.raft.term ?? 0;

  const [overwritten, other] = stage.random.chance(0.5) ? [leader, holder] : [holder, leader];
  stage.release(second);
  stage.allow([second, overwritten]);
  yield* stage.until(() => overwritten.replica?.raft.core.log.lastTerm === secondTerm, 3);

  const voters = rest.filter((member) => member !== second);
  stage.allow([leader, ...voters.slice(0, 2)]);
  if (!(yield* stage.until(() => lead(leader, secondTerm), 8))) return;
  leader.inbox?.repeat();
  yield* stage.until(() => lastIndex(leader) > entries, 2);

  const leaderTerm = leader.replica?.raft.term ?? 0;
  for (const member of voters) stage.release(member);
  stage.allow([overwritten === leader ? holder : other, ...voters.slice(0, 2)]);
  yield* stage.until(() => stage.isSucceeded(leaderTerm), 8);
}

function lead(member: Member, after: number): boolean {
  const raft = member.replica?.raft;
  return raft?.role === 'leader' && raft.term > after;
}

function lastIndex(member: Member): number {
  return member.replica?.raft.lastIndex ?? 0;
}
