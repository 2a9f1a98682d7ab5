/** The commands that talk to a running cluster, except `status`. */
import type { JoinResult, MemberInfo } from '@quorate/replica';
import { type Call, type Endpoints, failureOf } from './endpoints.js';
import { CliFailure, type CliIo, EXIT, table } from './io.js';

/** Common to all: where to ask and how to answer. */
export interface Context {
  readonly io: CliIo;
  readonly endpoints: Endpoints;
  readonly json: boolean;
}

async function succeed(context: Context, call: Call): Promise<{ readonly status: number; readonly body: string }> {
  const answer = await context.endpoints.call(call);
  if (answer.status < 200 || answer.status > 299) throw failureOf(call, answer);
  return answer;
}

function print(context: Context, value: unknown, text: string): void {
  context.io.out(context.json ? `${JSON.stringify(value)}\n` : text);
}

/** The path of a key. `.` and `..` would be taken as steps by URL-minded clients and proxies; ours sends them as they are. */
function keyPath(key: string, query = ''): string {
  if (key === '') throw new CliFailure(EXIT.usage, 'the key is empty');
  return `/key/${encodeURIComponent(key)}${query}`;
}

export async function put(context: Context, key: string, value: string, createOnly: boolean): Promise<void> {
  const path = keyPath(key);
  const call: Call = createOnly
    ? { method: 'POST', path: '/key', body: { key, value } }
    : { method: 'PUT', path, body: { value } };
  const created = (await succeed(context, call)).status === 201;
  print(context, { key, created }, created ? 'created\n' : 'updated\n');
}

export async function get(context: Context, key: string, consistency: string): Promise<void> {
  const query = consistency === 'serializable' ? '?consistency=serializable' : '';
  const { body } = await succeed(context, { method: 'GET', path: keyPath(key, query) });
  const [value] = Object.values(JSON.parse(body) as Record<string, string>);
  print(context, { key, value }, `${value ?? ''}\n`);
}

export async function del(context: Context, key: string): Promise<void> {
  await succeed(context, { method: 'DELETE', path: keyPath(key) });
  print(context, { key, deleted: true }, 'deleted\n');
}

export async function memberList(context: Context): Promise<void> {
  const { body } = await succeed(context, { method: 'GET', path: '/cluster/members' });
  const { members } = JSON.parse(body) as { readonly members: readonly MemberInfo[] };
  print(context, { members }, memberTable(members));
}

function memberTable(members: readonly MemberInfo[]): string {
  const rows = members.map((member) => [
    String(member.id),
    member.name,
    member.peerAddress,
    member.clientAddress === '' ? '-' : member.clientAddress,
    member.voter ? 'voter' : member.promoteWhenCaughtUp ? 'learner (to be promoted)' : 'learner',
  ]);
  return table([['ID', 'NAME', 'PEER ADDRESS', 'CLIENT ADDRESS', 'KIND'], ...rows]);
}

export interface AddOptions {
  readonly clientAddress?: string;
  readonly promote: boolean;
}

export async function memberAdd(
  context: Context,
  name: string,
  peerAddress: string,
  options: AddOptions,
): Promise<void> {
  const { clientAddress, promote: promoteWhenCaughtUp } = options;
  const body = { name, peerAddress, promoteWhenCaughtUp, ...(clientAddress === undefined ? {} : { clientAddress }) };
  const answer = await succeed(context, { method: 'POST', path: '/cluster/members', body });
  const result = JSON.parse(answer.body) as JoinResult;
  print(context, result, `added ${name} as ${result.memberId}\n`);
}

export async function memberPromote(context: Context, idOrName: string): Promise<void> {
  const path = `/cluster/members/${encodeURIComponent(idOrName)}/promote`;
  const { body } = await succeed(context, { method: 'POST', path, body: {} });
  const { promoted } = JSON.parse(body) as { readonly promoted: MemberInfo };
  print(context, { promoted }, `promoted ${promoted.name} (${promoted.id})\n`);
}

export async function memberRemove(context: Context, idOrName: string): Promise<void> {
  const path = `/cluster/members/${encodeURIComponent(idOrName)}`;
  const { body } = await succeed(context, { method: 'DELETE', path });
  const { removed } = JSON.parse(body) as { readonly removed: MemberInfo };
  print(context, { removed }, `removed ${removed.name} (${removed.id})\n`);
}

export async function transferLeadership(context: Context, target: string | undefined): Promise<void> {
  const body = target === undefined ? {} : { target };
  const answer = await succeed(context, { method: 'POST', path: '/cluster/transfer-leadership', body });
  const { leaderId } = JSON.parse(answer.body) as { readonly leaderId: number };
  const members = await succeed(context, { method: 'GET', path: '/cluster/members?consistency=serializable' });
  const { members: all } = JSON.parse(members.body) as { readonly members: readonly MemberInfo[] };
  const leader = all.find((member) => member.id === leaderId);
  const text = leader === undefined ? 'leadership was handed over\n' : `the leader is ${leader.name} (${leader.id})\n`;
  print(context, { leaderId }, text);
}
