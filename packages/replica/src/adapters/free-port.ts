/** A port that is free now, for addresses that ask for any. */
import { createServer } from 'node:net';
import { formatAddress } from './tcp-sockets.js';

const ANY_PORT = /^(.+):0$/;

/** The address as it is, or with a free port in place of port 0. Others are told of it before anything listens there. */
export async function withPort(address: string): Promise<string> {
  const host = ANY_PORT.exec(address)?.[1];
  if (host === undefined) return address;
  const server = createServer();
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, bare, () => {
      const taken = server.address();
      if (taken === null || typeof taken === 'string') reject(new Error(`no port is free on ${host}`));
      else resolve(taken.port);
    });
  });
  await new Promise((resolve) => server.close(resolve));
  return formatAddress({ host: bare, port });
}
