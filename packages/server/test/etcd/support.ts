/** A server of the etcd services over a map of its own, in this process, and clients of both of its carriers. */
import assert from 'node:assert/strict';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import type { TestContext } from 'node:test';
import { Client, type ClientDuplexStream, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import {
  type Codec,
  ETCD_ERRORS,
  type EtcdErrorName,
  type MessageInit,
  type Method,
  SERVICES,
  type WatchRequest,
  type WatchResponse,
} from '@quorate/proto';
import { type Member, type MemberDoor, openStandalone } from '@quorate/replica';
import { formatAddress } from '../../src/config/address.js';
import { ETCD_DEFAULTS, type EtcdSettings } from '../../src/etcd/backend.js';
import { EtcdEndpoint } from '../../src/etcd/endpoint.js';
import { HttpApi } from '../../src/http/api.js';
import { HttpServer } from '../../src/http/server.js';

export interface RunningEtcd {
  readonly member: Member;
  readonly etcd: EtcdEndpoint;
  readonly address: string;
  readonly client: Client;
  /** What handlers have thrown. */
  readonly faults: unknown[];
}

export interface EtcdOptions extends Partial<EtcdSettings> {
  /** Between the services and the member: for what the member alone does not do. */
  readonly door?: (door: MemberDoor) => MemberDoor;
  readonly callsMax?: number;
  readonly receiveTimeoutMs?: number;
  readonly waitingBytesMax?: number;
}

export async function runEtcd(t: TestContext, options: EtcdOptions = {}): Promise<RunningEtcd> {
  const { door = (same) => same, callsMax = 100, receiveTimeoutMs = 10_000, waitingBytesMax, ...settings } = options;
  const alone = openStandalone();
  const member: Member = {
    door: door(alone.door),
    cluster: alone.cluster,
    kv: alone.kv,
    stopped: alone.stopped,
    metrics: () => alone.metrics(),
    ready: () => alone.ready(),
    close: () => alone.close(),
  };
  const faults: unknown[] = [];
  const etcd = new EtcdEndpoint({
    settings: { ...ETCD_DEFAULTS, ...settings },
    connectionsMax: 100,
    callsMax,
    receiveTimeoutMs,
    waitingBytesMax,
    onFault: (error) => faults.push(error),
  });
  const http = new HttpServer(new HttpApi(undefined, { limits: LIMITS, version: {} }), {
    bodyBytesMax: 2048,
    requestTimeoutMs: 30_000,
    writeTimeoutMs: 30_000,
    requestsMax: 100,
    connectionsMax: 100,
    http2: (socket, head) => etcd.accept(socket, head),
    gateway: (incoming, outgoing) => etcd.gateway.handle(incoming, outgoing),
  });
  const address = formatAddress(await http.listen('localhost:0'));
  etcd.attach(member);
  const client = new Client(address, credentials.createInsecure());
  t.after(async () => {
    client.close();
    await etcd.close(0);
    http.destroyConnections();
    await http.drain();
    await alone.close();
    assert.deepEqual(faults, []);
  });
  return { member, etcd, address, client, faults };
}

/** A door that differs in something. */
export function doorWith(door: MemberDoor, changes: Partial<MemberDoor>): MemberDoor {
  return Object.create(door, Object.getOwnPropertyDescriptors(changes)) as MemberDoor;
}

const LIMITS = { keyBytesMax: 100, valueBytesMax: 200, keysMax: 1000 };

// ---- gRPC ------------------------------------------------------------------------------------------------------------

const encoding =
  <T>(codec: Codec<T>) =>
  (message: MessageInit<T>): Buffer =>
    Buffer.from(codec.encode(message));

const decoding =
  <T>(codec: Codec<T>) =>
  (bytes: Buffer): T =>
    codec.decode(bytes);

export function metadataOf(fields: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(fields)) metadata.set(name, value);
  return metadata;
}

/** Resolves with the response, or rejects with grpc-js's error. */
export function call<Request, Response>(
  { client }: RunningEtcd,
  method: Method<Request, Response, 'unary'>,
  request: MessageInit<Request>,
  fields: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      method.path,
      encoding(method.request),
      decoding(method.response),
      request,
      metadataOf(fields),
      { deadline: Date.now() + 10_000 },
      (error, response) => (response === undefined ? reject(error ?? new Error('no response')) : resolve(response)),
    );
  });
}

/** Expects a call to fail as etcd fails it. `code` where it is not that of the table. */
export async function refuses(answer: Promise<unknown>, name: EtcdErrorName, code?: number): Promise<void> {
  const error = await answer.then(
    () => assert.fail(`not refused: ${name}`),
    (failure: unknown) => failure as ServiceError,
  );
  const expected = ETCD_ERRORS[name];
  assert.deepEqual({ code: error.code, text: error.details }, { code: code ?? expected.grpcCode, text: expected.text });
}

