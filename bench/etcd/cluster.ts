/** What the programs of this folder ask of a running system, through etcd's own protocol, and of the machine. */
import { execFile, execFileSync } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { StatusRequest, StatusResponse } from '@quorate/proto';
import { framed } from './h2load.js';
import { headerBlock, LoadConnection } from './load-connection.js';
import type { System, SystemMember } from './systems.js';

const INSTALL = path.join(
  path.dirname(fileURLToPath(import.meta.url)),
  '..',
  '..',
  '..',
  'tools',
  'install-test-tools.sh',
);
const STATUS = '/etcdserverpb.Maintenance/Status';
/** Not more often: a question is a connection of its own, and asked each 5 ms they made up a tenth of what a restart took. */
export const POLL_MS = 20;
const GRPC_PREFIX_BYTES = 5;
const CALL_TIMEOUT_MS = 1_000;
const LEADER_TIMEOUT_MS = 60_000;

/** A member's answer to Status; undefined if it has none to give. */
export async function statusOf(origin: string): Promise<StatusResponse | undefined> {
  const reply = await callOnce(origin, STATUS, StatusRequest.encode({}));
  return reply && StatusResponse.decode(reply);
}

/** One call over a connection of its own: the message of the answer, or undefined. */
export async function callOnce(origin: string, rpc: string, message: Uint8Array): Promise<Uint8Array | undefined> {
  let connection: LoadConnection;
  try {
    connection = await LoadConnection.open(origin);
  } catch {
    return undefined;
  }
  const timer = setTimeout(() => connection.close(), CALL_TIMEOUT_MS);
  try {
    const bytes = await new Promise<Buffer | undefined>((resolve) => {
      connection.callForReply(headerBlock(origin, rpc), framed(message), resolve);
    });
    return bytes === undefined || bytes.length < GRPC_PREFIX_BYTES ? undefined : bytes.subarray(GRPC_PREFIX_BYTES);
  } finally {
    clearTimeout(timer);
    connection.close();
  }
}

/** The leader, once every member knows one. Throws with the ends of their logs if that takes longer than a minute. */
export async function leaderMember(system: System): Promise<SystemMember> {
  const deadlineMs = performance.now() + LEADER_TIMEOUT_MS;
  while (performance.now() < deadlineMs) {
    const statuses = await Promise.all(system.members.map((member) => statusOf(member.origin)));
    const leaders = new Set(statuses.map((status) => status?.leader ?? 0n));
    const [leader = 0n] = leaders;
    if (leaders.size === 1 && leader !== 0n) {
      const index = statuses.findIndex((status) => status?.header?.memberId === leader);
      const member = system.members[index];
      if (member !== undefined) return member;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const logs = system.members.map((member) => `${member.name}:\n${member.logEnd()}`);
  throw new Error(
    `${system.name} has no leader that all members know after ${LEADER_TIMEOUT_MS} ms\n${logs.join('\n')}`,
  );
}

/** Installs Debian's etcd-server and nghttp2-client if they are missing. */
export async function requireTools(): Promise<void> {
  await promisify(execFile)('bash', [INSTALL]);
}

export function machine(): string {
  const [cpu] = os.cpus();
  const memory = Math.round(os.totalmem() / 2 ** 30);
  return `${os.cpus().length} x ${cpu?.model.trim()}, ${memory} GiB, ${os.type()} ${os.release()}`;
}

export function versionOf(program: string): string {
  return execFileSync(program, ['--version'], { encoding: 'utf8' }).split('\n')[0]?.trim() ?? '';
}
