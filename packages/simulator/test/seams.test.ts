/** The contracts of clock and dice, kept by the virtual ones. (Those of disk and network are held to theirs beside the real ones.) */
import { clockContract, randomContract } from '@quorate/replica/testing';
import { SeededRandom } from '../src/world/random.js';
import { Schedule } from '../src/world/schedule.js';
import { SkewedClock } from '../src/world/skewed-clock.js';

randomContract('seeded', () => new SeededRandom(5));

for (const ownTickMs of [10, 7, 13]) {
  clockContract(`virtual, a tick of 10 ms takes ${ownTickMs} ms`, () => {
    const schedule = new Schedule();
    const pass = async (): Promise<void> => {
      schedule.after(2, () => {});
      schedule.next(schedule.nowMs + 10);
    };
    return { clock: new SkewedClock(schedule, 10, ownTickMs), pass };
  });
}
