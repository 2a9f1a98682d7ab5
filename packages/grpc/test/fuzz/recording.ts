/** Real traffic: the bytes that `@grpc/grpc-js` and Node's http2 client send when they call every method of the echo server. */
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Client, compressionAlgorithms, credentials, Metadata } from '@grpc/grpc-js';
import { GrpcServer } from '../../src/index.js';
import { listening, registerEcho } from '../support/echo-server.js';
import { message } from '../support/raw-client.js';

const same = (bytes: Buffer): Buffer => bytes;

/** One stream of bytes per connection. */
export async function recordTraffic(): Promise<readonly Buffer[]> {
  const grpc = new GrpcServer();
  registerEcho(grpc);
  const recorded: Buffer[][] = [];
  const listener = createServer((socket: Socket) => {
    const chunks: Buffer[] = [];
    recorded.push(chunks);
    socket.on('data', (chunk: Buffer) => chunks.push(Buffer.from(chunk)));
    grpc.accept(socket);
  });
  await listening(listener);
  const { port } = listener.address() as AddressInfo;
  await grpcJsTraffic(port, {});
  await grpcJsTraffic(port, { 'grpc.default_compression_algorithm': compressionAlgorithms.gzip });
  await http2Traffic(port);
  listener.close();
  await grpc.close(0);
  return recorded.map((chunks) => Buffer.concat(chunks));
}

async function grpcJsTraffic(port: number, options: Record<string, number>): Promise<void> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), options);
  const unary = (method: string, body: Buffer, deadlineMs = 10_000): Promise<void> =>
    new Promise((resolve) => {
      const metadata = new Metadata();
      metadata.set('token', `secret ${body.length}`);
      metadata.set('bytes-bin', Buffer.from([1, 2, 3]));
      const deadline = { deadline: Date.now() + deadlineMs };
      client.makeUnaryRequest(`/test.Echo/${method}`, same, same, body, metadata, deadline, () => resolve());
    });
  await Promise.all([1, 50, 3000].map((bytes) => unary('Unary', Buffer.alloc(bytes, 'u'))));
  await unary('Fail', Buffer.from('5|not here'));
  await unary('Nothing', Buffer.alloc(0));
  await unary('Hold', Buffer.alloc(0), 20);
  const repeat = client.makeServerStreamRequest('/test.Echo/Repeat', same, same, Buffer.from('r'.repeat(500)));
  await once(repeat.resume(), 'end');
  await new Promise<void>((resolve) => {
    const sum = client.makeClientStreamRequest('/test.Echo/Sum', same, same, () => resolve());
    for (let count = 0; count < 5; count++) sum.write(Buffer.alloc(700));
    sum.end();
  });
  const chat = client.makeBidiStreamRequest('/test.Echo/Chat', same, same);
  chat.write(Buffer.from('one'));
  chat.write(Buffer.from('two'));
  chat.end();
  await once(chat.resume(), 'end');
  const open = client.makeBidiStreamRequest('/test.Echo/Chat', same, same);
  open.on('error', () => undefined);
  open.write(Buffer.from('cancelled'));
  await once(open, 'data');
  open.cancel();
  await once(open, 'error');
  client.close();
}

async function http2Traffic(port: number): Promise<void> {
  const session = connectHttp2(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 2000 } });
  const head = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };
  for (const [method, bytes] of [
    ['Unary', 10],
    ['Unary', 5000],
    ['Repeat', 1000],
    ['Metadata', 0],
    ['Chat', 40],
  ] as const) {
    const stream = session.request({ ...head, ':path': `/test.Echo/${method}`, 'x-long': 'v'.repeat(bytes / 10) });
    stream.end(message(Buffer.alloc(bytes, 'h')));
    await once(stream.resume(), 'close');
  }
  await new Promise((resolve) => session.ping(resolve));
  session.close();
  await once(session, 'close');
}
