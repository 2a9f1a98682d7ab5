/** `quorate serve`: configuration, server, signals. */
import { readFileSync } from 'node:fs';
import { parseConfig } from '../config/parse.js';
import { configJson, configTable } from '../config/print.js';
import type { Config, SettingKey } from '../config/settings.js';
import type { EtcdPlace } from '../etcd-place.js';
import { createLog, type Log } from '../log.js';
import { type OpenMember, type OpenStandalone, startServer } from '../serve.js';
import { CliFailure, type CliIo, EXIT } from './io.js';

export interface ServeOptions {
  readonly flags: Readonly<Partial<Record<SettingKey, string>>>;
  readonly envFile: string | undefined;
  readonly printConfig: boolean;
  readonly json: boolean;
}

/** How a member is opened; the process' signals, exit and files are a test's own where it needs them to be. */
export interface ServeModules {
  readonly openMember: OpenMember;
  readonly openStandalone: OpenStandalone;
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
const SIGNAL_NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const;

/** Resolves when the server has stopped as it was told to; rejects with a CliFailure otherwise. */
export async function serve(io: CliIo, options: ServeOptions, load: () => Promise<ServeModules>): Promise<void> {
  const result = parseConfig({ flags: options.flags, env: io.env, envFile: options.envFile, readFile });
  for (const warning of result.warnings) io.err(`quorate: warning: ${warning}\n`);
  if (!result.ok) throw new CliFailure(EXIT.usage, result.errors.join('\nquorate: '));
  if (options.printConfig) {
    io.out(options.json ? configJson(result.entries) : configTable(result.entries));
    return;
  }
  await runServer(result.config, load);
}

/** Of a server in etcd's place. */
export interface RunOptions {
  readonly place?: EtcdPlace;
  /** The member serves. */
  readonly onReady?: (log: Log) => void;
}

/** Runs a server until it is told to stop. */
export async function runServer(
  config: Config,
  load: () => Promise<ServeModules>,
  { place, onReady }: RunOptions = {},
): Promise<void> {
  const log = createLog({
    level: config.logLevel,
    format: config.logFormat,
    bindings: config.raftNodeId === undefined ? {} : { member: config.raftNodeId },
  });
  const stop = new AbortController();
  const removeHandlers = onSignals((signal) => {
    log.info({ signal }, 'stopping; the same signal again exits at once');
    stop.abort(new Error(`stopped by ${signal}`));
  });
  try {
    const modules = await load();
    const server = await startServer(config, { ...modules, log, signal: stop.signal }, place);
    void server.member.ready().then(
      () => onReady?.(log),
      () => {},
    );
    const onAbort = (): void => void server.close();
    stop.signal.addEventListener('abort', onAbort, { once: true });
    if (stop.signal.aborted) onAbort();
    const error = await server.stopped;
    if (error !== undefined) throw new CliFailure(EXIT.failed, error.message, { cause: error });
  } catch (error) {
    if (error instanceof CliFailure) throw error;
    // A stop that was asked for while the member was still opening is no failure.
    if (stop.signal.aborted) return;
    log.fatal({ err: error }, 'could not start');
    throw new CliFailure(EXIT.failed, error instanceof Error ? error.message : String(error), { cause: error });
  } finally {
    removeHandlers();
  }
}

/** The first signal asks to stop, the second exits at once, as a shell would report it: 128 + its number. */
function onSignals(stop: (signal: (typeof SIGNALS)[number]) => void): () => void {
  let asked = false;
  const handlers = SIGNALS.map((signal) => {
    const handler = (): void => {
      if (asked) process.exit(128 + SIGNAL_NUMBERS[signal]);
      asked = true;
      stop(signal);
    };
    process.on(signal, handler);
    return () => process.off(signal, handler);
  });
  return () => {
    for (const remove of handlers) remove();
  };
}

function readFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
