/**
 * What a run is like, drawn from its seed: which faults are on and how strong, sizes, times, workload (swarm testing: Groce et
 * al., 2012). Most faults are off in most runs, because each hides others. A scenario is plain data: it can be printed, and a
 * part of it can be replaced to see whether a failure needs it.
 */
import type { ReplicaLimits } from '@quorate/replica/internal';
import type { Stream } from './random.js';

export type FaultName =
  | 'crash'
  | 'crash-point'
  | 'pause'
  | 'partition'
  | 'one-way-cut'
  | 'flap'
  | 'slow-network'
  | 'late-frames'
  | 'disk-hang'
  | 'disk-error'
  | 'disk-full'
  | 'wipe'
  | 'lost-log'
  | 'lost-segment'
  | 'bit-rot'
  | 'remove'
  | 'add'
  | 'joint'
  | 'promote'
  | 'readdress'
  | 'transfer'
  | 'campaign'
  | 'stop';

export const FAULT_NAMES: readonly FaultName[] = [
  'crash',
  'crash-point',
  'pause',
  'partition',
  'one-way-cut',
  'flap',
  'slow-network',
  'late-frames',
  'disk-hang',
  'disk-error',
  'disk-full',
  'wipe',
  'lost-log',
  'lost-segment',
  'bit-rot',
  'remove',
  'add',
  'joint',
  'promote',
  'readdress',
  'transfer',
  'campaign',
  'stop',
];

/** Targeted storms: see plans.ts. */
export type PlanName =
  | 'lonely-leader'
  | 'cut-tail'
  | 'late-answers'
  | 'frozen-leader'
  | 'voters-restart'
  | 'transfer-cut'
  | 'hung-voter'
  | 'hasty-campaign'
  | 'figure-eight'
  | 'laggard'
  | 'bare-header'
  | 'joint-changes'
  | 'damaged-disk'
  | 'farewell'
  | 'retiring-leader'
  | 'forgotten-founder'
  | 'forgetful-founder';

export const PLAN_NAMES: readonly PlanName[] = [
  'lonely-leader',
  'cut-tail',
  'late-answers',
  'frozen-leader',
  'voters-restart',
  'transfer-cut',
  'hung-voter',
  'hasty-campaign',
  'figure-eight',
  'laggard',
  'bare-header',
  'joint-changes',
  'damaged-disk',
  'farewell',
  'retiring-leader',
  'forgotten-founder',
  'forgetful-founder',
];
/** But for those that are drawn with what they need. */
const PLANS_BY_CHANCE = PLAN_NAMES.filter((name) => name !== 'forgotten-founder' && name !== 'forgetful-founder');
/** So many runs follow a plan. */
const PLAN_CHANCE = 0.5;

export interface Scenario {
  readonly members: number;
  /** One member founds the cluster and the others join, with ids of its own making or such as follow from a list; or all of them found it. */
  readonly founding: 'alone' | 'listed' | 'together';
  readonly stormMs: number;
  /** Performed again and again, beside the other faults. */
  readonly plan: PlanName | 'none';
  /** Faults that the storm draws from, each with its weight. */
  readonly faults: Readonly<Partial<Record<FaultName, number>>>;
  /** The mean time between two faults. */
  readonly faultIntervalMs: number;
  /** How long a fault lasts on average. */
  readonly faultDurationMs: number;
  /** A crash is a loss of power with this probability, else the kill of a process. */
  readonly powerLoss: number;
  /** Per operation: that a member crashes right there. */
  readonly crashPointChance: number;

  readonly tickMs: number;
  readonly heartbeatTicks: number;
  readonly electionTicks: number;
  readonly requestTimeoutTicks: number;
  readonly reads: 'safe' | 'lease';
  /** A member's tick takes tickMs times something from 1 - clockSkew to 1 + clockSkew. */
  readonly clockSkew: number;
  readonly turnDelayMs: number;

  readonly latencyMinMs: number;
  readonly latencyMaxMs: number;
  readonly dropChance: number;
  readonly duplicateChance: number;

  readonly diskLatencyMinMs: number;
  readonly diskLatencyMaxMs: number;
  readonly segmentBytes: number;
  readonly snapshotLogBytesMin: number;
  readonly snapshotBytesPerSecondMax: number;
  readonly historyBytesMax: number;
  readonly limits: Partial<ReplicaLimits>;

