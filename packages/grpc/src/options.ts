/** Every limit of the server by name, with its unit and default, and the relations between them. */

export interface GrpcServerOptions {
  /** Largest request message, before and after decompression. Default 2 MiB: etcd's 1.5 MiB request and 512 KiB around it. */
  readonly messageBytesMax?: number;
  /** Connections at a time; one more is closed at once. Default 10,000. */
  readonly connectionsMax?: number;
  /** Calls at a time on one connection (SETTINGS_MAX_CONCURRENT_STREAMS). Default 65,536: a watch is a call, and gateways hold many. */
  readonly callsPerConnectionMax?: number;
  /** A request's fields, each counted with 32 bytes more (RFC 9113 6.5.2). Default 16 KiB. */
  readonly headerListBytesMax?: number;
  /** A header block as it is sent, over all its CONTINUATION frames. Default 32 KiB. */
  readonly headerBlockBytesMax?: number;
  /** What a client may send on a call before the server has taken it (SETTINGS_INITIAL_WINDOW_SIZE). Default 256 KiB. */
  readonly callWindowBytes?: number;
  /** The same for a connection. Default 1 MiB. */
  readonly connectionWindowBytes?: number;
  /** Incomplete messages, messages of paused calls and large metadata, per connection; the call that exceeds it ends. Default 32 MiB. */
  readonly heldBytesMax?: number;
  /** A call's send() says false above this many queued bytes, and onDrain follows at half of it. Default 64 KiB. */
  readonly callQueueBytesHigh?: number;
  /** Responses that wait for a client to take them, per connection: above it, further calls and messages fail. Default 64 MiB. */
  readonly queueBytesMax?: number;
  /** The same for all connections together, counting replies to unary calls: above it, those that do not go out at once fail. Default 512 MiB. */
  readonly serverQueueBytesMax?: number;
  /** Bytes in a socket's own queue above which no DATA follows. Default 256 KiB. */
  readonly socketQueueBytesHigh?: number;
  /** Bytes in a socket's own queue above which nothing more is read from it. Default 1 MiB. */
  readonly socketQueueBytesMax?: number;
  /** How long a new connection may take to send its preface and settings. Default 10 s. */
  readonly handshakeMs?: number;
  /** A connection silent for so long is asked for a sign of life. Default 2 h, as etcd. */
  readonly keepAliveIntervalMs?: number;
  /** How long that sign may take, before the connection ends. Default 20 s, as etcd. */
  readonly keepAliveTimeoutMs?: number;
  /** Pings that come faster than this, three times with no response between them, end the connection. Default 5 s, as etcd. */
  readonly pingIntervalMsMin?: number;
  /** Calls that a client may cancel before their end: a burst, and so many a second after it. Default 1,000 and 200. */
  readonly cancelBurst?: number;
  readonly cancelsPerSecond?: number;
  /** Frames that do no work (settings, priorities, empty data, unknown types...): a burst, and so many a second. Default 2,000 and 500. */
  readonly idleFrameBurst?: number;
  readonly idleFramesPerSecond?: number;
  /** After a connection error, how long the client may take to read the reason before the socket is destroyed. Default 1 s. */
  readonly lingerMs?: number;
  /** What a handler has thrown, after its call has ended as INTERNAL. By default it is thrown again outside of the server: a bug must show. */
  readonly onHandlerError?: (error: unknown) => void;
}

export type Limits = Required<Omit<GrpcServerOptions, 'onHandlerError'>>;

const KIB = 1024;
const MIB = 1024 * KIB;

const DEFAULTS: Limits = {
  messageBytesMax: 2 * MIB,
  connectionsMax: 10_000,
  callsPerConnectionMax: 65_536,
  headerListBytesMax: 16 * KIB,
  headerBlockBytesMax: 32 * KIB,
  callWindowBytes: 256 * KIB,
  connectionWindowBytes: MIB,
  heldBytesMax: 32 * MIB,
  callQueueBytesHigh: 64 * KIB,
  queueBytesMax: 64 * MIB,
  serverQueueBytesMax: 512 * MIB,
  socketQueueBytesHigh: 256 * KIB,
  socketQueueBytesMax: MIB,
  handshakeMs: 10_000,
  keepAliveIntervalMs: 7_200_000,
  keepAliveTimeoutMs: 20_000,
  pingIntervalMsMin: 5_000,
  cancelBurst: 1_000,
  cancelsPerSecond: 200,
  idleFrameBurst: 2_000,
  idleFramesPerSecond: 500,
  lingerMs: 1_000,
};

/** The options with defaults. Throws a RangeError for limits that make no sense by themselves or together. */
export function resolveLimits(options: GrpcServerOptions): Limits {
  const limits: Record<string, number> = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS)) {
    const value = (options as Readonly<Record<string, unknown>>)[name] ?? limits[name];
    if (typeof value !== 'number' || !(value >= 1) || value > Number.MAX_SAFE_INTEGER) {
      throw new RangeError(`${name} must be a number of at least 1`);
    }
    limits[name] = value;
  }
  const resolved = limits as unknown as Limits;
  check(resolved.callWindowBytes <= 0x7fffffff && resolved.connectionWindowBytes <= 0x7fffffff, 'windows have 31 bits');
  check(resolved.connectionWindowBytes >= 65_535, 'connectionWindowBytes cannot be below 65,535 (RFC 9113 6.9.2)');
  check(resolved.heldBytesMax >= 2 * resolved.messageBytesMax, 'heldBytesMax must allow one message while it grows');
  check(resolved.socketQueueBytesMax >= resolved.socketQueueBytesHigh, 'socketQueueBytesMax < socketQueueBytesHigh');
  return resolved;
}

function check(isTrue: boolean, message: string): void {
  if (!isTrue) throw new RangeError(message);
}
