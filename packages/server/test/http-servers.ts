/** A server over a member in memory, on a free port, for one test. */
import type { TestContext } from 'node:test';
import { formatAddress } from '../src/config/address.js';
import { HttpApi } from '../src/http/api.js';
import { HttpServer, type HttpServerOptions } from '../src/http/server.js';
import { FakeMember } from './fake-member.js';

const LIMITS = { keyBytesMax: 100, valueBytesMax: 200, keysMax: 1000 };

export interface Running {
  readonly member: FakeMember;
  readonly server: HttpServer;
  readonly address: string;
  readonly observed: string[];
  /** Requests that went through node:http. */
  readonly ordinary: string[];
}

export async function run(t: TestContext, options: Partial<HttpServerOptions> = {}): Promise<Running> {
  const member = new FakeMember();
  const observed: string[] = [];
  const ordinary: string[] = [];
  const server = new HttpServer(new HttpApi(member, { limits: LIMITS, version: {} }), {
    bodyBytesMax: 2048,
    requestTimeoutMs: 30_000,
    writeTimeoutMs: 30_000,
    requestsMax: 100,
    connectionsMax: 100,
    observe: (method, path, status) => observed.push(`${method} ${path} ${status}`),
    gateway: ({ method, url }) => {
      ordinary.push(`${method} ${url}`);
      return false;
    },
    ...options,
  });
  const address = formatAddress(await server.listen('localhost:0'));
  t.after(async () => {
    server.destroyConnections();
    await server.drain().catch(() => {});
  });
  return { member, server, address, observed, ordinary };
}
