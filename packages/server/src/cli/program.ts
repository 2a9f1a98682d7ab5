/** The command line: what there is to type. Each command's work is in a file of its own, loaded when it is called. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { parseDurationMs } from '../config/duration.js';
import { flagName, type Setting, type SettingKey, settingKeys, settings } from '../config/settings.js';
import { QUORATE_VERSION } from '../version.js';
import { addBackups } from './backup-program.js';
import * as commands from './commands.js';
import { endpointOption, takeEndpointsInFront } from './endpoint-option.js';
import { DEFAULT_TIMEOUT_MS, Endpoints, endpointsFrom } from './endpoints.js';
import { CliFailure, type CliIo, EXIT } from './io.js';
import type { ServeModules } from './serve.js';
import { status } from './status.js';

const EXIT_CODES = `
Exit codes: 0 done; 1 the operation failed; 2 wrong arguments or configuration; 3 not found;
4 no leader, or no endpoint could be reached: nothing was changed; 5 outcome unknown: a change may or may not have been made.`;

/** Runs one command line (without the program's name) and resolves with the exit code. `loadServe`: how `serve` opens a member. */
export async function runCli(
  argv: readonly string[],
  io: CliIo,
  loadServe: () => Promise<ServeModules>,
): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = buildProgram(io, loadServe);
  addSimulate(program, io, (code) => {
    exitCode = code;
  });
  addHelp(program);
  pointToHelp(program, program.name());
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has printed its own errors; help and version are no errors.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (!(error instanceof CliFailure)) throw error;
    io.err(`quorate: ${error.message}\n`);
    return error.exitCode;
  }
}

function buildProgram(io: CliIo, loadServe: () => Promise<ServeModules>): Command {
  const program = new Command('quorate')
    .description('A strongly consistent, Raft-replicated key-value store: server and command line.')
    .version(QUORATE_VERSION, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.out(text), writeErr: (text) => io.err(text) })
    .addHelpText('after', EXIT_CODES)
    .addHelpText(
      'after',
      '\nExamples:\n  quorate serve --env-file .env1\n  quorate put colour blue\n  quorate get colour\n  quorate status',
    );
  takeEndpointsInFront(program);
  addServe(program, io, loadServe);
  addKeys(program, io);
  addCluster(program, io);
  addBackups(program, io);
  return program;
}

/** Commander's own takes only one name, and does not know the help that `simulate` prints by itself. */
function addHelp(program: Command): void {
  program
    .helpCommand(false)
    .command('help')
    .description('Print the help of a command.')
    .argument('[command...]', 'such as put, or member add')
    .action(async (names: readonly string[]) => {
      let command: Command = program;
      for (const name of names) {
        const next = command.commands.find((one) => one.name() === name);
        if (next === undefined) command.error(`error: unknown command '${name}'`);
        command = next;
      }
      await program.parseAsync([...names, '--help'], { from: 'user' });
    });
}

/** Errors in a command's arguments point to the help of that command. */
function pointToHelp(command: Command, path: string): void {
  command.showHelpAfterError(`(${path} --help shows what there is)`);
  for (const one of command.commands) pointToHelp(one, `${path} ${one.name()}`);
}

