/** The server as Node's own HTTP/2 client, nghttp, h2load and etcdctl see it; over TLS too. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createServer, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { GrpcServer, GrpcStatus } from '../src/index.js';
import { TEST_CERTIFICATE, TEST_KEY } from './support/certificate.js';
import { type EchoServer, listening, startEchoServer } from './support/echo-server.js';
import { message } from './support/raw-client.js';
import { optionalTool } from './support/tools.js';
import { until } from './support/until.js';

const run = promisify(execFile);

interface Answer {
  readonly head: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
}

async function request(session: ClientHttp2Session, body: Buffer, more: Record<string, string> = {}): Promise<Answer> {
  const stream = session.request({
    ':method': 'POST',
    ':path': '/test.Echo/Unary',
    'content-type': 'application/grpc',
    te: 'trailers',
    ...more,
  });
  let head: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  const chunks: Buffer[] = [];
  stream.on('response', (fields) => {
    head = fields;
  });
  stream.on('trailers', (fields: IncomingHttpHeaders) => {
    trailers = fields;
  });
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.end(body);
  await once(stream, 'close');
  return { head, trailers, body: Buffer.concat(chunks) };
}

async function check(session: ClientHttp2Session): Promise<void> {
  const small = message('hello');
  for (let count = 0; count < 5; count++) {
    const { head, trailers, body } = await request(session, small, { 'x-count': `${count}`, 'x-same': 'always' });
    assert.equal(head[':status'], 200);
    assert.equal(head['content-type'], 'application/grpc');
    assert.equal(trailers['grpc-status'], '0');
    assert.ok(body.equals(small));
  }
  const large = message(Buffer.alloc(2_000_000, 'y'));
  assert.ok((await request(session, large)).body.equals(large));
  const many = await Promise.all(Array.from({ length: 200 }, (_, index) => request(session, message(`${index}`))));
  assert.deepEqual(
    many.map(({ body }) => body.subarray(5).toString()),
    Array.from({ length: 200 }, (_, index) => `${index}`),
  );
}

async function over(url: string, options: Parameters<typeof connect>[1]): Promise<void> {
  const session = connect(url, options);
  try {
    await check(session);
  } finally {
    session.close();
  }
}

describe('foreign clients', () => {
  let server: EchoServer;
  let folder: string;
  let bodyFile: string;
  before(async () => {
    server = await startEchoServer();
    folder = await mkdtemp(path.join(os.tmpdir(), 'quorate-grpc-'));
    bodyFile = path.join(folder, 'body');
    await writeFile(bodyFile, message('hello'));
  });
  after(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("answers Node's http2", () => over(`http://127.0.0.1:${server.port}`, {}));

  it("answers Node's http2 without a header table, and with small windows", () =>
    over(`http://127.0.0.1:${server.port}`, {
      settings: { headerTableSize: 0, initialWindowSize: 1000, maxFrameSize: 16_384 },
    }));

  it("answers Node's http2 with a smaller header table", () =>
    over(`http://127.0.0.1:${server.port}`, { settings: { headerTableSize: 1000 } }));

  it('answers over TLS', async () => {
    const listener = createServer(
      { key: TEST_KEY, cert: TEST_CERTIFICATE, ALPNProtocols: ['h2'] },
      (socket: TLSSocket) => server.grpc.accept(socket),
    );
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    await over(`https://127.0.0.1:${(listener.address() as AddressInfo).port}`, { rejectUnauthorized: false });
    listener.close();
  });

  it('answers nghttp', async (t) => {
    if (!(await optionalTool(t, 'nghttp'))) return;
    const url = `http://127.0.0.1:${server.port}/test.Echo/Unary`;
    const { stdout } = await run('nghttp', [
      '-v',
      '-d',
      bodyFile,
      '-H',
      'content-type: application/grpc',
      '-H',
      'te: trailers',
      url,
    ]);
    // eslint-disable-next-line no-control-regex -- the tool colours its output
    const text = stdout.replaceAll(/\u001b\[[0-9;]*m/g, '');
    assert.match(text, /:status: 200/);
    assert.match(text, /content-type: application\/grpc/);
    assert.match(text, /grpc-status: 0/);
    assert.match(text, /hello/);
  });

  it('answers h2load, every call of thousands', async (t) => {
    if (!(await optionalTool(t, 'h2load'))) return;
    const url = `http://127.0.0.1:${server.port}/test.Echo/Unary`;
    const before = server.grpc.stats().callsStarted;
    const { stdout } = await run('h2load', [
      '-n',
      '20000',
      '-c',
      '8',
      '-m',
      '50',
      '-d',
      bodyFile,
      '-H',
      'content-type: application/grpc',
      '-H',
      'te: trailers',
      url,
    ]);
    assert.match(stdout, /20000 succeeded, 0 failed, 0 errored/);
    assert.match(stdout, /20000 2xx, 0 3xx/);
    assert.equal(server.grpc.stats().callsStarted - before, 20_000);
  });

  it('answers etcdctl, which is a client of grpc-go', async (t) => {
    if (!(await optionalTool(t, 'etcdctl'))) return;
    const grpc = new GrpcServer();
    // RangeResponse { kvs: [{ key: "k", value: "v" }], count: 1 }
    grpc.unary('/etcdserverpb.KV/Range', (call) => call.reply(Buffer.from('12060a016b2a01762001', 'hex')));
    grpc.unary('/etcdserverpb.KV/Put', (call) =>
      call.fail(GrpcStatus.resourceExhausted, 'etcdserver: mvcc: database space exceeded'),
    );
    const watched: string[] = [];
    grpc.bidi('/etcdserverpb.Watch/Watch', (call) => {
      // WatchResponse { header: { revision: 1 }, created: true }, then { ..., events: [{ kv: { key: "k", value: "w" } }] }
      call.onMessage(() => {
        call.send(Buffer.from('0a0218011801', 'hex'));
        call.send(Buffer.from('0a0218025a0812060a016b2a0177', 'hex'));
      });
      call.onCancel((reason) => watched.push(reason));
    });
    const listener = createTcpServer((socket) => grpc.accept(socket));
    await listening(listener);
    const endpoint = `--endpoints=127.0.0.1:${(listener.address() as AddressInfo).port}`;
    const env = { ...process.env, ETCDCTL_API: '3' };
    try {
      assert.equal((await run('etcdctl', [endpoint, 'get', 'k'], { env })).stdout, 'k\nv\n');
      await assert.rejects(run('etcdctl', [endpoint, 'put', 'k', 'v'], { env }), /database space exceeded/);
      await assert.rejects(
        run('etcdctl', [endpoint, 'member', 'list'], { env }),
        /unknown service etcdserverpb.Cluster/,
      );
      const watch = execFile('etcdctl', [endpoint, 'watch', 'k'], { env });
      let output = '';
      watch.stdout?.on('data', (text: string) => {
        output += text;
      });
      await until(() => output.includes('k\nw\n'));
      watch.kill('SIGINT');
      await until(() => watched.length === 1);
    } finally {
      listener.close();
      await grpc.close(0);
    }
  });
});
