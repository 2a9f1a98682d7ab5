/**
 * One who watches a range, at one member after the other: from the present, the past or the future, sometimes too slow to hear
 * everything at once. When his member crashes, or he moves, he goes on at another one behind the last revision that he knows of.
 */
import type { StoreEvent, Watcher, WatchOptions } from '@quorate/replica/internal';
import type { Oracle } from '../checks/oracle.js';
import { WatchRecord } from '../checks/watches.js';
import type { Life } from '../world/life.js';
import type { Member } from '../world/member.js';
import type { Stream } from '../world/random.js';
import type { World } from '../world/world.js';
import { QuestionDrawer } from './store-questions.js';

/** How far from the present a watch begins that does not begin there. */
const REVISIONS_AWAY = 20;
/** One that has gone on for a while is given up for another, with this probability each time that it is looked after. */
const ANEW_CHANCE = 0.02;
/** Keys of the other clients, whose histories are those of registers. */
const REGISTER_KEY = 'k0';

interface Open {
  readonly member: Member;
  readonly life: Life;
  readonly record: WatchRecord;
  watcher: Watcher | undefined;
}

export class WatchSession {
  readonly #world: World;
  readonly #oracle: Oracle;
  readonly #name: string;
  readonly #random: Stream;
  readonly #drawer: QuestionDrawer;
  #record: WatchRecord | undefined;
  #open: Open | undefined;
  /** The next watch begins there: what was before is compacted. */
  #after = 0;

  constructor(world: World, oracle: Oracle, number: number) {
    this.#world = world;
    this.#oracle = oracle;
    this.#name = `w${number}`;
    this.#random = world.random.stream(`watch session ${number}`);
    const keys = world.scenario.storeKeys;
    this.#drawer = new QuestionDrawer(this.#random, { keys, revision: 0, leases: [], fresh: () => '' });
  }

  start(): void {
    const { schedule, scenario } = this.#world;
    schedule.after(this.#random.between(0, 4 * scenario.storeThinkMs), () => {
      this.#lookAfter();
      this.start();
    });
  }

  /** What he has not seen yet; undefined: nothing. For when the storm is over. */
  complaint(): string | undefined {
    const { model } = this.#oracle;
    const open = this.#open;
    if (open?.watcher === undefined || open.life.over) return `${this.#name} watches nowhere`;
    this.#progress(open);
    const next = open.record.next;
    if (next > model.revision) return undefined;
    return `${this.#name} has seen everything before ${next} from ${open.member.name}, and not up to ${model.revision}`;
  }

  #lookAfter(): void {
    const { isStorm, scenario } = this.#world;
    this.#record?.check();
    if (this.#open?.life.over === true) this.#open = undefined;
    if (this.#open !== undefined) this.#progress(this.#open);
    if (isStorm && this.#random.chance(scenario.watchMoves)) this.#close();
    if (isStorm && this.#random.chance(ANEW_CHANCE)) {
      this.#close();
      this.#record = undefined;
    }
    if (this.#open === undefined) this.#watch();
  }

  /** What he would learn by asking for progress, or from a reply that comes by itself. */
  #progress({ member, record, watcher }: Open): void {
    if (watcher === undefined || member.isPaused) return;
    record.promised(member.name, watcher.revision);
  }

  #close(): void {
    const open = this.#open;
    this.#open = undefined;
    open?.member.enter(open.life, () => open.watcher?.close());
  }

  #watch(): void {
    const up = this.#world.upMembers;
    if (up.length === 0) return;
    const member = this.#random.pick(up);
    const { life, replica } = member;
    if (life === undefined || replica === undefined) return;
    const record = (this.#record ??= this.#begin(replica.state.store.revision));
    const open: Open = { member, life, record, watcher: undefined };
    this.#open = open;
    const isPresent = record.next === replica.state.store.revision + 1;
    const startRevision = isPresent && this.#random.chance(0.5) ? 0 : record.next;
    const options = { ...record.options, startRevision };
    member.enter(life, () => {
      if (replica.watches.isFull) return;
      open.watcher = replica.watches.watch(options, {
        events: (events, revision) => this.#told(open, events, revision),
        compacted: (compactRevision) => this.#compacted(open, compactRevision),
      });
    });
  }

  /** `revision`: of the member that he asks first. */
  #begin(revision: number): WatchRecord {
    const random = this.#random;
    const away = 1 + random.integer(REVISIONS_AWAY);
    const from = random.pick([revision + 1, revision + 1, revision + 1 - away, revision + 1 + away]);
    const startRevision = Math.max(1, this.#after, from);
    this.#after = 0;
    const range = random.chance(0.2) ? { key: REGISTER_KEY, rangeEnd: undefined } : this.#drawer.range(true);
    const options: WatchOptions = {
      ...range,
      startRevision,
      previous: random.chance(0.5),
      noPut: random.chance(0.1),
      noDelete: random.chance(0.1),
    };
    return new WatchRecord(this.#name, this.#oracle, options);
  }

  /** Within a step of the member. */
  #told(open: Open, events: readonly StoreEvent[], revision: number): boolean {
    const { member, life, record } = open;
    const { scenario, schedule, isStorm, log } = this.#world;
    if (life.over || open !== this.#open) return true;
    const compactRevision = life.replica?.state.store.compactRevision ?? 0;
    record.told(member.name, events, revision, compactRevision);
    log.record(
      'client',
      this.#name,
      revision,
      () => `hears ${events.length} events from ${member.name}, up to ${revision}`,
    );
    if (!isStorm || !this.#random.chance(scenario.slowWatching)) return true;
    schedule.after(this.#random.between(0, 8 * scenario.storeThinkMs), () =>
      member.enter(life, () => open.watcher?.resume()),
    );
    return false;
  }

  /** Within a step of the member. He begins anew, behind what is gone. */
  #compacted(open: Open, compactRevision: number): void {
    if (open.life.over || open !== this.#open) return;
    const { schedule, log } = this.#world;
    this.#open = undefined;
    this.#record = undefined;
    this.#after = compactRevision;
    log.record(
      'client',
      this.#name,
      compactRevision,
      () => `is told by ${open.member.name}: compacted at ${compactRevision}`,
    );
    schedule.after(0, () => {
      open.record.check();
      open.record.compacted(open.member.name, compactRevision);
    });
  }
}