/** A stream of calls whose answers are taken one by one, or not at all. */
export class Conversation<Request, Response> {
  readonly stream: ClientDuplexStream<MessageInit<Request>, Response>;
  readonly received: Response[] = [];
  error: ServiceError | undefined;
  isEnded = false;
  #waiting: (() => void) | undefined;

  constructor(
    { client }: RunningEtcd,
    method: Method<Request, Response, 'duplex'>,
    fields: Readonly<Record<string, string>> = {},
  ) {
    this.stream = client.makeBidiStreamRequest(
      method.path,
      encoding(method.request),
      decoding(method.response),
      metadataOf(fields),
    );
    this.stream.on('data', (response: Response) => {
      this.received.push(response);
      this.#waiting?.();
    });
    this.stream.on('error', (error: ServiceError) => {
      this.error = error;
    });
    this.stream.on('status', () => {
      this.isEnded = true;
      this.#waiting?.();
    });
  }

  send(request: MessageInit<Request>): void {
    this.stream.write(request);
  }

  /** Takes the next response. */
  async next(): Promise<Response> {
    await this.until(() => this.received.length > 0);
    const response = this.received.shift();
    if (response === undefined) throw this.error ?? new Error('the stream has ended');
    return response;
  }

  async ended(): Promise<void> {
    await this.until(() => this.isEnded);
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition() && !this.isEnded) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
  }
}

export class Watching extends Conversation<WatchRequest, WatchResponse> {
  constructor(server: RunningEtcd, fields: Readonly<Record<string, string>> = {}) {
    super(server, SERVICES['etcdserverpb.Watch'].Watch, fields);
  }

  create(request: MessageInit<NonNullable<WatchRequest['createRequest']>>): void {
    this.send({ createRequest: request });
  }

  /** Takes the next response that is no answer to a progress request. */
  override async next(): Promise<WatchResponse> {
    let response = await super.next();
    while (isProgress(response)) response = await super.next();
    return response;
  }

  /** What comes before the answer to a progress request, which is asked for until there is one, and then that answer. */
  async untilProgress(): Promise<readonly WatchResponse[]> {
    const responses: WatchResponse[] = [];
    for (;;) {
      this.send({ progressRequest: {} });
      const response = await super.next();
      responses.push(response);
      if (isProgress(response)) return responses;
    }
  }
}

const isProgress = ({ watchId, canceled }: WatchResponse): boolean => watchId === -1 && !canceled;

// ---- JSON ------------------------------------------------------------------------------------------------------------

// oxlint-disable-next-line typescript/no-explicit-any -- what the server sends is what is tested
export type AnyJson = any;

export interface JsonAnswer {
  readonly status: number;
  readonly type: string | null;
  readonly body: AnyJson;
}

export async function postJson(
  { address }: RunningEtcd,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<JsonAnswer> {
  const response = await fetch(`http://${address}${path}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers,
  });
  return { status: response.status, type: response.headers.get('content-type'), body: await response.json() };
}

/** A call of the gateway whose body and answer are both streams. */
export class JsonStream {
  readonly request: ClientRequest;
  response: IncomingMessage | undefined;
  isEnded = false;
  readonly received: AnyJson[] = [];
  #partial = '';
  #waiting: (() => void) | undefined;

  constructor({ address }: RunningEtcd, path: string, headers: Readonly<Record<string, string>> = {}) {
    this.request = httpRequest(`http://${address}${path}`, { method: 'POST', headers, agent: false });
    this.request.on('error', () => this.#end());
    this.request.on('close', () => this.#end());
    this.request.on('response', (response) => {
      this.response = response;
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => this.#read(chunk));
      response.on('end', () => this.#end());
      response.on('error', () => this.#end());
    });
  }

  send(message: unknown): void {
    this.request.write(typeof message === 'string' ? message : JSON.stringify(message));
  }

  async next(): Promise<AnyJson> {
    await this.until(() => this.received.length > 0);
    assert.ok(this.received.length > 0, 'the stream has ended');
    return this.received.shift();
  }

  async ended(): Promise<void> {
    await this.until(() => this.isEnded);
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition() && !this.isEnded) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
  }

  #read(chunk: string): void {
    const lines = (this.#partial + chunk).split('\n');
    this.#partial = lines.pop() ?? '';
    for (const line of lines) this.received.push(JSON.parse(line));
    this.#waiting?.();
  }

  #end(): void {
    this.isEnded = true;
    this.#waiting?.();
  }
}

export const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
export const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');
export const text = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString('latin1');

/** Turns of the event loop, for what must not happen. */
export async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

export { waitUntil as until } from '@quorate/replica/testing';
