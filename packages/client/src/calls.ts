/**
 * Calls: an endpoint is chosen, the request sent, and what failed is repeated where that is safe.
 *
 * The rule (contract section 9, etcd's own clients'): a read is repeated at another endpoint when one is UNAVAILABLE; a write only
 * when it was surely not sent. Everything else is the caller's to decide, who learns from the error's outcome what may have happened.
 */
import { setMaxListeners } from 'node:events';
import { type Codec, type EtcdErrorName, GRPC_CODES, type MessageInit, type Method, SERVICES } from '@quorate/proto';
import { type CallFailure, ClientError, clientError, invalidRequest } from './errors.js';
import {
  type ClientOptions,
  type Credentials,
  checkKinds,
  DURATION_MAX_MS,
  originOf,
  originsOf,
  type Settings,
  settingsOf,
} from './options.js';
import { isRead } from './reads.js';
import { ClientStream } from './stream.js';
import { Backoff, pause } from './transport/backoff.js';
import { Cancellation } from './transport/cancellation.js';
import type { Connection } from './transport/connection.js';
import { Endpoints } from './transport/endpoints.js';
import { frameOf } from './transport/framing.js';
import { GrpcCall } from './transport/grpc-call.js';

export interface CallOptions {
  /** Milliseconds from now that the call may take, with all its attempts. Default: the client's `callTimeoutMs`; streams have none. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Ask this one and nobody else, such as `127.0.0.1:2379`. */
  readonly endpoint?: string;
}

/** A failure within an attempt, with what it means for trying again. */
class AttemptFailure extends Error {
  readonly failure: CallFailure;
  readonly connection: Connection | undefined;
  constructor(failure: CallFailure, connection: Connection | undefined) {
    super(failure.message);
    this.failure = failure;
    this.connection = connection;
  }
}

const TOKEN_ERRORS: ReadonlySet<EtcdErrorName> = new Set<EtcdErrorName>([
  'InvalidAuthToken',
  'AuthOldRevision',
  'UserEmpty',
]);

/** A call's time and its cancellation, whoever asks for that. */
interface Bounds {
  readonly cancellation: Cancellation;
  readonly remainingMs: () => number;
}

export class Calls {
  readonly settings: Settings;
  readonly #endpoints: Endpoints;
  readonly #credentials: Credentials | undefined;
  readonly #closing = new AbortController();
  #token: Promise<string> | undefined;
  #underWay = 0;
  #idle: (() => void)[] = [];

  constructor(options: ClientOptions) {
    checkKinds(options);
    this.settings = settingsOf(options);
    this.#endpoints = new Endpoints(originsOf(options.endpoints), this.settings, options.tls ?? {});
    this.#credentials = options.auth;
    // One listener for each call under way, which are bounded.
    setMaxListeners(0, this.#closing.signal);
  }

  get origins(): readonly string[] {
    return this.#endpoints.origins;
  }

  /** Aborted when the client is closed. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  backoff(): Backoff {
    return new Backoff(this.settings, this.origins.length);
  }

  async call<Request, Response>(
    method: Method<Request, Response>,
    request: MessageInit<Request>,
    options: CallOptions = {},
  ): Promise<Response> {
    const frame = encode(method, request);
    return await this.#tracked(options, (bounds) =>
      this.#repeat(isRead(method, request), options, bounds, (connection, metadata) =>
        this.#unary(connection, method, frame, metadata, bounds),
      ),
    );
  }

  /** Resolves when the stream has been opened at somebody; what fails later, reading the stream tells. */
  async stream<Request, Response>(
    method: Method<Request, Response>,
    options: CallOptions = {},
  ): Promise<ClientStream<Request, Response>> {
    const open = await this.#tracked(options, (bounds) =>
      this.#repeat(true, options, bounds, (connection, metadata) =>
        Promise.resolve(this.#openStream(connection, method, metadata, options)),
      ),
    );
    return open;
  }

