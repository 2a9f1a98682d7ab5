/** The contracts of clock and dice, kept by the real ones. (The simulator's keep them in its own tests.) */
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock, systemRandom } from '../../src/adapters/system.js';
import { clockContract } from '../../src/testing/clock-contract.js';
import { randomContract } from '../../src/testing/random-contract.js';

randomContract('system', () => systemRandom);
clockContract('system', () => ({ clock: systemClock, pass: () => sleep(2) }));
