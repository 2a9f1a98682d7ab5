/** The commands of backups and of moving in from etcd: what there is to type. Their work is loaded when they are called. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseDurationMs } from '../config/duration.js';
import { endpointOption } from './endpoint-option.js';
import { endpointsFrom } from './endpoints.js';
import type { CliIo } from './io.js';

const SAVE_TIMEOUT_MS = 3_600_000;

interface JsonOption {
  readonly json?: boolean;
}

interface SaveFlags extends JsonOption {
  readonly endpoint: readonly string[];
  readonly timeout: number;
  readonly overwrite?: boolean;
}

interface StatusFlags extends JsonOption {
  readonly skipHashCheck?: boolean;
}

interface RestoreFlags extends StatusFlags {
  readonly dataDir: string;
  readonly name: string;
  readonly initialCluster?: string;
  readonly initialClusterToken: string;
  readonly initialAdvertisePeerUrls?: string;
  readonly bumpRevision: number;
  readonly markCompacted?: boolean;
}

export function addBackups(program: Command, io: CliIo): void {
  const snapshot = program.command('snapshot').description('Save, verify and restore backups.');
  addSave(snapshot, io);
  addStatus(snapshot, io);
  addRestore(snapshot, io);
  addMigrate(program, io);
}

interface MigrateFlags extends JsonOption {
  readonly from: string;
  readonly to: string;
  readonly untilSynced?: boolean;
  readonly replaceTarget?: boolean;
  readonly rate: number;
}

function addMigrate(program: Command, io: CliIo): void {
  program
    .command('migrate')
    .description(
      'Copy the keys and leases of a live etcd, follow it, and cut over when told (by an interrupt, Ctrl-C).',
    )
    .requiredOption('--from <list>', 'host:port,... of the etcd')
    .requiredOption('--to <list>', 'host:port,... of the Quorate cluster')
    .option('--until-synced', 'cut over as soon as everything is there, without waiting to be told')
    .option('--replace-target', 'the target may have keys: those that the source does not have are deleted')
    .addOption(
      new Option('--rate <n>', 'keys copied a second (0: as fast as it goes)').argParser(parseCount).default(0),
    )
    .option('--json', 'answer as JSON')
    .addHelpText(
      'after',
      '\nStopped at any moment, the same command goes on where it was. At the end both sides are compared.\n' +
        '\nExample:\n  quorate migrate --from 10.0.0.1:2379,10.0.0.2:2379 --to 10.0.1.1:8888,10.0.1.2:8888',
    )
    .action(async ({ from, to, untilSynced, replaceTarget, rate: keysPerSecond, json }: MigrateFlags) => {
      const { migrate } = await import('./migrate.js');
      await migrate(io, {
        from: endpointsFrom([from], undefined),
        to: endpointsFrom([to], undefined),
        untilSynced: untilSynced === true,
        replaceTarget: replaceTarget === true,
        keysPerSecond,
        json: json === true,
      });
    });
}

function addSave(snapshot: Command, io: CliIo): void {
  snapshot
    .command('save')
    .description('Save the whole state of a cluster, as of one moment, to a file.')
    .argument('<file>')
    .addOption(endpointOption())
    .addOption(durationOption('--timeout <duration>', 'how long it may take', SAVE_TIMEOUT_MS, '1h'))
    .option('--overwrite', 'replace the file if it is there')
    .option('--json', 'answer as JSON')
    .addHelpText('after', '\nExample:\n  quorate snapshot save backup.db -e localhost:8888')
    .action(async (file: string, { endpoint, timeout: timeoutMs, overwrite, json }: SaveFlags) => {
      const { snapshotSave } = await import('./snapshot.js');
      const endpoints = endpointsFrom(endpoint, io.env['QUORATE_ENDPOINTS']);
      await snapshotSave(io, file, { endpoints, timeoutMs, overwrite: overwrite === true, json: json === true });
    });
}

function addStatus(snapshot: Command, io: CliIo): void {
  skipOption(snapshot.command('status').description('Verify a backup to its last byte, and say what it holds.'))
    .argument('<file>')
    .option('--json', 'answer as JSON')
    .addHelpText('after', '\nExample:\n  quorate snapshot status backup.db')
    .action(async (file: string, { skipHashCheck, json }: StatusFlags) => {
      const { snapshotStatus } = await import('./snapshot.js');
      await snapshotStatus(io, file, { skipHashCheck: skipHashCheck === true, json: json === true });
    });
}

function addRestore(snapshot: Command, io: CliIo): void {
  skipOption(
    snapshot.command('restore').description('Make of a backup the data folder of one member of a new cluster.'),
  )
    .argument('<file>')
    .requiredOption('--data-dir <folder>', 'the folder to make; if it is there, it must be empty')
    .option('--name <name>', 'which member the folder is for; it is started under this name', 'default')
    .option(
      '--initial-cluster <list>',
      'all members of the new cluster, name=http://host:port,...; the same, and from the same file, for each (default: this member alone)',
    )
    .option('--initial-cluster-token <token>', 'tells clusters apart that are restored from one file', 'etcd-cluster')
    .option('--initial-advertise-peer-urls <list>', "this member's peer URLs (default: what --initial-cluster says)")
    .addOption(
      new Option('--bump-revision <n>', 'let revisions go on so much higher; needs --mark-compacted')
        .argParser(parseCount)
        .default(0),
    )
    .option('--mark-compacted', 'count all revisions up to the raised one as compacted, so that watches start anew')
    .option('--json', 'answer as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  quorate snapshot restore backup.db --data-dir ./node1\n' +
        '  quorate snapshot restore backup.db --data-dir ./a.etcd --name a \\\n' +
        '    --initial-cluster a=http://10.0.0.1:2380,b=http://10.0.0.2:2380,c=http://10.0.0.3:2380 \\\n' +
        '    --bump-revision 1000000000 --mark-compacted',
    )
    .action(async (file: string, flags: RestoreFlags) => {
      const { snapshotRestore } = await import('./snapshot.js');
      const { initialCluster, initialAdvertisePeerUrls, skipHashCheck, markCompacted, json, ...given } = flags;
      await snapshotRestore(io, file, {
        ...given,
        initialCluster,
        initialAdvertisePeerUrls,
        skipHashCheck: skipHashCheck === true,
        markCompacted: markCompacted === true,
        json: json === true,
      });
    });
}

function skipOption(command: Command): Command {
  return command.option('--skip-hash-check', "take a file without a SHA-256 at its end: a member's own snapshot");
}

function durationOption(flags: string, description: string, defaultMs: number, shown: string): Option {
  return new Option(flags, description)
    .argParser((value: string) => {
      const durationMs = parseDurationMs(value);
      if (durationMs === undefined || durationMs < 1) throw new InvalidArgumentError('A duration such as 500ms or 5s.');
      return durationMs;
    })
    .default(defaultMs, shown);
}

function parseCount(value: string): number {
  const count = Number(value);
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(count))
    throw new InvalidArgumentError('A whole number, at least 0.');
  return count;
}
