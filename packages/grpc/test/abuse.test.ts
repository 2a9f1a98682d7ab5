/** Clients that mean harm, or are broken: each must come to an end that costs little, and nobody else may notice. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { literalFields } from '../src/hpack/encoder.js';
import { Flag, FrameType } from '../src/http2/protocol.js';
import type { GrpcServerOptions } from '../src/index.js';
import { type EchoServer, startEchoServer } from './support/echo-server.js';
import {
  data,
  frame,
  headers,
  message,
  ping,
  RawClient,
  requestFields,
  resetStream,
  settings,
  u32,
  unaryCall,
  windowUpdate,
} from './support/raw-client.js';
import { until } from './support/until.js';

async function endsCalmly(one: RawClient): Promise<void> {
  assert.equal(await one.error(FrameType.goAway), 'enhanceYourCalm');
  await one.closed();
}

/** Sends the same bytes over and over, until the connection ends. */
async function flood(one: RawClient, bytes: Uint8Array, times: number): Promise<void> {
  const hundred = Buffer.concat(Array.from({ length: 100 }, () => bytes));
  for (let sent = 0; sent < times && !one.isClosed; sent += 100) {
    one.send(hundred);
    if (sent % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('abuse', () => {
  let server: EchoServer;
  const clients: RawClient[] = [];

  async function start(options: GrpcServerOptions = {}): Promise<void> {
    server = await startEchoServer(options);
  }

  async function client(...entries: readonly (readonly [id: number, value: number])[]): Promise<RawClient> {
    const one = await RawClient.connect(server.port, ...entries);
    clients.push(one);
    return one;
  }

  afterEach(async () => {
    // Whatever was done to the server, another client's call works.
    const other = await client();
    other.send(unaryCall(1, 'still here'));
    assert.equal(await other.outcome(1), '200 "still here" 0');
    for (const one of clients.splice(0)) one.close();
    await server.close();
  });

  it('rapid reset: calls that are cancelled at once are limited', async () => {
    await start();
    const one = await client();
    for (let id = 1; id < 2 * 1500; id += 2) one.send(headers(id, requestFields('Hold')), resetStream(id, 8));
    await endsCalmly(one);
    assert.ok(server.grpc.stats().callsStarted <= 1200);
    assert.equal(server.grpc.stats().calls, 0);
  });

  it('mistakes that make the server reset calls have the same limit', async () => {
    await start();
    const one = await client();
    for (let id = 1; id < 2 * 1500; id += 2) one.send(headers(id, requestFields('Hold')), windowUpdate(id, 0));
    await endsCalmly(one);
  });

  it('malformed requests have the same limit', async () => {
    await start();
    const one = await client();
    for (let id = 1; id < 2 * 1500; id += 2) one.send(headers(id, [['a', 'b']]));
    await endsCalmly(one);
  });

  it('CONTINUATION without end is limited in bytes', async () => {
    await start();
    const one = await client();
    one.send(frame(FrameType.headers, 0, 1, literalFields(requestFields())));
    for (let count = 0; count < 10; count++) one.send(frame(FrameType.continuation, 0, 1, Buffer.alloc(8192)));
    await endsCalmly(one);
  });

  it('CONTINUATION without end is limited in frames', async () => {
    await start();
    const one = await client();
    one.send(frame(FrameType.headers, 0, 1, literalFields(requestFields())));
    await flood(one, frame(FrameType.continuation, 0, 1), 1000);
    await endsCalmly(one);
  });

  it('a compressed header bomb is refused and not kept', async () => {
    await start();
    const one = await client();
    const large = Buffer.from(literalFields([['x-bomb', 'b'.repeat(3000)]]));
    large[0] = 0x40;
    const block = Buffer.concat([literalFields(requestFields()), large, Buffer.alloc(12_000, 0xbe)]);
    const before = process.memoryUsage().heapUsed;
    for (let id = 1; id < 100; id += 2) {
      one.send(frame(FrameType.headers, Flag.endHeaders | Flag.endStream, id, block));
      assert.match(await one.outcome(id), /^200 8 received metadata larger than max \(\d+ vs. 16384\)$/);
    }
    assert.ok(process.memoryUsage().heapUsed - before < 50_000_000);
    one.send(unaryCall(201));
    assert.equal(await one.outcome(201), '200 "hi" 0');
  });

  it('a gzip bomb is refused', async () => {
    await start();
    const one = await client();
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    one.send(headers(1, requestFields('Unary', ['grpc-encoding', 'gzip'])));
    const whole = message(bomb, 1);
    for (let at = 0; at < whole.length; at += 16_000) {
      one.send(data(1, whole.subarray(at, at + 16_000), at + 16_000 >= whole.length ? Flag.endStream : 0));
    }
    assert.equal(await one.outcome(1), '200 8 grpc: received message after decompression larger than max 2097152');
  });

  it('pings that come too often end the connection', async () => {
    await start();
    const one = await client();
    for (let count = 0; count < 5; count++) one.send(ping());
    const { payload } = await one.next(FrameType.goAway);
    assert.equal(payload.subarray(8).toString(), 'too_many_pings');
    await endsCalmly(one);
  });

  it('pings between the messages of a stream are allowed', async () => {
    await start();
    const one = await client();
    one.send(headers(1, requestFields('Open')));
    await until(() => server.open.length === 1);
    for (let count = 1; count <= 20; count++) {
      server.open[0]?.send(Buffer.alloc(1000));
      await until(() => one.frames.filter(({ type }) => type === FrameType.data).length === count);
      one.send(ping(Buffer.alloc(8, count)));
      await until(() => one.frames.filter(({ type }) => type === FrameType.ping).length === count);
    }
    assert.equal(one.isClosed, false);
  });

  it('pings between responses are allowed', async () => {
    await start();
    const one = await client();
    for (let id = 1; id < 40; id += 2) {
      one.send(unaryCall(id), ping(Buffer.alloc(8, id)));
      assert.equal(await one.outcome(id), '200 "hi" 0');
      await until(() => one.frames.filter(({ type }) => type === FrameType.ping).length === (id + 1) / 2);
    }
    assert.equal(one.find(FrameType.goAway), undefined);
  });

  const floods: readonly (readonly [name: string, bytes: Uint8Array])[] = [
    ['SETTINGS', settings([4, 65_535])],
    ['acknowledgements of SETTINGS', frame(FrameType.settings, Flag.ack, 0)],
    ['PRIORITY', frame(FrameType.priority, 0, 3, Buffer.alloc(5))],
    ['frames of unknown types', frame(0x42, 0, 0)],
    ['empty DATA', data(1, Buffer.alloc(0), 0)],
    ['DATA of padding', data(1, Buffer.of(1, 0), Flag.padded)],
    ['WINDOW_UPDATE', windowUpdate(1, 1)],
    ['answers to no ping', frame(FrameType.ping, Flag.ack, 0, Buffer.alloc(8))],
    ['RST_STREAM of streams that are gone', resetStream(3, 8)],
    ['GOAWAY', frame(FrameType.goAway, 0, 0, Buffer.alloc(8))],
  ];
  for (const [name, bytes] of floods) {
    it(`a flood of ${name} ends the connection`, async () => {
      await start();
      const one = await client();
      one.send(headers(1, requestFields('Hold')), unaryCall(3));
      await flood(one, bytes, 20_000);
      await endsCalmly(one);
    });
  }

  it('a client that reads nothing is not read from either', async () => {
    await start({ socketQueueBytesMax: 100_000, socketQueueBytesHigh: 50_000, keepAliveTimeoutMs: 200 });
    const one = await client([4, 0x7fffffff]);
    one.send(windowUpdate(0, 0x7fff0000 - 65_535));
    one.socket.pause();
    // Calls that are answered by a header block alone are not under flow control.
    const fail = message(`5|${'x'.repeat(3000)}`);
    for (let id = 1; id < 2 * 20_000; id += 2) {
      one.send(headers(id, requestFields('Fail')), data(id, fail));
      if (id % 500 === 1) await new Promise((resolve) => setImmediate(resolve));
    }
    // It is stuck in its own unread answers, and given up.
    await until(() => server.grpc.stats().connections === 0);
    assert.ok(server.grpc.stats().bytesWritten < 20_000_000);
    assert.ok(server.grpc.stats().callsStarted < 10_000);
  });

  it('answers that a client does not take are bounded: further calls fail', async () => {
    await start({ queueBytesMax: 1_000_000 });
    const one = await client([4, 0]);
    const large = message(Buffer.alloc(16_000));
    for (let id = 1; id <= 201; id += 2) one.send(headers(id), data(id, large));
    assert.equal(await one.outcome(201), '200 8 grpc: too many responses wait for this client');
    // The first ones are still there when it takes them.
    one.send(windowUpdate(1, 20_000));
    assert.match(await one.outcome(1), /0$/);
  });

  it('replies that clients do not take are bounded over all connections; there is room again when they are gone', async () => {
    await start({ serverQueueBytesMax: 1_000_000 });
    const large = message(Buffer.alloc(16_000));
    const stuck: RawClient[] = [];
    for (let count = 0; count < 8; count += 1) {
      const one = await client([4, 0]);
      for (let id = 1; id <= 21; id += 2) one.send(headers(id), data(id, large));
      stuck.push(one);
    }
    await until(() => server.grpc.stats().callsStarted === 88);
    const other = await client([4, 0]);
    other.send(headers(1), data(1, large));
    assert.equal(await other.outcome(1), '200 8 grpc: too many responses wait for clients');
    // What goes out at once is answered all the same, and so is everything when there is room.
    const reader = await client();
    reader.send(unaryCall(1, 'small'));
    assert.equal(await reader.outcome(1), '200 "small" 0');
    for (const one of stuck) one.close();
    await until(() => server.grpc.stats().connections === 2);
    other.send(headers(3), data(3, large), windowUpdate(3, 20_000));
    assert.match(await other.outcome(3), /0$/);
  });

  it('messages to a stream whose client does not read end it at last', async () => {
    await start({ queueBytesMax: 1_000_000, callQueueBytesHigh: 10_000 });
    const one = await client([4, 0]);
    one.send(headers(1, requestFields('Open')));
    await until(() => server.open.length === 1);
    const call = server.open[0];
    assert.equal(call?.send(Buffer.alloc(5000)), true);
    assert.equal(call.send(Buffer.alloc(6000)), false);
    assert.equal(call.bytesQueued, 11_010);
    for (let count = 0; count < 300; count++) call.send(Buffer.alloc(5000));
    assert.equal(call.isCancelled, true);
    assert.equal(await one.outcome(1), '200 200 8 grpc: too many responses wait for this client'.slice(4));
  });

  it('incomplete messages are bounded over all calls of a connection', async () => {
    await start({ heldBytesMax: 4_194_304, callWindowBytes: 2_000_000, connectionWindowBytes: 1_000_000 });
    const one = await client();
    const begin = Buffer.concat([Buffer.of(0), u32(2_000_000), Buffer.alloc(16_000)]);
    const outcomes: Promise<string>[] = [];
    for (let id = 1; id < 2 * 400; id += 2) {
      one.send(headers(id), data(id, begin, 0));
      outcomes.push(one.outcome(id));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const first = await Promise.race(outcomes);
    assert.equal(first, '200 8 grpc: too many incomplete messages on this connection');
    one.close();
    await until(() => server.grpc.stats().connections === 0);
    await Promise.all(outcomes);
  });

  it('a paused call holds no more than its window', async () => {
    await start({ callWindowBytes: 50_000 });
    const one = await client();
    one.send(headers(1, requestFields('Open')));
    for (let count = 0; count < 3; count++) one.send(data(1, Buffer.alloc(16_384), 0));
    one.send(unaryCall(3));
    assert.equal(await one.outcome(3), '200 "hi" 0');
    assert.equal(one.find(FrameType.windowUpdate, 1), undefined);
    one.send(data(1, Buffer.alloc(16_384), 0));
    assert.equal(await one.error(FrameType.resetStream, 1), 'flowControlError');
    assert.deepEqual(server.events, ['cancel protocol']);
  });

  it("the connection's window is given back as DATA comes, whoever takes it", async () => {
    await start({ connectionWindowBytes: 65_535, callWindowBytes: 1_000_000 });
    const one = await client();
    one.send(headers(1, requestFields('Open')));
    one.send(...Array.from({ length: 3 }, () => data(1, Buffer.alloc(16_384), 0)));
    assert.equal((await one.next(FrameType.windowUpdate, 0)).payload.length, 4);
    one.close();
  });

  it('more calls at a time than allowed are refused, unharmed', async () => {
    await start({ callsPerConnectionMax: 3 });
    const one = await client();
    for (let id = 1; id <= 7; id += 2) one.send(headers(id, requestFields('Hold')), data(id, message('')));
    assert.equal(await one.outcome(7), 'reset:refusedStream');
    server.held[0]?.reply(Buffer.from('done'));
    assert.equal(await one.outcome(1), '200 "done" 0');
    one.send(unaryCall(9));
    assert.equal(await one.outcome(9), '200 "hi" 0');
  });

  it('more connections than allowed are closed', async () => {
    await start({ connectionsMax: 2 });
    const [one, two, three] = [await client(), await client(), await client()];
    await three.closed();
    one.send(unaryCall(1));
    assert.equal(await one.outcome(1), '200 "hi" 0');
    two.close();
    await until(() => server.grpc.stats().connections === 1);
    assert.equal(server.grpc.stats().connectionsRefused, 1);
  });

  it('a connection that never begins is closed', async () => {
    await start({ handshakeMs: 50 });
    const one = await RawClient.bare(server.port);
    clients.push(one);
    await one.closed();
  });

  it('a call that was answered is closed even if its client goes on sending', async () => {
    await start({ lingerMs: 40 });
    const one = await client();
    one.send(headers(1), data(1, message('hi'), 0));
    assert.equal(await one.outcome(1), '200 "hi" 0');
    assert.equal(await one.error(FrameType.resetStream, 1), 'noError');
    assert.equal(server.grpc.stats().calls, 0);
    one.send(headers(3), data(3, message('hi'), 0), data(3, Buffer.alloc(100), 0));
    assert.equal(await one.error(FrameType.resetStream, 3), 'noError');
    one.send(data(3, Buffer.alloc(100), 0), unaryCall(5));
    assert.equal(await one.outcome(5), '200 "hi" 0');
  });
});
