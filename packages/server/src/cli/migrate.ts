/** `quorate migrate`: progress on standard error; SIGINT cuts over, a second one gives up (the same command goes on later). */
import { Client } from '@quorate/client';
import { MigrationFailure } from '../migrate/failure.js';
import { Migration, type Progress } from '../migrate/migration.js';
import { CliFailure, type CliIo, EXIT } from './io.js';
import { clientFailure } from './snapshot.js';

export interface MigrateOptions {
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly untilSynced: boolean;
  readonly replaceTarget: boolean;
  readonly keysPerSecond: number;
  readonly json: boolean;
}

const REPORT_MS = 1_000;
const SIGINT_EXIT = 130;

export async function migrate(io: CliIo, options: MigrateOptions): Promise<void> {
  const { from, to, json, ...settings } = options;
  const source = new Client({ endpoints: from });
  const target = new Client({ endpoints: to });
  const cutOver = new AbortController();
  const removeHandler = onInterrupt(() => {
    io.err('cutting over: nobody may write to the source any more; the same signal again gives up\n');
    cutOver.abort();
  });
  if (!settings.untilSynced) io.err('copies, then follows; an interrupt (Ctrl-C) cuts over\n');
  try {
    const onProgress = reporter(io);
    const result = await Migration.run({ source, target, cutOver: cutOver.signal, onProgress, ...settings });
    const { keys, leases, sourceRevision, targetRevision, hash, writtenSince } = result;
    const text = `migrated: ${keys} keys, ${leases} leases, equal on both sides (SHA-256 ${hash}); source revision ${sourceRevision}, target revision ${targetRevision}\n`;
    io.out(json ? `${JSON.stringify(result)}\n` : text);
    if (writtenSince) {
      throw new CliFailure(
        EXIT.failed,
        'the source was written to behind that revision: those writes are not in the target',
      );
    }
  } catch (error) {
    if (error instanceof MigrationFailure) throw new CliFailure(EXIT.failed, error.message, { cause: error });
    throw clientFailure(error);
  } finally {
    removeHandler();
    await Promise.all([source.close(), target.close()]);
  }
}

function onInterrupt(cutOver: () => void): () => void {
  let isAsked = false;
  const handler = (): void => {
    if (isAsked) process.exit(SIGINT_EXIT);
    isAsked = true;
    cutOver();
  };
  process.on('SIGINT', handler);
  return () => process.off('SIGINT', handler);
}

function reporter(io: CliIo): (progress: Progress) => void {
  let saidMs = -Infinity;
  return ({ phase, revision, sourceRevision, changes, keysLeft, leases }) => {
    const nowMs = performance.now();
    if (phase !== 'verify' && nowMs - saidMs < REPORT_MS) return;
    saidMs = nowMs;
    const lag = phase === 'copy' ? `${keysLeft} keys left` : `lag ${Math.max(0, sourceRevision - revision)} revisions`;
    io.err(`${phase}: ${changes} changes, ${leases} leases, revision ${revision} of ${sourceRevision}, ${lag}\n`);
  };
}
