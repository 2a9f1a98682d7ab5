/** Whether two clusters hold the same keys, values and leases: counted and hashed in order of keys. */
import { createHash } from 'node:crypto';
import type { Client } from '@quorate/client';
import { isMark } from './target.js';

export interface Contents {
  readonly keys: number;
  /** SHA-256 of keys, values and leases, in hexadecimal. */
  readonly hash: string;
}

/** As of `revision`, or of the present. */
export async function contentsOf(client: Client, revision?: number): Promise<Contents> {
  const digest = createHash('sha256');
  const numbers = Buffer.alloc(16);
  let keys = 0;
  for await (const keyValue of client.kv.scan(revision === undefined ? {} : { revision })) {
    if (isMark(keyValue)) continue;
    const { key, value, lease } = keyValue;
    numbers.writeUInt32BE(key.length, 0);
    numbers.writeUInt32BE(value.length, 4);
    numbers.writeBigInt64BE(lease, 8);
    digest.update(numbers).update(key).update(value);
    keys += 1;
  }
  return { keys, hash: digest.digest('hex') };
}
