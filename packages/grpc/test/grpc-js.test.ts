/** The server as `@grpc/grpc-js` sees it. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Client, compressionAlgorithms, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { type EchoServer, startEchoServer } from './support/echo-server.js';
import { until } from './support/until.js';

const same = (bytes: Buffer): Buffer => bytes;
const asIs = same;

interface Outcome {
  readonly error: ServiceError | null;
  readonly reply: Buffer | undefined;
}

describe('with @grpc/grpc-js', () => {
  let server: EchoServer;
  let client: Client;

  before(async () => {
    server = await startEchoServer({ onHandlerError: () => server.events.push('handler error') });
    client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
  });
  after(async () => {
    client.close();
    await server.close();
  });

  function unary(method: string, request: Buffer, metadata = new Metadata(), deadlineMs = 10_000): Promise<Outcome> {
    return new Promise((resolve) => {
      const options = { deadline: Date.now() + deadlineMs };
      client.makeUnaryRequest(`/test.Echo/${method}`, same, asIs, request, metadata, options, (error, reply) => {
        resolve({ error, reply });
      });
    });
  }

  it('answers unary calls of every size', async () => {
    for (const bytes of [0, 1, 100, 16_379, 16_380, 70_000, 1_000_000]) {
      const request = Buffer.alloc(bytes, 'x');
      const { error, reply } = await unary('Unary', request);
      assert.equal(error, null);
      assert.ok(reply?.equals(request));
    }
  });

  it('answers many calls at a time', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 500 }, (_, index) => unary('Unary', Buffer.from(`${index}`))),
    );
    assert.deepEqual(
      outcomes.map(({ reply }) => String(reply)),
      Array.from({ length: 500 }, (_, index) => `${index}`),
    );
  });

  it('carries a status with its text and trailing metadata', async () => {
    const { error } = await unary('Fail', Buffer.from('9|grün % "quoted"\nline'));
    assert.equal(error?.code, status.FAILED_PRECONDITION);
    assert.equal(error.details, 'grün % "quoted"\nline');
    assert.deepEqual(error.metadata.get('reason'), ['asked for']);
    assert.deepEqual(error.metadata.get('detail-bin'), [Buffer.from([0, 1, 2, 255])]);
  });

  it('carries metadata both ways, bytes included', async () => {
    const metadata = new Metadata();
    metadata.set('first', 'hello');
    metadata.set('bytes-bin', Buffer.from([250, 0, 1]));
    const seen: Metadata[] = [];
    const trailers = await new Promise<Metadata>((resolve, reject) => {
      const call = client.makeUnaryRequest('/test.Echo/Metadata', same, asIs, Buffer.alloc(0), metadata, (error) => {
        if (error !== null) reject(error);
      });
      call.on('metadata', (head: Metadata) => seen.push(head));
      call.on('status', (end) => resolve(end.metadata));
    });
    assert.deepEqual(seen[0]?.get('first'), ['hello']);
    assert.deepEqual(seen[0]?.get('bytes-bin'), [Buffer.from([250, 0, 1])]);
    assert.deepEqual(trailers.get('last'), ['trailer']);
  });

  it('says which method or service it does not know, as grpc-go does', async () => {
    const method = await unary('Nothing', Buffer.alloc(0));
    assert.equal(method.error?.code, status.UNIMPLEMENTED);
    assert.equal(method.error.details, 'unknown method Nothing for service test.Echo');
    const service = await new Promise<ServiceError | null>((resolve) => {
      client.makeUnaryRequest('/other.Thing/Do', same, asIs, Buffer.alloc(0), (error) => resolve(error));
    });
    assert.equal(service?.details, 'unknown service other.Thing');
  });

  it('refuses a message that is larger than the maximum', async () => {
    const { error } = await unary('Unary', Buffer.alloc(2_097_153));
    assert.equal(error?.code, status.RESOURCE_EXHAUSTED);
    assert.equal(error.details, 'grpc: received message larger than max (2097153 vs. 2097152)');
  });

  it('ends a call whose deadline has passed, and tells its handler', async () => {
    server.events.length = 0;
    const { error } = await unary('Hold', Buffer.alloc(0), new Metadata(), 60);
    assert.equal(error?.code, status.DEADLINE_EXCEEDED);
    await until(() => server.events.length > 0);
    assert.match(server.events[0] ?? '', /^cancel (deadline|client)$/);
    assert.equal(server.held.at(-1)?.isCancelled, true);
  });

  it('tells a handler that its client has cancelled', async () => {
    server.events.length = 0;
    const before = server.held.length;
    const call = client.makeUnaryRequest('/test.Echo/Hold', same, asIs, Buffer.alloc(0), () => undefined);
    await until(() => server.held.length > before);
    call.cancel();
    await until(() => server.events.length > 0);
    assert.deepEqual(server.events, ['cancel client']);
  });

  it('streams from the server', async () => {
    const call = client.makeServerStreamRequest('/test.Echo/Repeat', same, asIs, Buffer.from('again'));
    const replies: string[] = [];
    for await (const reply of call) replies.push(String(reply));
    assert.deepEqual(
      replies,
      Array.from({ length: 10 }, () => 'again'),
    );
  });

  it('streams from the client', async () => {
    const reply = await new Promise<Buffer | undefined>((resolve, reject) => {
      const call = client.makeClientStreamRequest('/test.Echo/Sum', same, asIs, (error, value) => {
        if (error === null) resolve(value);
        else reject(error);
      });
      for (let count = 0; count < 50; count++) call.write(Buffer.alloc(10_000));
      call.end();
    });
    assert.equal(String(reply), '500000');
  });

  it('streams both ways at a time', async () => {
    const call = client.makeBidiStreamRequest('/test.Echo/Chat', same, asIs);
    const replies: string[] = [];
    const ended = new Promise<void>((resolve) => call.on('end', resolve));
    call.on('data', (reply: Buffer) => {
      replies.push(String(reply));
      if (replies.length === 3) call.end();
      else call.write(Buffer.from(`${replies.length}`));
    });
    call.write(Buffer.from('0'));
    await ended;
    assert.deepEqual(replies, ['0', '1', '2']);
  });

  it('ends the call of a handler that throws, and goes on', async () => {
    server.events.length = 0;
    const { error } = await unary('Throw', Buffer.alloc(0));
    assert.equal(error?.code, status.INTERNAL);
    assert.deepEqual(server.events, ['handler error']);
    assert.equal((await unary('Unary', Buffer.from('on'))).error, null);
  });

  it('decompresses gzip', async () => {
    const zipping = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure(), {
      'grpc.default_compression_algorithm': compressionAlgorithms.gzip,
    });
    const request = Buffer.alloc(100_000, 'z');
    const reply = await new Promise<Buffer | undefined>((resolve, reject) => {
      zipping.makeUnaryRequest('/test.Echo/Unary', same, asIs, request, (error, value) => {
        if (error === null) resolve(value);
        else reject(error);
      });
    });
    zipping.close();
    assert.ok(reply?.equals(request));
  });
});
