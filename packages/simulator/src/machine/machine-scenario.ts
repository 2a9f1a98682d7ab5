/** What a run of a user's machine is like: the part of a scenario that does not belong to our own store, drawn from the seed. */
import type { SeededRandom } from '../world/random.js';
import { drawChanceScenario, type FaultName, type Scenario } from '../world/scenario.js';

export type MachineFault = Extract<
  FaultName,
  'crash' | 'pause' | 'partition' | 'one-way-cut' | 'slow-network' | 'disk-hang' | 'transfer'
>;

export const MACHINE_FAULTS: readonly MachineFault[] = [
  'crash',
  'pause',
  'partition',
  'one-way-cut',
  'slow-network',
  'disk-hang',
  'transfer',
];

export interface MachineScenario
  extends Pick<
    Scenario,
    | 'members'
    | 'stormMs'
    | 'faultIntervalMs'
    | 'faultDurationMs'
    | 'tickMs'
    | 'heartbeatTicks'
    | 'electionTicks'
    | 'clockSkew'
    | 'turnDelayMs'
    | 'latencyMinMs'
    | 'latencyMaxMs'
    | 'dropChance'
    | 'duplicateChance'
    | 'diskLatencyMinMs'
    | 'diskLatencyMaxMs'
    | 'clients'
    | 'thinkMs'
    | 'clientTimeoutMs'
    | 'limits'
  > {
  readonly faults: Readonly<Partial<Record<MachineFault, number>>>;
  /** A snapshot is made after so many entries, and the log before it forgotten. */
  readonly snapshotEntries: number;
}

export function drawMachineScenario(random: SeededRandom): MachineScenario {
  const drawn = drawChanceScenario(random.stream('scenario'));
  const faults = Object.entries(drawn.faults).filter(([name]) => (MACHINE_FAULTS as readonly string[]).includes(name));
  const { members, stormMs, faultIntervalMs, faultDurationMs, tickMs, heartbeatTicks, electionTicks } = drawn;
  const { clockSkew, turnDelayMs, latencyMinMs, latencyMaxMs, dropChance, duplicateChance } = drawn;
  const { diskLatencyMinMs, diskLatencyMaxMs, clients, thinkMs, clientTimeoutMs, limits } = drawn;
  return {
    members,
    stormMs,
    faults: Object.fromEntries(faults),
    faultIntervalMs,
    faultDurationMs,
    tickMs,
    heartbeatTicks,
    electionTicks,
    clockSkew,
    turnDelayMs,
    latencyMinMs,
    latencyMaxMs,
    dropChance,
    duplicateChance,
    diskLatencyMinMs,
    diskLatencyMaxMs,
    clients,
    thinkMs,
    clientTimeoutMs,
    limits,
    snapshotEntries: random.stream('snapshots').pick([2, 8, 32, 128]),
  };
}
