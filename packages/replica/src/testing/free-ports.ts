/**
 * Free ports for processes that are killed and come back under the same addresses.
 *
 * Port 0 would not do: what the system gives comes from the range that it also gives to outgoing connections, and a port whose owner
 * was just killed may be taken by one of those before the owner is back. So the ports here lie below that range, in a block that is
 * picked by this process' id, so that test files that run at the same time do not meet; each port is probed before it is given.
 */
import { createServer } from 'node:net';

const FIRST_PORT = 12_000;
const PORTS_PER_BLOCK = 64;
const BLOCKS = 300;
const PORTS = PORTS_PER_BLOCK * BLOCKS;

let given = 0;

/** Every call gives other ports. Rejects if none is free. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  const first = (process.pid % BLOCKS) * PORTS_PER_BLOCK;
  while (ports.length < count) {
    if (given >= PORTS) throw new Error(`no free port from ${FIRST_PORT} to ${FIRST_PORT + PORTS - 1}`);
    const port = FIRST_PORT + ((first + given) % PORTS);
    given += 1;
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
