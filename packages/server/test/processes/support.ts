/** What the tests with real processes share: how a member is started, and writes that go on around what a test does. */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { MemberInfo, MemberStatus } from '@quorate/replica';
import {
  ConditionTimeout,
  type HttpResult,
  ProcessCluster,
  type ProcessClusterOptions,
  type ProcessMember,
  Workload,
  type WorkloadOptions,
} from '@quorate/replica/testing';
import { judgeHistory, readHistory } from '@quorate/simulator';

const QUORATE = fileURLToPath(new URL('../../programs/quorate.js', import.meta.url));

/** Enough to be sure that writes go on at every member, and over in a moment. */
const WRITES = 60;

export function serveCommand(): string[] {
  return [process.execPath, QUORATE, 'serve'];
}

export function startCluster(options: Omit<ProcessClusterOptions, 'command'>): Promise<ProcessCluster> {
  return ProcessCluster.start({ ...options, command: serveCommand });
}

let workloads = 0;

/**
 * Runs a scenario while clients write through every member; then writes must still be possible, every member that is up must hold every
 * acknowledged write, and all of them the same.
 */
export async function underLoad(
  cluster: ProcessCluster,
  scenario: (workload: Workload) => Promise<void>,
  options: Partial<WorkloadOptions> = {},
): Promise<Workload> {
  workloads += 1;
  const workload = new Workload({
    addresses: () => cluster.members.map((member) => member.address),
    prefix: `load${workloads}`,
    ...options,
  }).start();
  try {
    await writesGoOn(cluster, workload);
    await scenario(workload);
    await writesGoOn(cluster, workload);
    await workload.verify(cluster.addresses(), judge);
    await cluster.waitConverged();
  } catch (error) {
    if (error instanceof ConditionTimeout) throw error;
    // Before the cluster goes: what its members said tells more than the error.
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${await cluster.describe()}`, {
      cause: error,
    });
  } finally {
    await workload.stop();
  }
  return workload;
}

/** The judge of simulated histories, for histories of real processes. */
export function judge(history: string): readonly string[] {
  return judgeHistory(readHistory(history)).violations;
}

export function writesGoOn(cluster: ProcessCluster, workload: Workload): Promise<void> {
  return workload.waitWrites(WRITES, () => cluster.describe());
}

/** Starts every member that does not run and waits until all of them are voters that follow one leader. */
export async function bringAllBack(cluster: ProcessCluster): Promise<void> {
  for (const member of cluster.members) {
    if (!member.isRunning) member.start();
    else if (!member.isUp) member.resume();
  }
  await cluster.waitReady();
}

/** The time that a scenario is about, where it is not a condition: SIGSTOP for five seconds. */
export function forSeconds(seconds: number): Promise<void> {
  return delay(seconds * 1000);
}

/** The status of a member that must answer. */
export async function statusOf(member: ProcessMember): Promise<MemberStatus> {
  const status = await member.status();
  if (status === undefined) throw new Error(`${member.name} does not answer\n${member.logText(20)}`);
  return status;
}

/** The members as one member knows them, by name. */
export async function membersOf(member: ProcessMember): Promise<Map<string, MemberInfo>> {
  const { members } = await statusOf(member);
  return new Map(members.map((info) => [info.name, info]));
}

export function removeMember(via: ProcessMember, name: string): Promise<HttpResult> {
  return via.call({ method: 'DELETE', path: `/cluster/members/${name}`, timeoutMs: 30_000 });
}

/** Fails unless the answer has that status, and says what it was instead. */
export function expectStatus(result: HttpResult, status: number): void {
  const told =
    result.kind === 'answer' ? `${result.status}: ${result.body}` : `no answer (${result.kind}): ${result.reason}`;
  assert.ok(result.kind === 'answer' && result.status === status, `expected status ${status}, got ${told}`);
}