  readonly clients: number;
  readonly keys: number;
  readonly thinkMs: number;
  readonly clientTimeoutMs: number;
  readonly valueBytesMax: number;
  /** Weights of the operations. */
  readonly gets: number;
  readonly puts: number;
  readonly deletes: number;
  readonly swaps: number;
  /** Before an operation a client looks at a member's present and past state with this probability ... */
  readonly looks: number;
  /** ... and has history compacted at the last revision that it knows with this one. */
  readonly compactions: number;
  /** A put reads its key's past in the same transaction with this probability. */
  readonly lookBacks: number;

  /** Clients that ask for anything that the store offers, on keys of their own; 0: nothing of what follows takes place. */
  readonly storeClients: number;
  readonly storeKeys: number;
  readonly storeThinkMs: number;
  /** Weights of what they ask. */
  readonly storeMix: Readonly<Record<StoreAsk, number>>;
  /** Leases have whole seconds, up to so many. */
  readonly leaseSecondsMax: number;
  readonly watchers: number;
  /** A call leaves a watcher unwilling to hear more for a while with this probability ... */
  readonly slowWatching: number;
  /** ... and each time that it looks after its watch, it goes on at another member with this one. */
  readonly watchMoves: number;
}

export const STORE_ASKS = ['put', 'delete', 'txn', 'range', 'lease', 'compact'] as const;
export type StoreAsk = (typeof STORE_ASKS)[number];

/** So many runs have a cluster that its members found together. */
const TOGETHER_CHANCE = 0.25;
/** Of these, so many follow the plan for them. */
const FORGOTTEN_CHANCE = 0.15;
/** Of the others, so many have a founder that stands alone on a list, and follow the plan for that. */
const FORGETFUL_CHANCE = 0.04;

const KiB = 1024;
const SECOND_MS = 1_000;
/** So many runs look at the whole of the store. */
const STORE_CHANCE = 0.35;
/** With a shorter timeout a run is over before a lease is. */
const LEASE_ELECTION_MS_MIN = 100;
const NO_STORE_WORK = {
  storeClients: 0,
  storeKeys: 0,
  storeThinkMs: 0,
  storeMix: { put: 0, delete: 0, txn: 0, range: 0, lease: 0, compact: 0 },
  leaseSecondsMax: 0,
  watchers: 0,
  slowWatching: 0,
  watchMoves: 0,
} as const;

export function drawScenario(random: Stream): Scenario {
  const scenario = drawChanceScenario(random);
  const planned = random.chance(PLAN_CHANCE) ? withPlan(random, scenario) : scenario;
  const whole = random.chance(STORE_CHANCE) ? withStoreWork(random, planned) : planned;
  if (random.chance(TOGETHER_CHANCE)) {
    const isPlanned = random.chance(FORGOTTEN_CHANCE);
    return isPlanned ? withLossOfFounder(random, whole, 'together') : { ...whole, founding: 'together' };
  }
  return random.chance(FORGETFUL_CHANCE) ? withLossOfFounder(random, whole, 'listed') : { ...whole, founding: 'alone' };
}

function withLossOfFounder(random: Stream, scenario: Scenario, founding: 'listed' | 'together'): Scenario {
  const electionMs = scenario.electionTicks * scenario.tickMs;
  return {
    ...scenario,
    founding,
    plan: founding === 'listed' ? 'forgetful-founder' : 'forgotten-founder',
    members: random.pick([3, 3, 5]),
    stormMs: random.between(30, 60) * electionMs,
    faults: random.chance(0.6) ? {} : scenario.faults,
    faultIntervalMs: Math.max(scenario.faultIntervalMs, 2 * electionMs),
  };
}

/** One that leaves everything to chance: without a plan. */
export function drawChanceScenario(random: Stream): Scenario {
  const tickMs = random.pick([5, 10, 20, 20]);
  const heartbeatTicks = random.pick([1, 3, 5]);
  const electionTicks = heartbeatTicks * random.pick([5, 5, 10]);
  const electionMs = electionTicks * tickMs;
  const reads = random.chance(0.25) ? 'lease' : 'safe';
  const calmNetwork = random.chance(0.4);
  return {
    members: random.pick([1, 2, 3, 3, 3, 3, 4, 5, 5, 7]),
    founding: 'alone',
    stormMs: random.between(10, 40) * electionMs,
    plan: 'none',
    ...drawFaults(random, electionMs),
    tickMs,
    heartbeatTicks,
    electionTicks,
    requestTimeoutTicks: random.pick([4, 10, 40]) * electionTicks,
    reads,
    clockSkew: reads === 'lease' || random.chance(0.5) ? 0 : random.between(0, 0.3),
    turnDelayMs: random.pick([0, 0.05, 1]),
    ...drawNetwork(random, calmNetwork, heartbeatTicks * tickMs),
    ...drawDisk(random, electionMs),
    ...drawWorkload(random, electionMs),
    ...NO_STORE_WORK,
    limits: drawLimits(random),
  };
}

