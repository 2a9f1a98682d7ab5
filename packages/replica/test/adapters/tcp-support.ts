/** Members on real sockets for tests, and hands to poke them with. */
import assert from 'node:assert/strict';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { systemRandom } from '../../src/adapters/system.js';
import { frameBatch } from '../../src/adapters/tcp-framing.js';
import { encodeAnswer, encodeHello, type Hello } from '../../src/adapters/tcp-handshake.js';
import type { TcpLimits } from '../../src/adapters/tcp-limits.js';
import { TcpNetwork, type TcpNetworkOptions } from '../../src/adapters/tcp-network.js';
import type { Channel, PeerAddress } from '../../src/seams/network.js';
import { platform } from '../wire/platform.js';

export const CLUSTER_ID = 77;

export interface Refusal {
  readonly peer: number;
  readonly reason: string;
}

/** A TcpNetwork and everything that it reported. */
export class TestMember implements PeerAddress {
  readonly id: number;
  readonly address: string;
  readonly port: number;
  readonly network: TcpNetwork;
  readonly log: MemberLog;

  private constructor(id: number, address: string, port: number, network: TcpNetwork, log: MemberLog) {
    this.id = id;
    this.address = address;
    this.port = port;
    this.network = network;
    this.log = log;
  }

  static async start(id: number, options: Partial<TcpNetworkOptions> = {}): Promise<TestMember> {
    const log = new MemberLog();
    const network = new TcpNetwork({
      listenHost: '127.0.0.1',
      listenPort: 0,
      clusterId: CLUSTER_ID,
      memberId: id,
      isRemoved: () => false,
      platform,
      random: systemRandom,
      trace: { event: (name, data) => log.events.push({ name, ...data }) },
      ...options,
    });
    const { address, port } = await network.start({
      frame: (from, channel, frame) => {
        log.received.push({ from, channel, text: Buffer.from(frame).toString('latin1') });
        log.onFrame?.(from, channel, frame);
      },
      unreachable: (peer) => log.unreachable.push(peer),
      introduced: (peer) => log.introduced.push(peer),
      refused: (peer, reason) => log.refused.push({ peer, reason }),
    });
    return new TestMember(id, address, port, network, log);
  }

  send(to: number, channel: Channel, text: string): void {
    this.network.send(to, channel, [Buffer.from(text, 'latin1')]);
  }

  texts(channel: Channel): readonly string[] {
    return this.log.received.filter((frame) => frame.channel === channel).map(({ text }) => text);
  }
}

export class MemberLog {
  readonly received: { readonly from: number; readonly channel: Channel; readonly text: string }[] = [];
  readonly unreachable: number[] = [];
  readonly introduced: PeerAddress[] = [];
  readonly refused: Refusal[] = [];
  readonly events: Readonly<Record<string, unknown>>[] = [];
  onFrame: ((from: number, channel: Channel, frame: Uint8Array) => void) | undefined;
}

/** A plain connection to a member's port, which may send what it likes. */
export async function knock(port: number): Promise<{ socket: Socket; bytes: () => Buffer; closed: () => boolean }> {
  const socket = connect({ host: '127.0.0.1', port });
  const chunks: Buffer[] = [];
  let closed = false;
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => {});
  socket.on('close', () => {
    closed = true;
  });
  await new Promise((resolve) => {
    socket.once('connect', resolve);
  });
  return { socket, bytes: () => Buffer.concat(chunks), closed: () => closed };
}

export function helloBytes(fields: Partial<Omit<Hello, 'version'>> & { to: number }): Uint8Array {
  return encodeHello(platform, {
    clusterId: CLUSTER_ID,
    from: 50,
    channel: 'control',
    address: 'elsewhere:1',
    ...fields,
  });
}

export function frameOf(text: string): Buffer {
  const payload = Buffer.from(text);
  return Buffer.concat(frameBatch(platform, [{ chunks: [payload], bytes: payload.length }]));
}

/** A member that shakes hands and then reads nothing, as one whose process was stopped. */
export async function stalledMember(id: number): Promise<{ server: Server; address: string; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.write(encodeAnswer(platform, { from: id, refusal: undefined }));
      socket.pause();
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const bound = server.address();
  assert.ok(bound !== null && typeof bound !== 'string');
  return { server, address: `127.0.0.1:${bound.port}`, sockets };
}

/** Time runs quickly: silence is noticed in a tenth of a second. */
export const QUICK: Partial<TcpLimits> = {
  keepaliveMs: 20,
  silenceMs: 100,
  handshakeTimeoutMs: 150,
  snapshotIdleMs: 60,
};
