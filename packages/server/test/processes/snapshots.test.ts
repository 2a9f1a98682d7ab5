/** A member that was away for so long that the others have dropped the log it lacks: it gets a snapshot and what follows it. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ProcessCluster, ProcessMember } from '@quorate/replica/testing';
import { expectStatus, startCluster, statusOf, underLoad } from './support.js';

const KIB = 1024;
const VALUE_BYTES = 16 * KIB;
const BULK_KEYS = 32;

describe('a member that was away', () => {
  let cluster: ProcessCluster;
  before(async () => {
    cluster = await startCluster({
      size: 3,
      env: {
        SERVICE_VAL_MAX_LEN: String(VALUE_BYTES),
        QUORATE_SNAPSHOT_LOG_BYTES: String(256 * KIB),
        QUORATE_SEGMENT_BYTES: String(256 * KIB),
      },
    });
  });
  after(() => cluster?.stop());

  it('catches up by a snapshot when the log that it lacks is gone', async () => {
    await underLoad(cluster, async () => {
      const away = await cluster.follower();
      const { lastIndex } = await statusOf(away);
      await away.kill('SIGKILL');
      await writeUntilTruncated(cluster, lastIndex);
      const since = away.logPosition;
      away.start();
      await away.waitLog(/snapshot-installed/, since);
      await cluster.waitReady();
      await everythingIsThere(away);
    });
  });

  it('does so again after it was wiped, and restarts from the snapshot that it was given', async () => {
    await underLoad(cluster, async () => {
      const away = await cluster.follower();
      await away.kill('SIGKILL');
      away.wipe();
      const since = away.logPosition;
      away.start();
      await away.waitLog(/snapshot-installed/, since);
      await cluster.waitReady();
      await away.kill('SIGKILL');
      away.start();
      await cluster.waitReady();
      await everythingIsThere(away);
    });
  });
});

/** Overwrites the same keys, so that the log outgrows the state, until the leader's log begins after that index. */
async function writeUntilTruncated(cluster: ProcessCluster, index: number): Promise<void> {
  const leader = await cluster.leader();
  let round = 0;
  await cluster.waitFor(async () => {
    round += 1;
    await Promise.all(Array.from({ length: BULK_KEYS }, (_, key) => put(leader, key, round)));
    const status = await statusOf(leader);
    return status.firstIndex > index + 1 && status.snapshotIndex > index;
  }, `${leader.name} drops its log up to ${index}`);
}

async function put(leader: ProcessMember, key: number, round: number): Promise<void> {
  const value = bulkValue(key, round);
  const answer = await leader.call({ method: 'PUT', path: `/key/bulk-${key}`, body: { value } });
  assert.ok(answer.kind === 'answer' && answer.status < 300, JSON.stringify(answer));
}

function bulkValue(key: number, round: number): string {
  return `${key}.${round}.`.padEnd(VALUE_BYTES, 'x');
}

async function everythingIsThere(member: ProcessMember): Promise<void> {
  for (let key = 0; key < BULK_KEYS; key++) {
    const answer = await member.call({ method: 'GET', path: `/key/bulk-${key}` });
    expectStatus(answer, 200);
    assert.ok(answer.kind === 'answer' && answer.body.length > VALUE_BYTES);
  }
}