  /** Idempotent. Resolves when no socket and no timer is left. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the client was closed'));
    await this.#endpoints.close();
    if (this.#underWay > 0) {
      await new Promise<void>((resolve) => {
        this.#idle.push(resolve);
      });
    }
  }

  async #tracked<T>(options: CallOptions, work: (bounds: Bounds) => Promise<T>): Promise<T> {
    const { closing, settings } = this;
    if (closing.aborted) throw clientError(unsent(GRPC_CODES.CANCELED, 'the client is closed'), false);
    if (this.#underWay >= settings.callsMax) {
      throw clientError(unsent(GRPC_CODES.RESOURCE_EXHAUSTED, `${settings.callsMax} calls are under way`), false);
    }
    const timeoutMs = options.deadlineMs ?? settings.callTimeoutMs;
    if (!(timeoutMs > 0))
      throw clientError(unsent(GRPC_CODES.DEADLINE_EXCEEDED, 'there is no time for the call'), false);
    const deadlineMs = performance.now() + Math.min(timeoutMs, DURATION_MAX_MS);
    const cancellation = new Cancellation(closing, options.signal);
    this.#underWay += 1;
    try {
      return await work({ cancellation, remainingMs: () => deadlineMs - performance.now() });
    } finally {
      this.#underWay -= 1;
      if (this.#underWay === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  async #repeat<T>(
    isRepeatable: boolean,
    options: CallOptions,
    bounds: Bounds,
    attempt: (connection: Connection, metadata: Readonly<Record<string, string>>) => Promise<T>,
  ): Promise<T> {
    const backoff = this.backoff();
    let isTokenFresh = false;
    for (;;) {
      try {
        const connection = await this.#connect(options, bounds);
        const token = await this.#authenticate(connection, bounds);
        return await attempt(connection, { ...options.metadata, ...(token === undefined ? {} : { token }) });
      } catch (error) {
        if (!(error instanceof AttemptFailure)) throw error;
        const { failure, connection } = error;
        const told = clientError(failure, isRepeatable, connection?.origin);
        if (
          told.etcdName !== undefined &&
          TOKEN_ERRORS.has(told.etcdName) &&
          this.#token !== undefined &&
          !isTokenFresh
        ) {
          // Refused before anything was done: once more with a new token.
          this.#token = undefined;
          isTokenFresh = true;
          continue;
        }
        const isElsewhere = failure.grpcCode === GRPC_CODES.UNAVAILABLE;
        if (isElsewhere && connection !== undefined) this.#endpoints.avoid(connection);
        const mayRepeat = isElsewhere && (isRepeatable || failure.stage === 'unsent');
        if (!mayRepeat || bounds.cancellation.isCanceled) throw told;
        const pauseMs = backoff.nextMs(connection === undefined || options.endpoint !== undefined);
        if (pauseMs >= bounds.remainingMs()) throw told;
        await pause(pauseMs, bounds.cancellation);
        if (bounds.cancellation.isCanceled) throw told;
      }
    }
  }

  async #connect({ endpoint }: CallOptions, bounds: Bounds): Promise<Connection> {
    const opening = endpoint === undefined ? this.#endpoints.any() : this.#endpoints.one(originOf(endpoint));
    try {
      return await within(opening, bounds);
    } catch (error) {
      if (error instanceof ClientError || error instanceof AttemptFailure) throw error;
      throw new AttemptFailure(unsent(GRPC_CODES.UNAVAILABLE, messageOf(error), error), undefined);
    }
  }

  async #authenticate(connection: Connection, bounds: Bounds): Promise<string | undefined> {
    const credentials = this.#credentials;
    if (credentials === undefined) return undefined;
    if (this.#token === undefined) {
      const method = SERVICES['etcdserverpb.Auth'].Authenticate;
      const frame = encode(method, { name: credentials.user, password: credentials.password });
      const asking = this.#unary(connection, method, frame, {}, bounds).then(({ token }) => token);
      this.#token = asking;
      asking.catch(() => {
        if (this.#token === asking) this.#token = undefined;
      });
    }
    try {
      return await this.#token;
    } catch (error) {
      if (!(error instanceof AttemptFailure)) throw error;
      const { failure } = error;
      // Of the call itself nothing was sent. A cluster without authentication wants no token.
      if (failure.message === AUTH_NOT_ENABLED) return undefined;
      throw new AttemptFailure({ ...failure, stage: failure.stage === 'answered' ? 'answered' : 'unsent' }, connection);
    }
  }

  #unary<Request, Response>(
    connection: Connection,
    method: Method<Request, Response>,
    frame: Uint8Array,
    metadata: Readonly<Record<string, string>>,
    { cancellation, remainingMs }: Bounds,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      let answer: Uint8Array | undefined;
      let stop: (() => void) | undefined;
      const options = {
        path: method.path,
        metadata,
        timeoutMs: Math.max(1, remainingMs()),
        messageBytesMax: this.settings.messageBytesMax,
      };
      const call = this.#start(
        connection,
        () =>
          new GrpcCall(connection, options, {
            message: (bytes) => {
              answer = bytes;
            },
            end: (failure) => {
              stop?.();
              if (failure !== undefined) reject(new AttemptFailure(failure, connection));
              else decode(method.response, answer, connection, resolve, reject);
            },
          }),
      );
      if (!cancellation.isCanceled) call.halfClose(frame);
      stop = cancellation.listen(() => call.cancel(GRPC_CODES.CANCELED, cancellation.message));
    });
  }

  #openStream<Request, Response>(
    connection: Connection,
    method: Method<Request, Response>,
    metadata: Readonly<Record<string, string>>,
    { deadlineMs, signal: given }: CallOptions,
  ): ClientStream<Request, Response> {
    const cancellation = new Cancellation(this.closing, given);
    let stop: (() => void) | undefined;
    const options = {
      path: method.path,
      metadata,
      timeoutMs: deadlineMs,
      messageBytesMax: this.settings.messageBytesMax,
    };
    const stream = this.#start(
      connection,
      () =>
        new ClientStream(connection, options, {
          request: method.request,
          response: method.response,
          isRead: isRead(method, {}),
          onClose: (failure) => {
            stop?.();
            this.#underWay -= 1;
            if (this.#underWay === 0) for (const resolve of this.#idle.splice(0)) resolve();
            if (failure?.grpcCode === GRPC_CODES.UNAVAILABLE) this.#endpoints.avoid(connection);
          },
        }),
    );
    this.#underWay += 1;
    stop = cancellation.listen(() => stream.cancel(cancellation.message));
    return stream;
  }

  /** The connection may have gone since it was chosen. */
  #start<T>(connection: Connection, make: () => T): T {
    try {
      return make();
    } catch (error) {
      throw new AttemptFailure(unsent(GRPC_CODES.UNAVAILABLE, messageOf(error), error), connection);
    }
  }
}

