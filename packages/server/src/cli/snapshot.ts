/** `quorate snapshot save|status|restore`. */
import { Client, ClientError } from '@quorate/client';
import { restore, type SnapshotSummary } from '@quorate/replica';
import { planRestore, type RestoreFlags } from '../backup/restore-plan.js';
import { inspectFile, readFileStream, saveStream, understood } from '../backup/snapshot-file.js';
import { CliFailure, type CliIo, EXIT, type ExitCode, table } from './io.js';

export interface SaveOptions {
  readonly endpoints: readonly string[];
  /** For the whole backup. */
  readonly timeoutMs: number;
  readonly overwrite: boolean;
  readonly json: boolean;
}

export async function snapshotSave(io: CliIo, file: string, options: SaveOptions): Promise<void> {
  const { endpoints, timeoutMs, overwrite, json } = options;
  const client = new Client({ endpoints });
  try {
    // Where nobody answers, that is told in the time of a call, not in that of a whole backup.
    await client.maintenance.status();
    const pieces = client.maintenance.snapshot({ deadlineMs: timeoutMs });
    const summary = await saveStream(pieces, file, { overwrite });
    io.out(json ? `${JSON.stringify({ path: file, ...summary })}\n` : `saved ${file}\n${summaryTable(summary)}`);
  } catch (error) {
    throw clientFailure(error);
  } finally {
    await client.close();
  }
}

export async function snapshotStatus(
  io: CliIo,
  file: string,
  options: { readonly skipHashCheck: boolean; readonly json: boolean },
): Promise<void> {
  const summary = await inspectFile(file, options.skipHashCheck);
  io.out(options.json ? `${JSON.stringify({ path: file, ...summary })}\n` : summaryTable(summary));
}

export interface RestoreOptions extends RestoreFlags {
  readonly dataDir: string;
  readonly skipHashCheck: boolean;
  readonly json: boolean;
}

export async function snapshotRestore(io: CliIo, file: string, options: RestoreOptions): Promise<void> {
  const plan = planRestore(options, await inspectFile(file, options.skipHashCheck));
  const { dataDir: dir } = options;
  const result = await understood(file, restore({ source: readFileStream(file), dir, ...plan }));
  const { clusterId, memberId, revision, keys } = result;
  const text = `restored ${file} into ${dir}: member ${plan.name} (${memberId}) of ${plan.members.length} in the new cluster ${clusterId}, revision ${revision}, ${keys} keys\n`;
  io.out(options.json ? `${JSON.stringify({ dataDir: dir, name: plan.name, ...result })}\n` : text);
}

function summaryTable(summary: SnapshotSummary): string {
  const { clusterId, memberId, revision, compactRevision, keys, leases, hash, bytes, hasDigest } = summary;
  return table([
    ['revision', String(revision)],
    ['compacted', String(compactRevision)],
    ['keys', String(keys)],
    ['leases', String(leases)],
    ['hash', hash.toString(16).padStart(8, '0')],
    ['bytes', String(bytes)],
    ['cluster', String(clusterId)],
    ['member', String(memberId)],
    ['sha-256', hasDigest ? 'matches' : 'missing'],
  ]);
}

/** What the command line says and exits with when a client's call has failed. */
export function clientFailure(error: unknown): unknown {
  if (!(error instanceof ClientError)) return error;
  const code: ExitCode =
    error.outcome === 'invalid'
      ? EXIT.usage
      : error.grpcName === 'UNAVAILABLE'
        ? error.outcome === 'unknown'
          ? EXIT.unknown
          : EXIT.unavailable
        : EXIT.failed;
  const place = error.endpoint === undefined ? '' : `${error.endpoint}: `;
  return new CliFailure(code, `${place}${error.message}`, { cause: error });
}
