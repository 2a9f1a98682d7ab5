/** One member under observation for a while: V8's samples of its main thread, and the processor time of all of its threads (Linux). */

import { readdirSync, readFileSync } from 'node:fs';
import type { Profiler } from 'node:inspector';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SystemMember } from '../etcd/systems.js';

/** For System.create: what the members load to be sampled. */
export const SAMPLER: string = path.join(path.dirname(fileURLToPath(import.meta.url)), 'sampler.js');

export interface Sampled {
  readonly profile: Profiler.Profile;
  readonly mainMicros: number;
  /** Threads of libuv's pool that wrote to the disk. */
  readonly diskMicros: number;
  /** The rest: helpers of the garbage collector, the compiler. */
  readonly otherMicros: number;
}

interface Thread {
  readonly cpuMicros: number;
  readonly writtenBytes: number;
}

export class Sampling {
  readonly #member: SystemMember;
  readonly #before: ReadonlyMap<number, Thread>;

  private constructor(member: SystemMember, before: ReadonlyMap<number, Thread>) {
    this.#member = member;
    this.#before = before;
  }

  static async begin(member: SystemMember): Promise<Sampling> {
    // The thread that the sampler starts for itself is not one of the member's.
    const own = threads(member.pid);
    await member.ask('begin');
    return new Sampling(member, new Map([...threads(member.pid)].filter(([id]) => own.has(id))));
  }

  async end(): Promise<Sampled> {
    const { pid } = this.#member;
    const after = threads(pid);
    const profile = (await this.#member.ask('end')) as Profiler.Profile;
    let [mainMicros, diskMicros, otherMicros] = [0, 0, 0];
    for (const [id, was] of this.#before) {
      const is = after.get(id) ?? was;
      const spent = is.cpuMicros - was.cpuMicros;
      if (id === pid) mainMicros += spent;
      else if (is.writtenBytes > was.writtenBytes) diskMicros += spent;
      else otherMicros += spent;
    }
    return { profile, mainMicros, diskMicros, otherMicros };
  }
}

function threads(pid: number): ReadonlyMap<number, Thread> {
  const folder = `/proc/${pid}/task`;
  return new Map(
    readdirSync(folder).map((id) => {
      // Nanoseconds on a processor, first of three figures; the hundredths of a second of `stat` are too coarse for a thread.
      const cpuMicros = Number.parseInt(readFileSync(`${folder}/${id}/schedstat`, 'latin1'), 10) / 1000;
      const [, written = '0'] = /^write_bytes: (\d+)$/m.exec(readFileSync(`${folder}/${id}/io`, 'latin1')) ?? [];
      return [Number(id), { cpuMicros, writtenBytes: Number(written) }];
    }),
  );
}
