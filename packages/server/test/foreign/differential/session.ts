/**
 * Sends the same drawn requests to a real etcd and to Quorate, one at a time, and compares every answer. Later requests are drawn by
 * what the answers told, so the seed alone repeats a run as long as there is no difference.
 */
import { type MessageInit, type ResponseHeader, SERVICES, type WatchCreateRequest } from '@quorate/proto';
import { GrpcClient, type Outcome } from '../support/grpc-client.js';
import { Random } from '../support/random.js';
import { type Answer, answerOf, isSame } from './answers.js';
import { type Call, type Known, RequestSource } from './requests.js';
import { WatchPair } from './watch-pair.js';

export interface DifferentialOptions {
  readonly seed: number;
  readonly requests: number;
  /** Ends after so many differences. */
  readonly differencesMax?: number;
  readonly onProgress?: (requests: number) => void;
}

export interface DifferentialResult {
  readonly requests: number;
  readonly watches: number;
  readonly refused: number;
  readonly differences: readonly string[];
}

/** One step in so many is about watches; what they told is compared after so many requests. */
const WATCH_STEP_IN = 80;
const WATCH_CHECK_EVERY = 200;
const WATCHES_MAX = 12;
const SHOWN_CHARACTERS = 3_000;
/** Written so that a watch of it has something to tell. */
const MARK = new TextEncoder().encode('mark');
const KV = SERVICES['etcdserverpb.KV'];
const SYSTEMS = ['etcd', 'quorate'] as const;
const LEASE = SERVICES['etcdserverpb.Lease'];
const WATCH = SERVICES['etcdserverpb.Watch'];

export class DifferentialSession {
  readonly #clients: readonly [GrpcClient, GrpcClient];
  readonly #random: Random;
  readonly #known: Known = { revision: 1, compactRevision: 0 };
  readonly #source: RequestSource;
  readonly #watches: WatchPair;
  readonly #options: DifferentialOptions;
  readonly #differences: string[] = [];
  #refused = 0;

