/**
 * `make cluster`: members on this machine, one per env file, until Ctrl-C.
 *
 * Each member's lines carry its name and colour. The death of one does not end the others: it is reported, with the way to bring
 * it back. Members run in process groups of their own, so that Ctrl-C reaches them through this program alone, once, as a
 * graceful stop.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const QUORATE = path.join(ROOT, 'packages', 'server', 'dist', 'programs', 'quorate.js');
/** How long members get to stop gracefully before they are killed. */
const STOP_TIMEOUT_MS = 10_000;
const POLL_MS = 100;
/** After so long without a cluster the members' own lines have said why. */
const START_TIMEOUT_MS = 30_000;
const COLOURS: readonly number[] = [36, 33, 35, 32, 34, 31];

/** Set once by Ctrl-C. */
const stopping = new AbortController();

interface Running {
  readonly name: string;
  readonly address: string;
  readonly envFile: string;
  readonly process: ChildProcess;
  isUp: boolean;
}

interface Status {
  readonly id: number;
  readonly name: string;
  readonly role: string;
  readonly leaderId: number;
  readonly members: readonly { readonly id: number; readonly name: string; readonly voter: boolean }[];
}

const isColoured = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;

function paint(colour: number, text: string): string {
  return isColoured ? `\u001b[${colour}m${text}\u001b[0m` : text;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function start(envFile: string, index: number): Running {
  const settings = parseEnv(readFileSync(path.join(ROOT, envFile), 'utf8'));
  const name = settings['SERVICE_RAFT_NODE_ID'] ?? envFile;
  const child = spawn(process.execPath, [QUORATE, 'serve', '--env-file', envFile, '--quorate-log-format', 'text'], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const prefix = paint(COLOURS[index % COLOURS.length] ?? 37, `${name} |`);
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => say(`${prefix} ${line}`));
  }
  const running: Running = { name, address: settings['SERVER_ADDRESS'] ?? '', envFile, process: child, isUp: true };
  child.on('exit', (code, signal) => {
    running.isUp = false;
    if (stopping.signal.aborted) return;
    say(`${prefix} ${paint(31, `ended (${signal ?? `exit code ${code}`})`)}; the others go on.`);
    say(`${prefix} bring it back from another terminal: make run${index + 1}`);
    if (members.every((member) => !member.isUp)) process.exit(1);
  });
  return running;
}

async function statusOf(member: Running): Promise<Status | undefined> {
  try {
    const response = await fetch(`http://${member.address}/cluster/status`);
    return response.ok ? ((await response.json()) as Status) : undefined;
  } catch {
    return undefined;
  }
}

/** The name of the leader, once every member that is up votes and follows it. */
async function settledLeader(): Promise<string | undefined> {
  const up = members.filter((member) => member.isUp);
  const statuses = await Promise.all(up.map(statusOf));
  const [first] = statuses;
  if (first === undefined || first.leaderId === 0) return undefined;
  for (const status of statuses) {
    if (status?.leaderId !== first.leaderId || status.role === 'learner') return undefined;
  }
  return first.members.find((member) => member.id === first.leaderId)?.name;
}

async function announce(): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!stopping.signal.aborted) {
    const leader = await settledLeader();
    if (leader !== undefined) {
      say(greeting(leader));
      return;
    }
    if (Date.now() > deadline) {
      say(`no leader after ${START_TIMEOUT_MS / 1000} s: see what the members say above`);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function greeting(leader: string): string {
  const addresses = members.map((member) => member.address);
  const [first = '', second = first] = addresses;
  return [
    '',
    `${paint(1, `The cluster is up: ${members.length} members, ${leader} leads.`)} Any member takes any call:`,
    '',
    `  curl -X POST http://${first}/key -d '{"key":"a","value":"b"}'`,
    `  curl http://${second}/key/a`,
    `  curl -X DELETE http://${second}/key/a`,
    '',
    `  node packages/server/dist/programs/quorate.js status --endpoint ${first}`,
    `  curl http://${first}/metrics`,
    '',
    `Kill one (kill -9 ${members[0]?.process.pid ?? ''} is ${members[0]?.name ?? ''}) and go on; bring it back with make run1, run2 or run3.`,
    'Ctrl-C stops all of them.',
    '',
  ].join('\n');
}

async function stop(): Promise<void> {
  if (stopping.signal.aborted) {
    for (const member of members) if (member.isUp) member.process.kill('SIGKILL');
    return;
  }
  stopping.abort();
  const up = members.filter((member) => member.isUp);
  const ended = up.map((member) => new Promise((resolve) => member.process.once('exit', resolve)));
  for (const member of up) member.process.kill('SIGTERM');
  const timer = setTimeout(() => {
    for (const member of up) member.process.kill('SIGKILL');
  }, STOP_TIMEOUT_MS);
  await Promise.all(ended);
  clearTimeout(timer);
  say('all members have stopped');
  process.exit(0);
}

const members = process.argv.slice(2).map(start);
process.on('SIGINT', () => void stop());
process.on('SIGTERM', () => void stop());
process.on('SIGHUP', () => void stop());
await announce();
