/**
 * The lock of a data folder: at most one process uses it.
 *
 * Node has no file locks, so processes put claims beside each other. A claim is a file named after the process that holds it, by
 * process id and start time; its content is the same with the machine's boot. Whoever wants the folder first puts down a claim
 * and then looks at all others: of two that come at the same time, at least the later one sees the other, and gives up. The
 * claim of a process that is gone (killed, or lost in a power cut) is removed by whoever finds it. That is safe at any time,
 * since no later process ever has the same id, start time and boot together: a claim once stale never comes alive again.
 *
 * Where the start time cannot be learned (there is no /proc), a process with the claim's id counts as its holder. A folder
 * that several machines or containers share at once is beyond this: they do not see each other's processes.
 */
import { closeSync, openSync, readdirSync, readFileSync, realpathSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DiskError } from '../seams/index.js';
import { toDiskError } from './file-disk.js';

export interface FolderLock {
  /** Gives the folder up. Without effect the second time. */
  release(): void;
}

/** Who holds a claim; `startTime` and `boot` are empty where they cannot be learned. */
interface Claim {
  readonly pid: number;
  readonly startTime: string;
  readonly boot: string;
}

const CLAIM_NAME = /^lock-(\d+)-(\d*)$/;
/** Fields 3 and 22 of /proc/<pid>/stat, counted from the third: those after the parenthesised name. */
const STATE_FIELD = 0;
const START_TIME_FIELD = 22 - 3;

/** Folders that this process holds: it cannot tell its own claims apart by their names. */
const held = new Set<string>();

/** Whether a file of that name is a claim, whoever put it down. */
export function isClaim(name: string): boolean {
  return CLAIM_NAME.test(name);
}

/** Claims the folder (which exists) or throws DiskError `denied` that names the holder. */
export function lockFolder(root: string): FolderLock {
  const folder = realpathSync(root);
  if (held.has(folder)) throw refusal(folder, `already open in this process (pid ${process.pid})`);
  const own: Claim = { pid: process.pid, startTime: startTimeOf(process.pid), boot: currentBoot() };
  const path = join(folder, claimName(own));
  putDown(folder, path, own);
  held.add(folder);
  try {
    refuseOthers(folder, own);
  } catch (error) {
    release(folder, path);
    throw error;
  }
  let released = false;
  return {
    release: () => {
      if (!released) release(folder, path);
      released = true;
    },
  };
}

function release(folder: string, path: string): void {
  held.delete(folder);
  removeClaim(path);
}

function claimName(claim: Claim): string {
  return `lock-${claim.pid}-${claim.startTime}`;
}

/** Overwrites a claim of the same name: it can only be of an earlier boot. */
function putDown(folder: string, path: string, own: Claim): void {
  const present = readClaim(path);
  if (present !== undefined && isSame(present, own) && own.startTime !== '') {
    throw refusal(folder, `already open in another thread of this process (pid ${own.pid})`);
  }
  try {
    const fd = openSync(path, 'w', 0o600);
    try {
      writeSync(fd, JSON.stringify(own));
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw toDiskError('lock', folder, error);
  }
}

function refuseOthers(folder: string, own: Claim): void {
  const ownName = claimName(own);
  for (const name of readdirSync(folder)) {
    const match = CLAIM_NAME.exec(name);
    if (match === null || name === ownName) continue;
    const path = join(folder, name);
    // An empty or cut-off claim was left by a crash while it was put down, or is being put down: the name says whose it is.
    const claim = readClaim(path) ?? { pid: Number(match[1]), startTime: match[2] as string, boot: own.boot };
    if (isAlive(claim)) throw refusal(folder, `in use by the process with pid ${claim.pid}`);
    removeClaim(path);
  }
}

function refusal(folder: string, detail: string): DiskError {
  return new DiskError('denied', 'lock', folder, detail);
}

function isSame(a: Claim, b: Claim): boolean {
  return a.pid === b.pid && a.startTime === b.startTime && a.boot === b.boot;
}

function isAlive(claim: Claim): boolean {
  if (claim.boot !== currentBoot()) return false;
  try {
    process.kill(claim.pid, 0);
  } catch (error) {
    // EPERM: it is there, and somebody else's.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const stat = statOf(claim.pid);
  // Killed and gone, only its parent has not asked for its exit code yet.
  if (stat[STATE_FIELD] === 'Z') return false;
  const startTime = stat[START_TIME_FIELD] ?? '';
  return startTime === '' || claim.startTime === '' || startTime === claim.startTime;
}

function readClaim(path: string): Claim | undefined {
  try {
    const found = JSON.parse(readFileSync(path, 'utf8')) as Partial<Claim>;
    const { pid, startTime, boot } = found;
    if (typeof pid !== 'number' || typeof startTime !== 'string' || typeof boot !== 'string') return undefined;
    return { pid, startTime, boot };
  } catch {
    return undefined;
  }
}

function removeClaim(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    const failure = toDiskError('unlock', path, error);
    if (failure.code !== 'not-found') throw failure;
  }
}

function startTimeOf(pid: number): string {
  return statOf(pid)[START_TIME_FIELD] ?? '';
}

/** The fields of /proc/<pid>/stat from the third on; none where there is no such thing. */
function statOf(pid: number): readonly string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The process's name may contain anything, also parentheses: count from the last one.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

function currentBoot(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return '';
  }
}