const AUTH_NOT_ENABLED = 'etcdserver: authentication is not enabled';

function unsent(grpcCode: number, message: string, cause?: unknown): CallFailure {
  return { grpcCode, message, stage: 'unsent', cause };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function encode<Request>(method: Method<Request, unknown>, request: MessageInit<Request>): Uint8Array {
  try {
    return frameOf(method.request, request);
  } catch (error) {
    throw invalidRequest(messageOf(error), error);
  }
}

/** Without a message there is no answer, and one that nobody understands is none either. */
function decode<Response>(
  codec: Codec<Response>,
  answer: Uint8Array | undefined,
  connection: Connection,
  resolve: (response: Response) => void,
  reject: (failure: AttemptFailure) => void,
): void {
  const useless = (message: string, cause?: unknown): void =>
    reject(new AttemptFailure({ grpcCode: GRPC_CODES.INTERNAL, message, stage: 'sent', cause }, connection));
  if (answer === undefined) {
    useless('success without an answer');
    return;
  }
  try {
    resolve(codec.decode(answer));
  } catch (error) {
    useless(`the answer cannot be understood: ${messageOf(error)}`, error);
  }
}

/** What opens goes on for others; the caller waits no longer than it wants to. */
async function within<T>(work: Promise<T>, { cancellation, remainingMs }: Bounds): Promise<T> {
  let finish: (() => void) | undefined;
  const stopped = new Promise<never>((_, reject) => {
    const give = (grpcCode: number, message: string): void =>
      reject(new AttemptFailure(unsent(grpcCode, message), undefined));
    const timer = setTimeout(
      () => give(GRPC_CODES.DEADLINE_EXCEEDED, 'no connection within the time'),
      Math.max(1, remainingMs()),
    );
    const stop = cancellation.listen(() => give(GRPC_CODES.CANCELED, cancellation.message));
    finish = () => {
      clearTimeout(timer);
      stop();
    };
  });
  try {
    return await Promise.race([work, stopped]);
  } finally {
    finish?.();
  }
}