/** The rest of the store is looked at as well, in some runs: it costs time, and hides what single keys show. */
function withStoreWork(random: Stream, scenario: Scenario): Scenario {
  const electionMs = scenario.electionTicks * scenario.tickMs;
  // Shorter runs would have no lease end.
  const hasLeases = electionMs >= LEASE_ELECTION_MS_MIN && random.chance(0.6);
  return {
    ...scenario,
    stormMs: hasLeases ? Math.max(scenario.stormMs, random.between(4, 10) * SECOND_MS) : scenario.stormMs,
    thinkMs: Math.max(scenario.thinkMs, electionMs / 16),
    storeClients: random.pick([1, 2, 3]),
    storeKeys: random.pick([2, 5, 10]),
    storeThinkMs: random.magnitude(electionMs / 32, 5),
    storeMix: {
      put: random.pick([1, 4]),
      delete: random.pick([0, 1]),
      txn: random.pick([0, 1, 4]),
      range: random.pick([0, 1, 2]),
      lease: hasLeases ? random.pick([2, 4]) : 0,
      compact: random.pick([0, 0, 0.1, 0.5]),
    },
    leaseSecondsMax: hasLeases ? random.pick([1, 1, 2, 3]) : 0,
    watchers: random.pick([0, 2, 4, 8]),
    slowWatching: random.pick([0, 0.1, 0.5]),
    watchMoves: random.pick([0, 0.02, 0.2]),
  };
}

/** A plan needs time, members, something to do, and not too much in its way. */
function withPlan(random: Stream, scenario: Scenario): Scenario {
  const plan = random.pick(PLANS_BY_CHANCE);
  const { electionTicks, tickMs } = scenario;
  const electionMs = electionTicks * tickMs;
  const needsTrimming = plan === 'laggard' || plan === 'frozen-leader' || plan === 'bare-header';
  const needsMany =
    plan === 'figure-eight' || plan === 'joint-changes' || plan === 'farewell' || plan === 'retiring-leader';
  const needsLease = plan === 'voters-restart' || plan === 'transfer-cut' || plan === 'lonely-leader';
  const lease = needsLease && random.chance(plan === 'lonely-leader' ? 0.3 : 0.9);
  return {
    ...scenario,
    plan,
    members: needsMany ? 5 : random.pick([3, 3, 4, 5, 5]),
    stormMs: random.between(30, 60) * electionMs,
    faults: random.chance(0.6) ? {} : scenario.faults,
    faultIntervalMs: Math.max(scenario.faultIntervalMs, 2 * electionMs),
    requestTimeoutTicks: Math.max(scenario.requestTimeoutTicks, 10 * electionTicks),
    reads: lease ? 'lease' : scenario.reads,
    clockSkew: lease ? 0 : scenario.clockSkew,
    clients: Math.max(scenario.clients, 3),
    // Plans leave many writes without an answer: on one key they could have happened in too many orders to be checked.
    keys: Math.max(scenario.keys, 4),
    ...(needsTrimming ? { thinkMs: electionMs / 64, puts: 4, valueBytesMax: 64 } : {}),
    limits: needsTrimming ? { ...scenario.limits, logMemoryStepBytes: 16 } : scenario.limits,
    snapshotLogBytesMin: needsTrimming ? 1024 : scenario.snapshotLogBytesMin,
    // The first write of a segment must be longer than the sector that holds its header, and a snapshot be due soon.
    ...(plan === 'bare-header' ? { segmentBytes: 4 * KiB, valueBytesMax: KiB, historyBytesMax: KiB } : {}),
  };
}

