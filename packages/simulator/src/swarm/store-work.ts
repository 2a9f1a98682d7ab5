/** The clients of the whole store and those who watch it, together: what a run does with them. */
import type { Operation } from '../checks/history.js';
import type { Oracle } from '../checks/oracle.js';
import type { World } from '../world/world.js';
import { LeaseFinale } from './lease-finale.js';
import { StoreClient } from './store-client.js';
import { WatchSession } from './watch-session.js';

export class StoreWork {
  readonly #world: World;
  readonly #oracle: Oracle;
  readonly #clients: StoreClient[] = [];
  readonly #sessions: WatchSession[] = [];

  constructor(world: World, oracle: Oracle) {
    this.#world = world;
    this.#oracle = oracle;
  }

  start(): void {
    const { storeClients, watchers } = this.#world.scenario;
    for (let i = 1; i <= storeClients; i += 1) this.#clients.push(new StoreClient(this.#world, this.#oracle, i));
    for (let i = 1; i <= watchers; i += 1) this.#sessions.push(new WatchSession(this.#world, this.#oracle, i));
    for (const client of this.#clients) client.start();
    for (const session of this.#sessions) session.start();
  }

  /** The clients ask nothing more; those who watch go on. */
  stop(): void {
    for (const client of this.#clients) client.stop();
  }

  /** What is not over yet, or has not been seen by somebody who watches it. */
  complaint(): string | undefined {
    if (!this.#clients.every((client) => client.isIdle)) return 'requests wait';
    for (const session of this.#sessions) {
      const complaint = session.complaint();
      if (complaint !== undefined) return complaint;
    }
    return undefined;
  }

  /** When the faults are over: undefined if the run has no leases. */
  endLeases(): LeaseFinale | undefined {
    const { leaseSecondsMax } = this.#world.scenario;
    if (leaseSecondsMax === 0) return undefined;
    const finale = new LeaseFinale(this.#world, this.#oracle);
    finale.start();
    return finale;
  }

  count(outcome: Operation['outcome']): number {
    let count = 0;
    for (const question of this.#oracle.questions.all) if (question.outcome === outcome) count += 1;
    if (outcome !== 'pending') for (const client of this.#clients) count += client.reads[outcome];
    return count;
  }
}
