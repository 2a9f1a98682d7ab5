/** `--endpoint`, which says whom a command asks: behind the command, or in front of it, where users of etcdctl put theirs. */
import { type Command, Option } from 'commander';
import { DEFAULT_ENDPOINT } from './endpoints.js';
import { CliFailure, EXIT } from './io.js';

export function endpointOption(description = 'where to ask; may be repeated'): Option {
  return new Option('-e, --endpoint <host:port>', `${description} [QUORATE_ENDPOINTS]`)
    .argParser((value: string, previous: readonly string[]) => [...previous, value])
    .default([], DEFAULT_ENDPOINT);
}

/** Lets every command that has the option take it in front of itself, too. */
export function takeEndpointsInFront(program: Command): void {
  program
    .enablePositionalOptions()
    .addOption(endpointOption('where to ask: in front of the command or behind it'))
    .hook('preAction', (_program, command) => {
      const inFront = endpointsOf(program) ?? [];
      if (inFront.length === 0) return;
      const behind = endpointsOf(command);
      if (behind === undefined) throw new CliFailure(EXIT.usage, `${command.name()} takes no --endpoint`);
      command.setOptionValue('endpoint', [...inFront, ...behind]);
    });
}

/** Undefined: it has no such option. */
function endpointsOf(command: Command): readonly string[] | undefined {
  return command.opts<{ readonly endpoint?: readonly string[] }>().endpoint;
}
