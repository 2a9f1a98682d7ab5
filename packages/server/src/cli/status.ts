/** `quorate status`: every member's own view, side by side. Members that do not answer are shown as such. */
import type { MemberInfo, MemberStatus } from '@quorate/replica';
import { RequestFailure } from '../http/client.js';
import type { Context } from './commands.js';
import { CliFailure, EXIT, table } from './io.js';

/** A member that is alive answers from memory; one that is not must not hold up the table. */
const MEMBER_TIMEOUT_MS = 2000;

export interface MemberRow {
  readonly id: number;
  readonly name: string;
  /** '' if the member has not said it. */
  readonly address: string;
  /** Undefined: it did not answer; `problem` says how. */
  readonly status: MemberStatus | undefined;
  readonly problem: string | undefined;
}

export async function status(context: Context): Promise<void> {
  const rows = await collect(context);
  context.io.out(context.json ? `${JSON.stringify({ members: rows.map(jsonRow) })}\n` : statusTable(rows));
}

/** Asks the endpoints for the members, then each member at its own address. */
async function collect(context: Context): Promise<readonly MemberRow[]> {
  const asked = await Promise.all(context.endpoints.addresses.map((address) => ask(context, address)));
  const views = asked.filter((answer): answer is MemberStatus => typeof answer !== 'string');
  // The view of the one that has applied most has the newest list of members.
  const newest = views.toSorted((left, right) => right.appliedIndex - left.appliedIndex)[0];
  if (newest === undefined) {
    const reasons = asked.filter((answer) => typeof answer === 'string');
    throw new CliFailure(EXIT.unavailable, reasons.join('; '));
  }
  const rows = newest.members.map((member) => row(context, member, views));
  return Promise.all(rows);
}

async function row(context: Context, member: MemberInfo, views: readonly MemberStatus[]): Promise<MemberRow> {
  const { id, name, clientAddress: address } = member;
  const known = views.find((view) => view.id === id);
  if (known !== undefined) return { id, name, address, status: known, problem: undefined };
  if (address === '') return { id, name, address, status: undefined, problem: 'its address is not known' };
  const answer = await ask(context, address);
  if (typeof answer === 'string') return { id, name, address, status: undefined, problem: answer };
  if (answer.id !== id)
    return { id, name, address, status: undefined, problem: `${address}: member ${answer.id} is there` };
  return { id, name, address, status: answer, problem: undefined };
}

/** The status, or why there is none. */
async function ask(context: Context, address: string): Promise<MemberStatus | string> {
  try {
    const answer = await context.endpoints.ask(address, '/cluster/status', MEMBER_TIMEOUT_MS);
    const value = JSON.parse(answer.body) as MemberStatus & { readonly message?: string };
    if (answer.status === 200 && Array.isArray(value.members)) return value;
    return `${address}: ${value.message ?? `HTTP ${answer.status}`}`;
  } catch (error) {
    if (error instanceof RequestFailure) return error.message;
    if (error instanceof SyntaxError) return `${address}: this is no Quorate member`;
    throw error;
  }
}

/** Entries that are committed as far as anyone knows and not applied there. */
function lag(rows: readonly MemberRow[], status: MemberStatus): number {
  const committed = Math.max(...rows.map((one) => one.status?.commitIndex ?? 0));
  return Math.max(0, committed - status.appliedIndex);
}

function statusTable(rows: readonly MemberRow[]): string {
  const nameOf = (id: number): string => (id === 0 ? 'none' : (rows.find((one) => one.id === id)?.name ?? String(id)));
  const lines = rows.map((one) => {
    const { status: view } = one;
    const head = [String(one.id), one.name, one.address === '' ? '-' : one.address];
    if (view === undefined) return [...head, 'unreachable', '-', '-', '-', '-', '-'];
    const numbers = [view.term, view.commitIndex, view.appliedIndex, lag(rows, view)].map(String);
    return [...head, view.role, ...numbers, nameOf(view.leaderId)];
  });
  const problems = rows.filter((one) => one.problem !== undefined).map((one) => `${one.name}: ${one.problem}\n`);
  const header = ['ID', 'NAME', 'ADDRESS', 'ROLE', 'TERM', 'COMMIT', 'APPLIED', 'LAG', 'LEADER'];
  return table([header, ...lines]) + problems.join('');
}

function jsonRow(one: MemberRow, _index: number, rows: readonly MemberRow[]): unknown {
  const { id, name, address, status: view, problem } = one;
  if (view === undefined) return { id, name, address, reachable: false, problem };
  const { role, term, commitIndex, appliedIndex, leaderId } = view;
  const shown = { role, term, commitIndex, appliedIndex, lag: lag(rows, view), leaderId };
  return { id, name, address, reachable: true, ...shown };
}
