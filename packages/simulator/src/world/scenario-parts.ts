/** What each part of a scenario may be, for scenarios that people write: a mistyped name would change nothing, a senseless value fail every run. */
import { REPLICA_LIMITS } from '@quorate/replica/internal';
import { FAULT_NAMES, PLAN_NAMES, type Scenario, STORE_ASKS } from './scenario.js';

interface Kind {
  readonly allowed: string;
  accepts(value: unknown): boolean;
}

const MEBIBYTE = 1024 * 1024;
const DAY_MS = 86_400_000;

function number(min: number, max: number): Kind {
  return {
    allowed: `a number from ${min} to ${max}`,
    accepts: (value) => typeof value === 'number' && value >= min && value <= max,
  };
}

function integer(min: number, max: number): Kind {
  return {
    allowed: `a whole number from ${min} to ${max}`,
    accepts: (value) => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max,
  };
}

function oneOf(...names: readonly string[]): Kind {
  return { allowed: names.join(', '), accepts: (value) => names.includes(value as string) };
}

function someOf(names: readonly string[], kind: Kind): Kind {
  return {
    allowed: `an object with any of ${names.join(', ')}, each ${kind.allowed}`,
    accepts: (value) =>
      isObject(value) && Object.entries(value).every(([name, one]) => names.includes(name) && kind.accepts(one)),
  };
}

function allOf(names: readonly string[], kind: Kind): Kind {
  const some = someOf(names, kind);
  return {
    allowed: `an object with ${names.join(', ')}, each ${kind.allowed}`,
    accepts: (value) => some.accepts(value) && names.every((name) => Object.hasOwn(value as object, name)),
  };
}

const CHANCE = number(0, 1);
const DURATION_MS = number(0, DAY_MS);
/** Where time must pass. */
const INTERVAL_MS = number(1, DAY_MS);
const TICKS = integer(1, 1_000_000);
const WEIGHT = integer(0, 1_000_000);
const COUNT_MAX = 1_000;

const PARTS: { readonly [K in keyof Scenario]: Kind } = {
  members: integer(1, 15),
  founding: oneOf('alone', 'listed', 'together'),
  stormMs: DURATION_MS,
  plan: oneOf(...PLAN_NAMES, 'none'),
  faults: someOf(FAULT_NAMES, WEIGHT),
  faultIntervalMs: INTERVAL_MS,
  faultDurationMs: DURATION_MS,
  powerLoss: CHANCE,
  crashPointChance: CHANCE,
  tickMs: INTERVAL_MS,
  heartbeatTicks: TICKS,
  electionTicks: TICKS,
  requestTimeoutTicks: TICKS,
  reads: oneOf('safe', 'lease'),
  clockSkew: number(0, 0.9),
  turnDelayMs: DURATION_MS,
  latencyMinMs: DURATION_MS,
  latencyMaxMs: DURATION_MS,
  dropChance: CHANCE,
  duplicateChance: CHANCE,
  diskLatencyMinMs: DURATION_MS,
  diskLatencyMaxMs: DURATION_MS,
  segmentBytes: integer(1024, 64 * MEBIBYTE),
  snapshotLogBytesMin: integer(1, 1024 * MEBIBYTE),
  snapshotBytesPerSecondMax: integer(1, 1024 * MEBIBYTE),
  historyBytesMax: integer(0, 1024 * MEBIBYTE),
  limits: someOf(Object.keys(REPLICA_LIMITS), integer(1, 1024 * MEBIBYTE)),
  clients: integer(0, COUNT_MAX),
  keys: integer(1, COUNT_MAX),
  thinkMs: DURATION_MS,
  clientTimeoutMs: INTERVAL_MS,
  valueBytesMax: integer(1, MEBIBYTE),
  gets: WEIGHT,
  puts: WEIGHT,
  deletes: WEIGHT,
  swaps: WEIGHT,
  looks: CHANCE,
  compactions: CHANCE,
  lookBacks: CHANCE,
  storeClients: integer(0, COUNT_MAX),
  storeKeys: integer(0, COUNT_MAX),
  storeThinkMs: DURATION_MS,
  storeMix: allOf(STORE_ASKS, number(0, 1_000_000)),
  leaseSecondsMax: integer(0, 86_400),
  watchers: integer(0, COUNT_MAX),
  slowWatching: CHANCE,
  watchMoves: CHANCE,
};

/** Throws a RangeError that says which part is not allowed, and what is. */
export function checkParts(parts: unknown): asserts parts is Partial<Scenario> {
  if (!isObject(parts)) throw new RangeError(`${JSON.stringify(parts)} is not an object with parts of a scenario`);
  for (const [name, value] of Object.entries(parts)) {
    const kind = Object.hasOwn(PARTS, name) ? PARTS[name as keyof Scenario] : undefined;
    if (kind === undefined) {
      throw new RangeError(`a scenario has no "${name}"; allowed: ${Object.keys(PARTS).join(', ')}`);
    }
    if (!kind.accepts(value)) throw new RangeError(`${name} is ${JSON.stringify(value)}; allowed: ${kind.allowed}`);
  }
}

/** Undefined, or what makes a run of it impossible: parts that are allowed each, but not together. */
export function contradictionIn(scenario: Scenario): string | undefined {
  const { gets, puts, deletes, swaps, storeClients, storeKeys } = scenario;
  if (gets + puts + deletes + swaps === 0) return 'gets, puts, deletes and swaps are all 0: clients have nothing to do';
  if (storeClients > 0 && storeKeys === 0) return 'storeClients without storeKeys: give both';
  return undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
