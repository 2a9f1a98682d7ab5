/** Members that are stopped: who leads after them, and that a whole cluster can be stopped at once. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ELECTION_MS, HEARTBEAT_MS, VirtualCluster, type VirtualMember } from './virtual-cluster.js';

/** What draining has come to; its process ends, as far as others can tell, when it is over. */
function depart(member: VirtualMember): { isOver: boolean } {
  const departure = { isOver: false };
  member.replica?.drain(() => {
    departure.isOver = true;
  });
  return departure;
}

function highestTerm(cluster: VirtualCluster): number {
  return Math.max(...cluster.members.map(({ replica }) => replica?.raft.term ?? 0));
}

describe('a departure', () => {
  it('leaves the lead to another member, at once', () => {
    const cluster = new VirtualCluster(3);
    const leader = cluster.theLeader;
    const departure = depart(leader);
    const tookMs = cluster.until(() => departure.isOver);
    assert.ok(tookMs < 3 * HEARTBEAT_MS, `${tookMs} ms`);
    assert.notEqual(cluster.theLeader, leader);
    assert.equal(leader.replica?.raft.role, 'follower');
  });

  it('of all members one after the other does not hand the lead on in a circle', () => {
    for (const pauseMs of [0, 5, 20, 40, 150]) {
      const cluster = new VirtualCluster(3);
      const before = highestTerm(cluster);
      const [second, third] = cluster.followers;
      const leaving = [cluster.theLeader, second, third].map((member) => {
        const departure = depart(member as VirtualMember);
        cluster.run(pauseMs);
        return departure;
      });
      const tookMs = cluster.until(() => leaving.every(({ isOver }) => isOver));
      assert.ok(tookMs < 3 * ELECTION_MS, `${tookMs} ms when they are stopped ${pauseMs} ms apart`);
      assert.ok(highestTerm(cluster) <= before + 2, `term ${highestTerm(cluster)} after ${before}`);
    }
  });

  it('asks the next one if the first does not take the lead', () => {
    const cluster = new VirtualCluster(3);
    const [leaving, staying] = cluster.followers as [VirtualMember, VirtualMember];
    const leader = cluster.theLeader;
    // It would be asked first: its log is the longest of the others'.
    cluster.network.cut(leader.id, staying.id);
    leader.put('a', 'b');
    cluster.network.heal();
    depart(leaving);
    const departure = depart(leader);
    cluster.until(() => departure.isOver);
    cluster.until(() => cluster.leader === staying);
  });

  it('of a member whose peers are gone ends with it in the lead', () => {
    const cluster = new VirtualCluster(3);
    const leader = cluster.theLeader;
    for (const follower of cluster.followers) follower.kill();
    const departure = depart(leader);
    const tookMs = cluster.until(() => departure.isOver);
    assert.ok(tookMs < 3 * ELECTION_MS, `${tookMs} ms`);
  });
});
