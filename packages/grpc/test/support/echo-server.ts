/** A server on a free port with a method of each kind, for tests. */

import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { GrpcServer, type GrpcServerOptions, GrpcStatus, type StreamCall, type UnaryCall } from '../../src/index.js';

export interface EchoServer {
  readonly grpc: GrpcServer;
  readonly port: number;
  /** Calls of `/test.Echo/Hold`, which their test ends. */
  readonly held: UnaryCall[];
  /** Calls of `/test.Echo/Open`, which their test drives. */
  readonly open: StreamCall[];
  /** What calls were told, in order: `cancel client`, ... */
  readonly events: string[];
  close(): Promise<void>;
}

export function registerEcho(grpc: GrpcServer): Pick<EchoServer, 'held' | 'open' | 'events'> {
  const held: UnaryCall[] = [];
  const open: StreamCall[] = [];
  const events: string[] = [];
  grpc.unary('/test.Echo/Unary', (call, request) => call.reply(request));
  grpc.unary('/test.Echo/Fail', (call, request) => {
    const [code = '', message = ''] = Buffer.from(request).toString('utf8').split('|');
    call.fail(Number(code) as GrpcStatus, message, [
      ['reason', 'asked for'],
      ['detail-bin', Uint8Array.of(0, 1, 2, 255)],
    ]);
  });
  grpc.unary('/test.Echo/Metadata', (call) => {
    call.sendMetadata([
      ['first', call.metadata.get('first') ?? 'none'],
      ['bytes-bin', call.metadata.getBinary('bytes-bin')[0] ?? new Uint8Array()],
    ]);
    call.reply(Buffer.from(call.path), [['last', 'trailer']]);
  });
  grpc.unary('/test.Echo/Hold', (call) => {
    held.push(call);
    call.onCancel((reason) => events.push(`cancel ${reason}`));
  });
  grpc.unary('/test.Echo/Throw', () => {
    throw new Error('a bug');
  });
  grpc.serverStream('/test.Echo/Repeat', (call, request) => {
    const text = Buffer.from(request);
    for (let count = 0; count < 10; count++) call.send(text);
    call.end(GrpcStatus.ok);
  });
  grpc.clientStream('/test.Echo/Sum', (call) => {
    let bytes = 0;
    call.onMessage((message) => {
      bytes += message.length;
    });
    call.onHalfClose(() => {
      call.send(Buffer.from(`${bytes}`));
      call.end(GrpcStatus.ok);
    });
  });
  grpc.bidi('/test.Echo/Chat', (call) => {
    call.onMessage((message) => void call.send(Buffer.from(message)));
    call.onHalfClose(() => call.end(GrpcStatus.ok));
    call.onCancel((reason) => events.push(`cancel ${reason}`));
  });
  grpc.bidi('/test.Echo/Open', (call) => {
    open.push(call);
    call.onCancel((reason) => events.push(`cancel ${reason}`));
  });
  return { held, open, events };
}

export async function startEchoServer(options: GrpcServerOptions = {}): Promise<EchoServer> {
  const grpc = new GrpcServer(options);
  const registered = registerEcho(grpc);
  const listener = createServer((socket: Socket) => grpc.accept(socket));
  await listening(listener);
  return {
    grpc,
    port: (listener.address() as AddressInfo).port,
    ...registered,
    close: async () => {
      listener.close();
      await grpc.close(0);
    },
  };
}

export function listening(listener: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(0, '127.0.0.1', resolve);
  });
}
