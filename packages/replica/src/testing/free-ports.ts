/**
 * Free ports for processes that are killed and come back under the same addresses.
 *
 * Port 0 would not do: what the system gives comes from the range that it also gives to outgoing connections, and a port whose owner
 * was just killed may be taken by one of those before the owner is back. So the ports here lie below that range, in blocks that this
 * process holds for as long as it lives, by listening on the first port of each: test files that run at the same time do not meet,
 * whoever started them. (Blocks picked by the process' id alone met when two ids were as far apart as there are blocks: members of one
 * cluster answered another one's clients.) Each port is probed before it is given.
 */
import { createServer, type Server } from 'node:net';

const FIRST_PORT = 12_000;
const PORTS_PER_BLOCK = 64;
const BLOCKS = 300;

let blocksTried = 0;
/** Of the block that is held and not used up, and its end. */
let nextPort = 0;
let endPort = 0;

/** Every call gives other ports. Rejects if none is free. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    // Taken before the probe: calls may run at the same time.
    const port = nextPort < endPort ? nextPort++ : undefined;
    if (port === undefined) await holdBlock();
    else if (await isFree(port)) ports.push(port);
  }
  return ports;
}

async function holdBlock(): Promise<void> {
  while (blocksTried < BLOCKS) {
    // From where the process' id says: few have to try a second one.
    const first = FIRST_PORT + ((process.pid + blocksTried) % BLOCKS) * PORTS_PER_BLOCK;
    blocksTried += 1;
    const holder = await listenOn(first);
    if (holder === undefined) continue;
    holder.unref();
    nextPort = first + 1;
    endPort = first + PORTS_PER_BLOCK;
    return;
  }
  throw new Error(`no free port from ${FIRST_PORT} to ${FIRST_PORT + PORTS_PER_BLOCK * BLOCKS - 1}`);
}

async function isFree(port: number): Promise<boolean> {
  const probe = await listenOn(port);
  if (probe === undefined) return false;
  await new Promise((resolve) => {
    probe.close(resolve);
  });
  return true;
}

/** Undefined: the port is taken. */
function listenOn(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(server));
  });
}
