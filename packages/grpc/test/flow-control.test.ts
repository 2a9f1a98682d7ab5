/** Flow control of what the server sends: windows, their changes, fairness, backpressure. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { FrameType } from '../src/http2/protocol.js';
import { GrpcStatus } from '../src/index.js';
import { type EchoServer, startEchoServer } from './support/echo-server.js';
import {
  data,
  headers,
  message,
  ping,
  RawClient,
  requestFields,
  settings,
  unaryCall,
  windowUpdate,
} from './support/raw-client.js';
import { until } from './support/until.js';

describe('flow control', () => {
  let server: EchoServer;
  let client: RawClient;
  beforeEach(async () => {
    // Tests ask by pings whether all has been processed.
    server = await startEchoServer({ pingIntervalMsMin: 1 });
  });
  afterEach(async () => {
    client.close();
    await server.close();
  });

  const received = (streamId: number): number =>
    client.frames
      .filter((one) => one.type === FrameType.data && one.streamId === streamId)
      .reduce((sum, one) => sum + one.payload.length, 0);

  /** Everything sent so far has been processed, and its answers have come. */
  async function settled(): Promise<void> {
    const answered = client.frames.filter((one) => one.type === FrameType.ping).length;
    client.send(ping());
    await until(() => client.frames.filter((one) => one.type === FrameType.ping).length > answered);
  }

  it("sends no more than a stream's window, and the rest byte by byte as it grows", async () => {
    client = await RawClient.connect(server.port, [4, 3]);
    client.send(unaryCall(1, 'hello'));
    await settled();
    assert.equal(received(1), 3);
    for (let bytes = 4; bytes <= 10; bytes++) {
      client.send(windowUpdate(1, 1));
      await settled();
      assert.equal(received(1), bytes);
    }
    await client.next(FrameType.headers, 1);
    await until(() => client.frames.filter((one) => one.type === FrameType.headers).length === 2);
  });

  it("sends no more than the connection's window, to all streams in turn", async () => {
    client = await RawClient.connect(server.port, [4, 1_000_000]);
    for (const id of [1, 3, 5]) client.send(headers(id, requestFields('Open')));
    await until(() => server.open.length === 3);
    for (const call of server.open) call.send(Buffer.alloc(100_000));
    await settled();
    assert.equal(received(1) + received(3) + received(5), 65_535);
    client.send(windowUpdate(0, 150_000));
    await until(() => received(1) + received(3) + received(5) === 215_535);
    const counts = [received(1), received(3), received(5)].filter((bytes) => bytes < 100_005);
    assert.ok(Math.max(...counts) - Math.min(...counts) <= 16_384);
  });

  it('a smaller initial window makes windows negative, and they must grow above 0 again', async () => {
    client = await RawClient.connect(server.port, [4, 20]);
    client.send(headers(1, requestFields('Open')));
    await until(() => server.open.length === 1);
    server.open[0]?.send(Buffer.alloc(95));
    await settled();
    assert.equal(received(1), 20);
    client.send(settings([4, 5]));
    client.send(windowUpdate(1, 15));
    await settled();
    assert.equal(received(1), 20);
    client.send(windowUpdate(1, 1));
    await settled();
    assert.equal(received(1), 21);
    client.send(settings([4, 15]));
    await settled();
    assert.equal(received(1), 31);
    client.send(settings([4, 65_535]));
    await settled();
    assert.equal(received(1), 100);
  });

  it('a call whose client does not read costs others nothing', async () => {
    client = await RawClient.connect(server.port, [4, 0]);
    client.send(unaryCall(1, 'waits'));
    client.send(headers(3), windowUpdate(3, 100), data(3, message('goes')));
    assert.equal(await client.outcome(3), '200 "goes" 0');
    assert.equal(received(1), 0);
  });

  it('tells a handler when to stop and when to go on', async () => {
    client = await RawClient.connect(server.port, [4, 100_000]);
    client.send(headers(1, requestFields('Open')));
    await until(() => server.open.length === 1);
    const call = server.open[0];
    assert.ok(call !== undefined);
    let drained = 0;
    call.onDrain(() => {
      drained += 1;
    });
    let sent = 0;
    while (call.send(Buffer.alloc(10_000))) sent += 1;
    assert.equal(call.bytesQueued > 65_536, true);
    assert.equal(drained, 0);
    client.send(windowUpdate(0, 1_000_000), windowUpdate(1, 5_000));
    await until(() => drained === 0 && received(1) === 105_000);
    client.send(windowUpdate(1, 1_000_000));
    await until(() => drained === 1);
    call.end(GrpcStatus.ok);
    await until(() => received(1) === (sent + 1) * 10_005);
    assert.equal(call.bytesQueued, 0);
  });

  it('sends a message in two parts, of which the first may be used again at once and the second shared', async () => {
    client = await RawClient.connect(server.port, [4, 0]);
    client.send(headers(1, requestFields('Open')), headers(3, requestFields('Open')), windowUpdate(3, 100_000));
    await until(() => server.open.length === 2);
    const head = Buffer.alloc(4);
    const rests = [Buffer.alloc(0), Buffer.from('rest'), Buffer.alloc(3000, 'r')];
    // One waits for its window, the other does not.
    for (const rest of rests) {
      for (const call of server.open) {
        head.write('head');
        call.send(rest, head);
        head.fill('x');
      }
    }
    client.send(windowUpdate(1, 100_000));
    const expected = Buffer.concat(rests.map((rest) => message(Buffer.concat([Buffer.from('head'), rest]))));
    for (const id of [1, 3]) {
      await until(() => received(id) === expected.length);
      const frames = client.frames.filter((one) => one.type === FrameType.data && one.streamId === id);
      assert.deepEqual(Buffer.concat(frames.map(({ payload }) => payload)), expected);
    }
    for (const call of server.open) assert.equal(call.bytesQueued, 0);
  });

  it('takes larger messages than the windows, and gives the windows back', async () => {
    client = await RawClient.connect(server.port);
    const large = message(Buffer.alloc(1_500_000, 'm'));
    client.send(headers(1, requestFields('Sum')));
    // A client that obeys: the stream's window is 256 KiB.
    let allowed = 262_144;
    let sent = 0;
    while (sent < large.length) {
      const bytes = Math.min(16_384, allowed - sent, large.length - sent);
      if (bytes > 0) client.send(data(1, large.subarray(sent, sent + bytes), sent + bytes === large.length ? 1 : 0));
      sent += bytes;
      await new Promise((resolve) => setImmediate(resolve));
      const updates = client.frames.filter((one) => one.type === FrameType.windowUpdate && one.streamId === 1);
      allowed = 262_144 + updates.reduce((sum, one) => sum + one.payload.readUInt32BE(0), 0);
    }
    assert.equal(await client.outcome(1), '200 "1500000" 0');
  });

  it('pauses and resumes what comes in', async () => {
    client = await RawClient.connect(server.port);
    client.send(headers(1, requestFields('Open')));
    await until(() => server.open.length === 1);
    const call = server.open[0];
    const messages: string[] = [];
    call?.onMessage((one) => {
      messages.push(Buffer.from(one).toString());
      call.pause();
    });
    call?.onHalfClose(() => messages.push('end'));
    client.send(data(1, Buffer.concat([message('a'), message('b')]), 0), data(1, message('c')), ping());
    await client.next(FrameType.ping);
    assert.deepEqual(messages, ['a']);
    call?.resume();
    assert.deepEqual(messages, ['a', 'b']);
    call?.resume();
    call?.resume();
    assert.deepEqual(messages, ['a', 'b', 'c', 'end']);
  });
});
