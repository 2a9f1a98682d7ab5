/** Checks what an embedder hands in. */
import type { RaftConfig } from './types.js';

const PRIORITY_MAX = 255;

/** @throws RangeError naming the setting, its value and what is allowed. */
export function checkRaftConfig(config: RaftConfig): void {
  const positive = [
    'id',
    'electionTicks',
    'heartbeatTicks',
    'appendBytesMax',
    'inflightMessagesMax',
    'inflightBytesMax',
    'uncommittedBytesMax',
    'committedBytesPerReadyMax',
  ] as const;
  for (const name of positive) {
    const value = config[name];
    refuseUnless(Number.isSafeInteger(value) && value > 0, `${name} is ${value}, must be a positive integer`);
  }
  const { electionTicks, heartbeatTicks, appendBytesMax, inflightBytesMax, priority, reads } = config;
  refuseUnless(
    electionTicks > heartbeatTicks,
    `electionTicks is ${electionTicks}, must be greater than heartbeatTicks, which is ${heartbeatTicks}`,
  );
  refuseUnless(
    inflightBytesMax >= appendBytesMax,
    `inflightBytesMax is ${inflightBytesMax}, must be at least appendBytesMax, which is ${appendBytesMax}`,
  );
  refuseUnless(
    Number.isSafeInteger(priority) && priority >= 0 && priority <= PRIORITY_MAX,
    `priority is ${priority}, must be an integer from 0 to ${PRIORITY_MAX}`,
  );
  refuseUnless(reads === 'safe' || reads === 'lease', `reads is ${reads as string}, must be 'safe' or 'lease'`);
  refuseUnless(typeof config.random === 'function', 'random must be a function that draws an integer in [0, bound)');
}

function refuseUnless(condition: boolean, message: string): void {
  if (!condition) throw new RangeError(message);
}