  /** Both must be fresh: of one member, without keys. */
  constructor(etcdEndpoint: string, quorateEndpoint: string, options: DifferentialOptions) {
    const etcd = new GrpcClient(etcdEndpoint);
    const quorate = new GrpcClient(quorateEndpoint);
    this.#clients = [etcd, quorate];
    this.#random = new Random(options.seed);
    this.#source = new RequestSource(this.#random, this.#known);
    this.#watches = new WatchPair(
      (receive) => etcd.stream(WATCH.Watch, receive),
      (receive) => quorate.stream(WATCH.Watch, receive),
    );
    this.#options = options;
  }

  async run(): Promise<DifferentialResult> {
    const { requests, differencesMax = 1, onProgress } = this.#options;
    let step = 0;
    for (; step < requests && this.#differences.length < differencesMax; step++) {
      if (step % WATCH_CHECK_EVERY === 0) await this.#compareWatches(step);
      if (this.#random.oneIn(WATCH_STEP_IN)) await this.#watchStep(step);
      await this.#request(step, this.#source.next());
      onProgress?.(step + 1);
    }
    await this.#compareWatches(step);
    this.#watches.close();
    for (const client of this.#clients) client.close();
    return {
      requests: step,
      watches: this.#watches.created,
      refused: this.#refused,
      differences: this.#differences,
    };
  }

  async #request(step: number, call: Call): Promise<void> {
    const outcomes = await Promise.all(
      this.#clients.map((client, i) =>
        ask(client, call).catch((cause: unknown) => {
          throw new Error(`request ${step}: no answer from ${SYSTEMS[i]} to ${showCall(call)}`, { cause });
        }),
      ),
    );
    const granted = outcomes.map((outcome) => grantedByServer(call, outcome));
    const answers = outcomes.map((outcome) => answerOf(call.method, outcome));
    const [etcd, quorate] = answers as [Answer, Answer];
    if (!isSame(call.method.name, etcd, quorate)) {
      this.#differences.push(`request ${step}: ${showCall(call)}\n  etcd    ${show(etcd)}\n  quorate ${show(quorate)}`);
    }
    if (etcd.code !== 0) this.#refused += 1;
    this.#learn(call, outcomes[0] as Outcome<unknown>);
    if (granted.every((ID) => ID !== undefined)) await this.#giveBack(step, granted);
  }

  /** Each system's own lease ends again. */
  async #giveBack(step: number, ids: readonly bigint[]): Promise<void> {
    const outcomes = await Promise.all(
      this.#clients.map((client, i) => client.call(LEASE.LeaseRevoke, { ID: ids[i] ?? 0n })),
    );
    const [etcd, quorate] = outcomes.map((outcome) => answerOf(LEASE.LeaseRevoke as Call['method'], outcome));
    if (etcd === undefined || quorate === undefined || isSame('LeaseRevoke', etcd, quorate)) return;
    this.#differences.push(
      `request ${step}, revoking the lease again:\n  etcd    ${show(etcd)}\n  quorate ${show(quorate)}`,
    );
  }

  #learn(call: Call, outcome: Outcome<unknown>): void {
    if (outcome.reply === undefined) return;
    const { header } = outcome.reply as { header?: ResponseHeader };
    this.#known.revision = Math.max(this.#known.revision, header?.revision ?? 0);
    if (call.method.name !== 'Compact') return;
    this.#known.compactRevision = (call.request as { revision?: number }).revision ?? 0;
  }

  async #watchStep(step: number): Promise<void> {
    const random = this.#random;
    const running = this.#watches.running();
    const draw = random.below(10);
    if (draw === 0) {
      await this.#watches.cancel(7_777, false);
    } else if (draw < 4 && running.length > 0) {
      // Nothing under way may overtake the end.
      await this.#compareWatches(step);
      await this.#watches.cancel(random.pick(running), true);
    } else if (running.length < WATCHES_MAX) {
      const watch = this.#watch();
      await this.#watches.create(watch);
      if (watch.startRevision !== 0) {
        await this.#request(step, { method: KV.Put, request: { key: MARK } });
        await this.#watches.caughtUp(MARK, this.#known.revision);
      }
    }
    await this.#compareWatches(step);
  }

  #watch(): MessageInit<WatchCreateRequest> {
    const random = this.#random;
    return {
      key: this.#source.key(),
      rangeEnd: this.#source.rangeEnd(),
      // Allowed difference: 3.4 begins a watch at a negative revision and then ends it, newer ones refuse it (contract 18).
      startRevision: random.oneIn(2) ? 0 : this.#past(Math.max(0, this.#source.revision())),
      filters: random.pick([[], [], [], ['NOPUT'], ['NODELETE'], ['NOPUT', 'NODELETE'], [9]]),
      prevKv: random.oneIn(2),
      watchId: random.oneIn(8) ? random.below(50) : 0,
      fragment: random.oneIn(4),
    };
  }

  /** Allowed difference: a deletion at the very revision of a compaction is gone for watches in 3.4, newer ones keep it. */
  #past(revision: number): number {
    return revision > 0 && revision === this.#known.compactRevision ? revision + 1 : revision;
  }

  async #compareWatches(step: number): Promise<void> {
    const difference = await this.#watches.agree();
    if (difference === undefined) return;
    const { watchId, asked, etcd, quorate } = difference;
    const from = etcd.findIndex((line, i) => JSON.stringify(line) !== JSON.stringify(quorate[i]));
    const first = from < 0 ? etcd.length : from;
    this.#differences.push(
      `watch ${watchId} before request ${step}, from its line ${first} on:\n  etcd    ${show(etcd.slice(first))}\n  quorate ${show(quorate.slice(first))}
  asked   ${show(asked)}`,
    );
  }
}

async function ask(client: GrpcClient, { method, request, path, bytes }: Call): Promise<Outcome<unknown>> {
  const sent = bytes ?? method.request.encode(request);
  const { bytes: told, ...status } = await client.callBytes(path ?? method.path, sent);
  return { ...status, reply: told && method.response.decode(told) };
}

/** The id of a lease that the server chose, which is taken out of its answer. */
function grantedByServer(call: Call, outcome: Outcome<unknown>): bigint | undefined {
  if (call.method.name !== 'LeaseGrant' || (call.request as { ID?: bigint }).ID !== 0n) return undefined;
  const reply = outcome.reply as { ID: bigint } | undefined;
  if (reply === undefined) return undefined;
  const { ID } = reply;
  reply.ID = ID > 0n ? 1n : ID;
  return ID;
}

function showCall({ method, request, path = method.path, bytes }: Call): string {
  return `${path} ${show(bytes ?? method.request.toJson(request))}`;
}

function show(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}... (${text.length})` : text;
}
