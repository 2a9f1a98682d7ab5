/** The cases of protocol-cases.ts, each on a connection of its own, whole and in pieces. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { CLIENT_PREFACE, FrameType } from '../src/http2/protocol.js';
import {
  type Expectation,
  FRAME_CASES,
  GRPC_CASES,
  HEADER_CASES,
  type ProtocolCase,
  STREAM_CASES,
} from './protocol-cases.js';
import { type EchoServer, startEchoServer } from './support/echo-server.js';
import { data, headers, message, ping, RawClient, settings, unaryCall } from './support/raw-client.js';

async function expect(client: RawClient, expected: Expectation): Promise<void> {
  switch (expected.is) {
    case 'ok':
      client.send(ping());
      await client.next(FrameType.ping);
      assert.equal(client.find(FrameType.goAway), undefined);
      break;
    case 'call':
      assert.equal(await client.outcome(1), expected.outcome);
      break;
    case 'stream':
      assert.equal(await client.error(FrameType.resetStream, 1), expected.error);
      // The connection goes on.
      client.send(unaryCall(101, 'still'));
      assert.equal(await client.outcome(101), '200 "still" 0');
      break;
    case 'connection':
      assert.equal(await client.error(FrameType.goAway), expected.error);
      await client.closed();
      break;
  }
}

describe('the protocol', () => {
  let server: EchoServer;
  before(async () => {
    server = await startEchoServer();
  });
  after(() => server.close());

  function run([name, bytes, expected]: ProtocolCase): void {
    it(name, async () => {
      const whole = await RawClient.connect(server.port);
      whole.send(...bytes);
      await expect(whole, expected);
      whole.close();
    });
  }

  describe('frames', () => FRAME_CASES.forEach((one) => run(one)));
  describe('streams', () => STREAM_CASES.forEach((one) => run(one)));
  describe('header blocks', () => HEADER_CASES.forEach((one) => run(one)));
  describe('gRPC', () => GRPC_CASES.forEach((one) => run(one)));

  it('refuses a connection that does not begin with the preface', async () => {
    const client = await RawClient.bare(server.port);
    client.send(Buffer.from('GET / HTTP/1.1\r\nHost: test\r\n\r\n'));
    assert.equal(await client.error(FrameType.goAway), 'protocolError');
    await client.closed();
  });

  it('refuses a connection that does not begin with SETTINGS', async () => {
    const client = await RawClient.bare(server.port);
    client.send(CLIENT_PREFACE, ping());
    assert.equal(await client.error(FrameType.goAway), 'protocolError');
    await client.closed();
  });

  it('takes a connection byte by byte', async () => {
    const client = await RawClient.bare(server.port);
    client.socket.setNoDelay(true);
    for (const byte of Buffer.concat([CLIENT_PREFACE, settings(), headers(1), data(1, message('hi'))])) {
      client.send(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(await client.outcome(1), '200 "hi" 0');
    client.close();
  });

  it('acknowledges settings and says its own first', async () => {
    const client = await RawClient.connect(server.port, [4, 1000]);
    client.send(ping());
    await client.next(FrameType.ping);
    assert.deepEqual(
      client.frames.map(({ type, flags }) => [type, flags]),
      [
        [FrameType.settings, 0],
        [FrameType.windowUpdate, 0],
        [FrameType.settings, 1],
        [FrameType.ping, 1],
      ],
    );
    client.close();
  });
});
