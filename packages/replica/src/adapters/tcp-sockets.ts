/** The one place where members' sockets are made: addresses, dialling, listening. Encryption goes in here. */
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, `[IPv6]:port`. Throws a RangeError that says what is wrong. */
export function parseAddress(address: string): HostPort {
  const match = /^(?:\[([0-9A-Fa-f:.%\w]+)\]|([^:[\]\s/]+)):(\d{1,5})$/u.exec(address);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || !(port >= 1 && port <= 65_535)) {
    throw new RangeError(`${JSON.stringify(address)} is not an address: host:port or [IPv6 address]:port is`);
  }
  return { host, port };
}

export function formatAddress({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A socket under way to `address`, Nagle's delay off: frames are gathered per turn already. Throws what parseAddress throws. */
export function dialSocket(address: string): Socket {
  const { host, port } = parseAddress(address);
  return connect({ host, port, noDelay: true });
}

/** A server that is not listening yet. */
export function socketServer(onSocket: (socket: Socket) => void, connectionsMax: number): Server {
  const server = createServer({ noDelay: true }, onSocket);
  server.maxConnections = connectionsMax;
  return server;
}

/** Rejects with an error that names the address and what to do about it. */
export function listenOn(server: Server, at: HostPort): Promise<HostPort> {
  return new Promise((resolve, reject) => {
    const onError = (cause: NodeJS.ErrnoException): void => {
      const where = formatAddress(at);
      const messages: Record<string, string> = {
        EADDRINUSE: `cannot listen for members on ${where}: another process listens there already`,
        EADDRNOTAVAIL: `cannot listen for members on ${where}: this machine does not have that address`,
        EACCES: `cannot listen for members on ${where}: permission denied`,
      };
      reject(new Error(messages[cause.code ?? ''] ?? `cannot listen for members on ${where}`, { cause }));
    };
    server.once('error', onError);
    server.listen(at.port, at.host, () => {
      server.removeListener('error', onError);
      const bound = server.address();
      if (bound === null || typeof bound === 'string') reject(new Error('the listening socket has no port'));
      else resolve({ host: bound.address, port: bound.port });
    });
  });
}
