/** The life of connections: keep-alive, graceful and hard ends, TLS, bytes read before, coalesced writes. */
import assert from 'node:assert/strict';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { CLIENT_PREFACE, FrameType, STREAM_ID_MAX } from '../src/http2/protocol.js';
import { GrpcServer, GrpcStatus, HealthService, ServingStatus } from '../src/index.js';
import { type EchoServer, listening, registerEcho, startEchoServer } from './support/echo-server.js';
import {
  data,
  type Fields,
  frame,
  headers,
  message,
  RawClient,
  requestFields,
  settings,
  u32,
  unaryCall,
} from './support/raw-client.js';
import { until } from './support/until.js';

function healthFields(method: string): Fields {
  return requestFields().map(([name, value]) => [name, name === ':path' ? `/grpc.health.v1.Health/${method}` : value]);
}

describe("a connection's life", () => {
  let server: EchoServer;
  let client: RawClient;
  afterEach(async () => {
    client.close();
    await server.close();
  });

  it('asks a silent client for a sign of life, and goes on when it comes', async () => {
    server = await startEchoServer({ keepAliveIntervalMs: 40, keepAliveTimeoutMs: 60 });
    client = await RawClient.connect(server.port);
    for (let count = 1; count <= 3; count++) {
      await until(() => client.frames.filter((one) => one.type === FrameType.ping).length === count);
      client.send(frame(FrameType.ping, 1, 0, client.frames.at(-1)?.payload));
    }
    client.send(unaryCall(1));
    assert.equal(await client.outcome(1), '200 "hi" 0');
  });

  it('gives up a client that gives no sign of life', async () => {
    server = await startEchoServer({ keepAliveIntervalMs: 40, keepAliveTimeoutMs: 40 });
    client = await RawClient.connect(server.port);
    client.send(headers(1, requestFields('Hold')), data(1, message('')));
    await client.closed();
    assert.deepEqual(server.events, ['cancel connection']);
  });

  it('stops gracefully: no new calls, those in flight end, then the connection', async () => {
    server = await startEchoServer();
    client = await RawClient.connect(server.port);
    client.send(headers(1, requestFields('Hold')), data(1, message('')));
    await until(() => server.held.length === 1);
    const closed = server.grpc.close(60_000);
    const first = await client.next(FrameType.goAway);
    assert.equal(first.payload.readUInt32BE(0), STREAM_ID_MAX);
    // A call that was on its way when the server said so is still taken.
    client.send(unaryCall(3, 'late'));
    assert.equal(await client.outcome(3), '200 "late" 0');
    client.send(frame(FrameType.ping, 1, 0, (await client.next(FrameType.ping)).payload));
    await until(() => client.frames.filter((one) => one.type === FrameType.goAway).length === 2);
    assert.equal(client.frames.findLast((one) => one.type === FrameType.goAway)?.payload.readUInt32BE(0), 3);
    client.send(unaryCall(5));
    assert.equal(await client.outcome(5), 'reset:refusedStream');
    server.held[0]?.reply(Buffer.from('done'));
    assert.equal(await client.outcome(1), '200 "done" 0');
    await client.closed();
    await closed;
  });

  it('ends what is left when the time of grace is over', async () => {
    server = await startEchoServer();
    client = await RawClient.connect(server.port);
    client.send(headers(1, requestFields('Hold')), data(1, message('')));
    await until(() => server.held.length === 1);
    await server.grpc.close(20);
    assert.equal(await client.outcome(1), '200 14 server is stopping');
    assert.deepEqual(server.events, ['cancel stopping']);
    await client.closed();
  });

  it('takes no connection any more once it is closing', async () => {
    server = await startEchoServer();
    client = await RawClient.connect(server.port);
    await client.next(FrameType.settings);
    await server.grpc.close(0);
    const late = await RawClient.connect(server.port);
    await late.closed();
  });

  it('tells the handlers when their connection ends', async () => {
    server = await startEchoServer();
    client = await RawClient.connect(server.port);
    client.send(headers(1, requestFields('Hold')), data(1, message('')), headers(3, requestFields('Open')));
    await until(() => server.held.length + server.open.length === 2);
    client.close();
    await until(() => server.events.length === 2);
    assert.deepEqual(server.events, ['cancel connection', 'cancel connection']);
    // What is sent afterwards goes nowhere, and hurts nobody.
    server.held[0]?.reply(Buffer.from('x'));
    assert.equal(server.open[0]?.send(Buffer.from('x')), false);
  });

  it('a second answer to a call is a mistake of its handler', async () => {
    server = await startEchoServer();
    client = await RawClient.connect(server.port);
    client.send(headers(1, requestFields('Hold')), data(1, message('')));
    await until(() => server.held.length === 1);
    server.held[0]?.reply(Buffer.from('x'));
    assert.throws(() => server.held[0]?.reply(Buffer.from('x')), /has ended already/);
  });

  it('takes what was read from the socket before', async () => {
    server = await startEchoServer();
    const grpc = new GrpcServer();
    registerEcho(grpc);
    const listener = createServer((socket: Socket) => {
      socket.once('readable', () => {
        const head = socket.read(30) as Buffer | null;
        grpc.accept(socket, head ?? undefined);
      });
    });
    await listening(listener);
    client = await RawClient.bare((listener.address() as AddressInfo).port);
    client.send(CLIENT_PREFACE, settings(), unaryCall(1));
    assert.equal(await client.outcome(1), '200 "hi" 0');
    listener.close();
    await grpc.close(0);
  });

  it('takes a socket that was paused', async () => {
    server = await startEchoServer();
    const listener = createServer({ pauseOnConnect: true }, (socket: Socket) => server.grpc.accept(socket));
    await listening(listener);
    client = await RawClient.connect((listener.address() as AddressInfo).port);
    client.send(unaryCall(1));
    assert.equal(await client.outcome(1), '200 "hi" 0');
    listener.close();
  });

  it('leaves a client the time to read its answers when the server stops', async () => {
    server = await startEchoServer({ lingerMs: 40 });
    client = await RawClient.connect(server.port, [4, 0x7fffffff]);
    client.send(frame(FrameType.windowUpdate, 0, 0, u32(0x7fff0000 - 65_535)), headers(1, requestFields('Open')));
    await until(() => server.open.length === 1);
    client.socket.pause();
    const call = server.open[0];
    const large = Buffer.alloc(1_000_000);
    for (let count = 0; count < 30; count++) call?.send(large);
    call?.end(GrpcStatus.ok);
    const closed = server.grpc.close(60_000);
    await new Promise((resolve) => setTimeout(resolve, 100));
    client.socket.resume();
    assert.match(await client.outcome(1), /0$/);
    assert.ok(client.bytesRead > 30_000_000);
    client.send(frame(FrameType.ping, 1, 0, (await client.next(FrameType.ping)).payload));
    await closed;
  });

  it('writes all responses of a turn at once', async () => {
    server = await startEchoServer();
    const grpc = new GrpcServer();
    registerEcho(grpc);
    let writes = 0;
    const listener = createServer((socket: Socket) => {
      const write = socket.write.bind<(chunk: Uint8Array) => boolean>(socket);
      socket.write = (chunk: Uint8Array | string): boolean => {
        writes += 1;
        return write(chunk as Uint8Array);
      };
      grpc.accept(socket);
    });
    await listening(listener);
    client = await RawClient.connect((listener.address() as AddressInfo).port);
    await client.next(FrameType.settings);
    await until(() => client.frames.length >= 3);
    const before = writes;
    client.send(...Array.from({ length: 50 }, (_, index) => unaryCall(2 * index + 1)));
    assert.equal(await client.outcome(99), '200 "hi" 0');
    assert.equal(writes - before, 1);
    listener.close();
    await grpc.close(0);
  });

  it('reports health, and changes of it to those who watch', async () => {
    server = await startEchoServer();
    const grpc = new GrpcServer();
    const health = new HealthService(grpc);
    const listener = createServer((socket: Socket) => grpc.accept(socket));
    await listening(listener);
    client = await RawClient.connect((listener.address() as AddressInfo).port);
    client.send(headers(1, healthFields('Check')), data(1, message('')));
    assert.equal(await client.outcome(1), `200 "${Buffer.of(8, 2).toString()}" 0`);
    client.send(headers(3, healthFields('Check')), data(3, message(Buffer.from('\n\x03abc'))));
    assert.equal(await client.outcome(3), '200 5 unknown service');
    client.send(headers(5, healthFields('Watch')), data(5, message(Buffer.from('\n\x03abc'))));
    const seen = (): number[] =>
      client.frames
        .filter((one) => one.type === FrameType.data && one.streamId === 5)
        .map((one) => one.payload[6] ?? -1);
    await until(() => seen().length === 1);
    health.set('abc', ServingStatus.serving);
    health.set('abc', ServingStatus.serving);
    health.set('abc', ServingStatus.notServing);
    await until(() => seen().length === 3);
    assert.deepEqual(seen(), [ServingStatus.serviceUnknown, ServingStatus.serving, ServingStatus.notServing]);
    listener.close();
    await grpc.close(0);
  });
});
