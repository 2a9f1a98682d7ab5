/** @quorate/simulator: a whole cluster, or a state machine of your own, under virtual time, with faults, from one seed. */
export {
  checkRevisions,
  describeOperation,
  type Operation,
  type OperationKind,
  type OperationOutcome,
} from './checks/history.js';
export { HistoryFormatError, type JudgedHistory, judgeHistory, readHistory } from './checks/history-file.js';
export { checkKey, type KeyVerdict } from './checks/linearizability.js';
export { Violation } from './checks/violation.js';
export type { Call, Caller, Machine, MachineUnderTest } from './machine/machine.js';
export { MACHINE_FAULTS, type MachineFault, type MachineScenario } from './machine/machine-scenario.js';
export { type MachineRun, type MachineRunOptions, runMachine } from './machine/run-machine.js';
export { type FailedSimulation, type Simulated, type SimulateOptions, simulate } from './machine/simulate.js';
export { type RunOptions, type RunResult, run, scenarioOf, withoutFaults } from './swarm/run.js';
export { type Shrunk, shrink } from './swarm/shrink.js';
export { SeededRandom, Stream } from './world/random.js';
export { drawScenario, FAULT_NAMES, type FaultName, type PlanName, type Scenario } from './world/scenario.js';
export type { Tamper } from './world/tamper.js';