function drawFaults(
  random: Stream,
  electionMs: number,
): Pick<Scenario, 'crashPointChance' | 'faultDurationMs' | 'faultIntervalMs' | 'faults' | 'powerLoss'> {
  const faults: Partial<Record<FaultName, number>> = {};
  const share = random.pick([0.15, 0.3, 0.6]);
  for (const name of FAULT_NAMES) {
    const isOn = random.chance(share);
    const weight = random.pick([1, 2, 4]);
    if (isOn) faults[name] = weight;
  }
  return {
    faults,
    faultIntervalMs: random.magnitude(electionMs / 4, 4),
    faultDurationMs: random.magnitude(electionMs / 8, 7),
    powerLoss: random.pick([0, 0.5, 1]),
    crashPointChance: 1 / random.magnitude(64, 7),
  };
}

function drawNetwork(
  random: Stream,
  isCalm: boolean,
  heartbeatMs: number,
): Pick<Scenario, 'dropChance' | 'duplicateChance' | 'latencyMaxMs' | 'latencyMinMs'> {
  const latencyMinMs = random.between(0, heartbeatMs / 8);
  return {
    latencyMinMs,
    latencyMaxMs: latencyMinMs + random.between(0, isCalm ? heartbeatMs / 8 : heartbeatMs),
    dropChance: isCalm ? 0 : random.pick([0, 0.001, 0.02, 0.1]),
    duplicateChance: isCalm ? 0 : random.pick([0, 0.01, 0.1]),
  };
}

function drawDisk(
  random: Stream,
  electionMs: number,
): Pick<
  Scenario,
  | 'diskLatencyMaxMs'
  | 'diskLatencyMinMs'
  | 'historyBytesMax'
  | 'segmentBytes'
  | 'snapshotBytesPerSecondMax'
  | 'snapshotLogBytesMin'
> {
  const diskLatencyMinMs = random.between(0, 0.5);
  return {
    diskLatencyMinMs,
    diskLatencyMaxMs: diskLatencyMinMs + random.pick([0, 1, electionMs / 20, electionMs / 5]),
    segmentBytes: random.pick([4, 8, 16, 64, 256]) * KiB,
    snapshotLogBytesMin: random.pick([1, 4, 16, 64, 256]) * KiB,
    snapshotBytesPerSecondMax: random.pick([64, KiB, 16 * KiB]) * KiB,
    historyBytesMax: random.pick([1, 16, 1024]) * KiB,
  };
}

/** Windows and batches so small that they fill. */
function drawLimits(random: Stream): Partial<ReplicaLimits> {
  return {
    appendBytesMax: random.pick([1, 1024, 64 * KiB, 1024 * KiB]),
    inflightMessagesMax: random.pick([1, 2, 16, 256]),
    inflightBytesMax: random.pick([1024 * KiB, 32 * 1024 * KiB]),
    uncommittedBytesMax: random.pick([4 * KiB, 64 * KiB, 64 * 1024 * KiB]),
    committedBytesPerTurnMax: random.pick([1, 1024, 1024 * KiB]),
    logMemoryStepBytes: random.pick([16, 256, 4 * KiB, 1024 * KiB]),
    snapshotChunkBytes: random.pick([1, 16, 256]) * KiB,
    snapshotSliceBytes: random.pick([1, 16, 256]) * KiB,
  };
}

function drawWorkload(
  random: Stream,
  electionMs: number,
): Pick<
  Scenario,
  | 'clientTimeoutMs'
  | 'clients'
  | 'compactions'
  | 'deletes'
  | 'gets'
  | 'keys'
  | 'lookBacks'
  | 'looks'
  | 'puts'
  | 'swaps'
  | 'thinkMs'
  | 'valueBytesMax'
> {
  return {
    clients: random.pick([1, 2, 4, 6]),
    keys: random.pick([1, 2, 5, 10]),
    thinkMs: random.magnitude(electionMs / 64, 5),
    clientTimeoutMs: random.pick([1, 4, 30]) * electionMs,
    valueBytesMax: random.pick([8, 64, 64, 1024, 8 * KiB, 40 * KiB]),
    gets: random.pick([1, 4]),
    puts: random.pick([1, 4]),
    deletes: random.pick([0, 1]),
    swaps: random.pick([0, 1, 4]),
    looks: random.pick([0, 0.2]),
    compactions: random.pick([0, 0, 0.02, 0.2]),
    lookBacks: random.pick([0, 0.2]),
  };
}
