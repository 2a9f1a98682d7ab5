/**
 * The real Network: TCP connections between members.
 *
 * Each member dials each peer once per channel and sends on that connection; it receives on the connections that its peers
 * dial. So nobody has to agree on who dials whom, a channel's order is the order of its sender's connection, and each direction
 * recovers by itself. tcp-link.ts is one outgoing connection, tcp-inbound.ts an accepted one, tcp-handshake.ts how they begin,
 * tcp-framing.ts what goes over them, docs/wire-format.md all of it for readers of captures.
 *
 * Frames sent within one turn leave together: send() only queues, and the links are flushed when the turn has ended
 * (process.nextTick), or earlier by flush().
 */
import type { Server, Socket } from 'node:net';
import type { Channel, Network, NetworkInput, PeerAddress } from '../seams/network.js';
import type { Platform } from '../seams/platform.js';
import type { Random, RandomStream } from '../seams/random.js';
import { noTrace, type Trace } from '../seams/trace.js';
import { PROTOCOL_VERSION } from '../wire/messages.js';
import { frameBytes } from './frame-queue.js';
import { encodeHello, type Hello, type RefusalReason } from './tcp-handshake.js';
import { TcpInbound } from './tcp-inbound.js';
import { checkTcpLimits, type PeerCounters, peerCounters, TCP_LIMITS, type TcpLimits } from './tcp-limits.js';
import { TcpLink } from './tcp-link.js';
import { formatAddress, type HostPort, listenOn, parseAddress, socketServer } from './tcp-sockets.js';

export interface TcpNetworkOptions {
  readonly listenHost: string;
  /** 0 takes a free port. */
  readonly listenPort: number;
  /** host:port that other members reach this one at; undefined for where it listens. */
  readonly advertisedAddress?: string | undefined;
  /** The address to tell from now on, if it is not the one above any more. */
  readonly presentAddress?: (() => string | undefined) | undefined;
  /** Further addresses to listen on. */
  readonly alsoListen?: readonly HostPort[] | undefined;
  /** Answers somebody who is no member yet (tcp-query.ts); default: with nothing. */
  readonly view?: ((about: number) => Uint8Array) | undefined;
  readonly clusterId: number;
  readonly memberId: number;
  /** Is this the id of a member that was removed from the cluster? It is told so and not heard. */
  readonly isRemoved: (id: number) => boolean;
  readonly platform: Platform;
  /** Draws the jitter of reconnecting from the stream `network`. */
  readonly random: Random;
  readonly trace?: Trace | undefined;
  readonly limits?: Partial<TcpLimits> | undefined;
}

export interface PeerStats extends Readonly<PeerCounters> {
  readonly id: number;
  /** Its `control` connection from here is open. */
  readonly connected: boolean;
  /** Waiting in this member's queues, all channels. */
  readonly queuedBytes: number;
}

export interface TcpNetworkStats {
  /** Present peers and senders, by id. */
  readonly peers: readonly PeerStats[];
  /** Accepted connections that are open now. */
  readonly inboundConnections: number;
  /** Accepted connections closed for what they sent: a refused or missing hello, a damaged, overlong or senseless frame. */
  readonly badConnections: number;
  /** Frames to members that are not peers, and frames longer than frameBytesMax. */
  readonly undeliverableFrames: number;
}

interface Peer {
  readonly address: PeerAddress;
  readonly links: Map<Channel, TcpLink>;
}

export class TcpNetwork implements Network {
  readonly #options: TcpNetworkOptions;
  readonly #limits: TcpLimits;
  readonly #trace: Trace;
  readonly #jitter: RandomStream;
  /** One for each address that is listened on. */
  readonly #servers: readonly Server[];
  readonly #peers = new Map<number, Peer>();
  readonly #counters = new Map<number, PeerCounters>();
  readonly #inbound = new Set<TcpInbound>();
  /** Links with something to flush. */
  #dirty: TcpLink[] = [];
  #input: NetworkInput | undefined;
  #address: string;
  #sweeper: NodeJS.Timeout | undefined;
  #state: 'new' | 'started' | 'closed' = 'new';
  #badConnections = 0;
  #undeliverableFrames = 0;