function examples(command: Command, ...lines: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`);
}

/** The simulator reads its own arguments and prints its own help; it is loaded only here, so that nothing else waits for it. */
function addSimulate(program: Command, io: CliIo, exit: (code: number) => void): void {
  program
    .command('simulate')
    .description('Run whole clusters under virtual time and faults, each from a seed.')
    .helpOption(false)
    .allowUnknownOption()
    .argument('[options...]')
    .action(async (args: readonly string[]) => {
      const { main } = await import('@quorate/simulator/cli');
      exit(main(args, { command: 'quorate simulate', out: (text) => io.out(text), err: (text) => io.err(text) }));
    });
}

function addServe(program: Command, io: CliIo, loadServe: () => Promise<ServeModules>): void {
  const command = program
    .command('serve')
    .description('Run a member.')
    .option(
      '--env-file <path>',
      'read settings from this file (default: .env in the working directory, if it is there)',
    )
    .option('--print-config', 'print each setting and where it came from, and exit')
    .option('--json', 'with --print-config: as JSON');
  for (const key of settingKeys) command.addOption(settingOption(settings[key]));
  examples(
    command,
    'quorate serve --env-file .env1',
    'SERVER_ADDRESS=localhost:8888 quorate serve --service-debug',
    'quorate serve --env-file .env2 --quorate-log-level debug --print-config',
  );
  command.addHelpText(
    'after',
    '\nFlags go before the environment, the environment before the file, the file before defaults.',
  );
  command.action(async (options: Readonly<Record<string, unknown>>) => {
    const { serve } = await import('./serve.js');
    const flags: Partial<Record<SettingKey, string>> = {};
    for (const key of settingKeys) {
      const value = options[attributeOf(settings[key].name)];
      if (value !== undefined) flags[key] = typeof value === 'string' ? value : 'true';
    }
    const { envFile, printConfig, json } = options;
    await serve(
      io,
      {
        flags,
        envFile: typeof envFile === 'string' ? envFile : undefined,
        printConfig: printConfig === true,
        json: json === true,
      },
      loadServe,
    );
  });
}

/** Booleans may stand alone: `--service-debug` is `--service-debug=true`. The default is shown in the description, where it has its unit. */
function settingOption(setting: Setting<unknown>): Option {
  const isBoolean = setting.kind.parse('true') === true;
  const flag = `--${flagName(setting.name)} ${isBoolean ? '[boolean]' : '<value>'}`;
  const unset = setting.default === undefined || setting.kind.format(setting.default) === '';
  const remark =
    setting.required !== 'no' ? ' (required)' : unset ? '' : ` (default: ${setting.kind.format(setting.default)})`;
  return new Option(flag, `${setting.doc}${remark} [${setting.name}]`);
}

function attributeOf(name: string): string {
  return flagName(name).replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

interface ClientOptions {
  readonly endpoint: readonly string[];
  readonly json?: boolean;
  readonly timeout: number;
}

/** A command that talks to a cluster, with the options that all of these have. */
function clientCommand(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .addOption(endpointOption('where to ask; may be repeated, the next one is asked where that is safe'))
    .addOption(
      new Option('--timeout <duration>', 'how long one endpoint may take')
        .argParser(parseTimeout)
        .default(DEFAULT_TIMEOUT_MS, '30s'),
    )
    .option('--json', 'answer as JSON')
    .configureHelp({ showGlobalOptions: false });
}

function parseTimeout(value: string): number {
  const timeoutMs = parseDurationMs(value);
  if (timeoutMs === undefined || timeoutMs < 1) throw new InvalidArgumentError('A duration such as 500ms or 5s.');
  return timeoutMs;
}

function contextOf(io: CliIo, options: ClientOptions): commands.Context {
  const addresses = endpointsFrom(options.endpoint, io.env['QUORATE_ENDPOINTS']);
  return { io, endpoints: new Endpoints(addresses, options.timeout), json: options.json === true };
}

function addKeys(program: Command, io: CliIo): void {
  const put = clientCommand(program, 'put', 'Set a key: create it, or overwrite it.')
    .argument('<key>')
    .argument('<value>')
    .option('--create', 'only if the key is not there yet')
    .action((key: string, value: string, options: ClientOptions & { readonly create?: boolean }) =>
      commands.put(contextOf(io, options), key, value, options.create === true),
    );
  examples(put, 'quorate put colour blue', 'quorate put --create colour blue -e localhost:8889 -e localhost:8890');
  const get = clientCommand(program, 'get', "Print a key's value.")
    .argument('<key>')
    .addOption(
      new Option('--consistency <kind>', 'serializable: what the asked member has, perhaps stale')
        .choices(['linearizable', 'serializable'])
        .default('linearizable'),
    )
    .action((key: string, options: ClientOptions & { readonly consistency: string }) =>
      commands.get(contextOf(io, options), key, options.consistency),
    );
  examples(get, 'quorate get colour', 'quorate get --json --consistency serializable colour');
  const del = clientCommand(program, 'del', 'Delete a key.')
    .argument('<key>')
    .action((key: string, options: ClientOptions) => commands.del(contextOf(io, options), key));
  examples(del, 'quorate del colour');
}

function addCluster(program: Command, io: CliIo): void {
  const show = clientCommand(
    program,
    'status',
    'Show every member: role, term, indexes, lag and whom it follows.',
  ).action((options: ClientOptions) => status(contextOf(io, options)));
  examples(show, 'quorate status', 'quorate status --json -e localhost:8889');
  const transfer = clientCommand(program, 'transfer-leadership', 'Let another member lead.')
    .argument('[target]', 'id or name of the next leader (default: the one that has most of the log)')
    .action((target: string | undefined, options: ClientOptions) =>
      commands.transferLeadership(contextOf(io, options), target),
    );
  examples(transfer, 'quorate transfer-leadership', 'quorate transfer-leadership node2');
  addMember(program.command('member').description('List, add, promote and remove members.'), io);
}

function addMember(member: Command, io: CliIo): void {
  examples(
    clientCommand(member, 'list', 'List the members.').action((options: ClientOptions) =>
      commands.memberList(contextOf(io, options)),
    ),
    'quorate member list',
  );
  const add = clientCommand(member, 'add', 'Add a member as a learner; it need not run yet.')
    .argument('<name>', 'its SERVICE_RAFT_NODE_ID')
    .argument('<peer-address>', 'host:port of its Raft transport')
    .option('--client-address <host:port>', 'host:port of its HTTP interface')
    .option('--promote', 'make it a voter as soon as it has caught up')
    .action(
      (
        name: string,
        peerAddress: string,
        options: ClientOptions & { readonly clientAddress?: string; readonly promote?: boolean },
      ) => {
        const { clientAddress, promote } = options;
        return commands.memberAdd(contextOf(io, options), name, peerAddress, {
          promote: promote === true,
          ...(clientAddress === undefined ? {} : { clientAddress }),
        });
      },
    );
  examples(add, 'quorate member add node4 localhost:21004 --promote');
  const promote = clientCommand(member, 'promote', 'Make a learner a voter.')
    .argument('<member>', 'id or name')
    .action((idOrName: string, options: ClientOptions) => commands.memberPromote(contextOf(io, options), idOrName));
  examples(promote, 'quorate member promote node4');
  const remove = clientCommand(member, 'remove', 'Remove a member, alive or dead.')
    .argument('<member>', 'id or name')
    .action((idOrName: string, options: ClientOptions) => commands.memberRemove(contextOf(io, options), idOrName));
  examples(remove, 'quorate member remove node3');
}