  /** Throws a RangeError for an address or limits that make no sense. */
  constructor(options: TcpNetworkOptions) {
    this.#options = options;
    this.#limits = { ...TCP_LIMITS, ...options.limits };
    checkTcpLimits(this.#limits);
    this.#address = options.advertisedAddress ?? '';
    if (this.#address !== '') parseAddress(this.#address);
    this.#trace = options.trace ?? noTrace;
    this.#jitter = options.random.stream('network');
    this.#servers = [undefined, ...(options.alsoListen ?? [])].map(() => this.#server());
  }

  #server(): Server {
    const server = socketServer((socket) => this.#accept(socket), this.#limits.connectionsMax);
    server.on('error', (error) => this.#trace.event('network.listen-error', { reason: error.message }));
    server.on('drop', () => {
      this.#badConnections += 1;
      this.#trace.event('network.connection-dropped', { connectionsMax: this.#limits.connectionsMax });
    });
    return server;
  }

  /**
   * Listens, and dials the peers. `address` is what it tells other members: the advertised address, or host:port of where it
   * listens. Rejects with an Error that names the address.
   */
  async start(input: NetworkInput): Promise<{ readonly address: string; readonly port: number }> {
    if (this.#state !== 'new') throw new Error('a network starts once');
    this.#state = 'started';
    this.#input = input;
    const { listenHost, listenPort } = this.#options;
    const places = [{ host: listenHost, port: listenPort }, ...(this.#options.alsoListen ?? [])];
    const listening = places.map((place, position) => listenOn(this.#servers[position] as Server, place));
    const [bound = { host: '', port: 0 }] = await Promise.all(listening).catch(async (error: unknown) => {
      await Promise.allSettled(listening);
      for (const server of this.#servers) server.close();
      throw error;
    });
    // close() may have come in between, which TypeScript does not know.
    if ((this.#state as string) === 'closed') {
      for (const server of this.#servers) server.close();
      throw new Error('closed while starting');
    }
    // The host as it was given: `localhost` means more to another machine's resolver than one of its addresses.
    if (this.#address === '') this.#address = formatAddress({ host: listenHost, port: bound.port });
    this.#sweeper = setInterval(() => this.#sweep(), this.#limits.keepaliveMs).unref();
    for (const peer of this.#peers.values()) for (const link of peer.links.values()) dialUnlessOnDemand(link);
    return { address: this.#address, port: bound.port };
  }

  /** This member itself may be in the list. */
  setPeers(peers: readonly PeerAddress[]): void {
    if (this.#state === 'closed') return;
    const wanted = new Map(peers.map((peer) => [peer.id, peer]));
    wanted.delete(this.#options.memberId);
    for (const [id, peer] of this.#peers) {
      if (wanted.get(id)?.address === peer.address.address) continue;
      for (const link of peer.links.values()) link.close(false);
      this.#peers.delete(id);
    }
    for (const [id, address] of wanted) {
      if (this.#peers.has(id)) continue;
      const peer: Peer = { address, links: new Map() };
      this.#peers.set(id, peer);
      for (const channel of ['control', 'append'] as const) {
        const link = this.#link(peer, channel);
        if (this.#sweeper !== undefined) link.dial();
      }
    }
    this.#closeRemoved();
    this.#forgetCounters();
  }

  send(to: number, channel: Channel, chunks: readonly Uint8Array[]): void {
    const peer = this.#peers.get(to);
    const bytes = frameBytes(chunks);
    // A frame of no bytes would be a keepalive.
    if (peer === undefined || bytes > this.#limits.frameBytesMax || bytes === 0 || this.#sweeper === undefined) {
      this.#undeliverableFrames += 1;
      if (peer !== undefined) this.#trace.event('network.undeliverable', { peer: to, channel, bytes });
      return;
    }
    const link = peer.links.get(channel) ?? this.#link(peer, channel);
    link.enqueue(chunks);
    if (this.#dirty.length === 0) process.nextTick(this.#flushLater);
    if (!this.#dirty.includes(link)) this.#dirty.push(link);
  }

  /** Sends what was queued in this turn, now instead of at the turn's end. */
  flush(): void {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const link of dirty) link.flush();
  }

  readonly #flushLater = (): void => this.flush();

  stats(): TcpNetworkStats {
    const peers = [...this.#counters].map(([id, counters]) => {
      const links = this.#peers.get(id)?.links;
      let queuedBytes = 0;
      for (const link of links?.values() ?? []) queuedBytes += link.queuedBytes;
      return { id, connected: links?.get('control')?.open === true, queuedBytes, ...counters };
    });
    return {
      peers: peers.toSorted((a, b) => a.id - b.id),
      inboundConnections: this.#inbound.size,
      badConnections: this.#badConnections,
      undeliverableFrames: this.#undeliverableFrames,
    };
  }

  /** Stops listening and receiving; what was sent before may leave within closeGraceMs. Calling it again is harmless. */
  close(): Promise<void> {
    if (this.#state !== 'closed') {
      this.#state = 'closed';
      clearInterval(this.#sweeper);
      this.#sweeper = undefined;
      for (const peer of this.#peers.values()) for (const link of peer.links.values()) link.close(true);
      this.#peers.clear();
      this.#dirty = [];
      for (const inbound of this.#inbound) inbound.close('this member stops');
    }
    const listening = this.#servers.filter((server) => server.listening);
    return Promise.all(listening.map((server) => new Promise((resolve) => void server.close(resolve)))).then(() => {});
  }

  #link(peer: Peer, channel: Channel): TcpLink {
    const { id } = peer.address;
    const { platform, clusterId, memberId } = this.#options;
    const link: TcpLink = new TcpLink({
      peer: peer.address,
      channel,
      platform,
      limits: this.#limits,
      jitter: this.#jitter,
      counters: this.#countersOf(id),
      hello: () => {
        const address = this.#options.presentAddress?.() ?? this.#address;
        return encodeHello(platform, { clusterId, from: memberId, to: id, channel, address });
      },
      onUnreachable: () => this.#input?.unreachable(id),
      onRefused: (reason) => {
        // Another member at that address is no verdict of the peer's: the peer is just not there.
        if (reason !== 'other-member') this.#input?.refused(id, reason);
      },
      trace: (name, data) => this.#trace.event(name, { peer: id, channel, ...data }),
    });
    peer.links.set(channel, link);
    return link;
  }

  #accept(socket: Socket): void {
    if (this.#state === 'closed') {
      socket.destroy();
      return;
    }
    const { platform, memberId } = this.#options;
    const inbound = new TcpInbound({
      socket,
      platform,
      limits: this.#limits,
      memberId,
      judge: (hello) => this.#judge(hello),
      view: (about) => this.#options.view?.(about) ?? new Uint8Array(0),
      onAccepted: (accepted, hello) => this.#accepted(accepted, hello),
      onFrame: (hello, frame) => this.#input?.frame(hello.from, hello.channel, frame),
      onClosed: (closed, reason, bad) => {
        this.#inbound.delete(closed);
        if (bad) this.#badConnections += 1;
        const { from: peer, channel } = closed.hello ?? {};
        this.#trace.event('network.inbound-closed', { peer, channel, remote: closed.remoteAddress, reason, bad });
        this.#forgetCounters();
      },
    });
    this.#inbound.add(inbound);
  }

  /**
   * A stranger's cluster, a removed member, or one that looks for somebody else is refused. An id that this member has never
   * heard of is not: its configuration may be behind. A leader elected after joining must be able to bring the very entries
   * that tell this member about it, so Raft, not the network, judges what an unknown member says.
   */
  #judge(hello: Hello | { readonly version: number }): RefusalReason | undefined {
    if (!('from' in hello) || hello.version !== PROTOCOL_VERSION) return 'version';
    if (hello.clusterId !== this.#options.clusterId) return 'other-cluster';
    // Somebody who claims to be this very member is a copy of its data folder; it is not to be listened to.
    if (hello.to !== this.#options.memberId || hello.from === hello.to) return 'other-member';
    return this.#options.isRemoved(hello.from) ? 'removed' : undefined;
  }

  #accepted(inbound: TcpInbound, hello: Hello): PeerCounters {
    // A new connection ends the one before it, which may be half-open: its late frames must not come after newer ones.
    for (const other of this.#inbound) {
      const same = other.hello?.from === hello.from && other.hello.channel === hello.channel;
      if (same && other !== inbound) other.close('replaced by a newer connection');
    }
    const counters = this.#countersOf(hello.from);
    this.#input?.introduced({ id: hello.from, address: hello.address });
    // It is up: no reason to sit out a pause.
    const peer = this.#peers.get(hello.from);
    if (peer !== undefined) for (const link of peer.links.values()) dialUnlessOnDemand(link);
    return counters;
  }

  #sweep(): void {
    for (const peer of this.#peers.values()) for (const link of peer.links.values()) link.sweep();
    this.#closeRemoved();
    for (const inbound of this.#inbound) inbound.sweep();
  }

  /**
   * A member that is removed while it is connected dials again, and is then told why nobody listens to it any more. But not as long as it is
   * given as a peer: it is to have its last answers, and would give them up when it loses its connection.
   */
  #closeRemoved(): void {
    for (const inbound of this.#inbound) {
      const from = inbound.hello?.from;
      if (from !== undefined && this.#options.isRemoved(from) && !this.#peers.has(from)) inbound.close('removed');
    }
  }

  #countersOf(id: number): PeerCounters {
    const known = this.#counters.get(id);
    if (known !== undefined) return known;
    const counters = peerCounters();
    this.#counters.set(id, counters);
    return counters;
  }

  /** Counters of members that are neither peers nor connected would only pile up. */
  #forgetCounters(): void {
    const present = new Set(this.#peers.keys());
    for (const { hello } of this.#inbound) if (hello !== undefined) present.add(hello.from);
    for (const id of this.#counters.keys()) if (!present.has(id)) this.#counters.delete(id);
  }
}

/** A snapshot link that rests has nothing to send. */
function dialUnlessOnDemand(link: TcpLink): void {
  if (!link.onDemand) link.dial();
}
