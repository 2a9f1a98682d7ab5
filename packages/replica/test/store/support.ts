/** What the store's tests share: a platform on node:zlib and Buffer, short ways to write operations, a comparable form of results. */
import { crc32 } from 'node:zlib';
import type { Platform } from '../../src/seams/platform.js';
import type {
  Command,
  DeleteOperation,
  KeyValue,
  Operation,
  PutOperation,
  RangeOperation,
  Response,
  TxnOperation,
  WriteLimits,
} from '../../src/store/index.js';
import { type FrozenStore, putOf, rangeOf, Store, type StoreOptions } from '../../src/store/index.js';
import { showKeyValue } from '../../src/testing/store-model.js';

export const platform: Platform = {
  crc32: (bytes, seed) => crc32(bytes, seed),
  latin1: (bytes, start, end) =>
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1', start, end),
  writeLatin1: (text, into, offset) =>
    Buffer.from(into.buffer, into.byteOffset, into.length).write(text, offset, text.length, 'latin1'),
  allocate: (bytes) => {
    // Filled with junk, so that a byte that nobody wrote is noticed.
    return new Uint8Array(bytes).fill(0xa5);
  },
};

export function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}

export function text(value: Uint8Array): string {
  return Buffer.from(value).toString('latin1');
}

export function put(key: string, value: string, options: Partial<PutOperation> = {}): PutOperation {
  return putOf(key, bytes(value), options);
}

export function del(key: string, rangeEnd?: string, returnPrevious = false): DeleteOperation {
  return { kind: 'delete', key, rangeEnd, returnPrevious };
}

export function range(key: string, rangeEnd?: string, options: Partial<RangeOperation> = {}): RangeOperation {
  return rangeOf(key, rangeEnd, options);
}

export const ALL = range('\0', '\0');

export function txn(
  compares: TxnOperation['compares'],
  success: readonly Operation[],
  failure: readonly Operation[] = [],
): TxnOperation {
  return { kind: 'txn', compares, success, failure };
}

export function apply(store: Store, operation: Command['operation'], limits?: WriteLimits): Response {
  return store.apply({ operation, limits }).response;
}

/** One line per key-value. */
export function show(keyValues: readonly KeyValue[]): string[] {
  return keyValues.map(showKeyValue);
}

export function serialise(frozen: FrozenStore, chunkBytes = 1000): Uint8Array {
  const parts: Uint8Array[] = [];
  const chunks = frozen.chunks();
  for (let chunk = chunks.next(chunkBytes); chunk !== undefined; chunk = chunks.next(chunkBytes)) {
    if (chunk.length > chunkBytes) {
      throw new Error(`a chunk of ${chunk.length} bytes where at most ${chunkBytes} were asked for`);
    }
    parts.push(chunk);
  }
  return Uint8Array.from(Buffer.concat(parts));
}

export function load(stream: Uint8Array, chunkBytes = 1000, options: StoreOptions = {}): Store {
  const loader = Store.loader(platform, options);
  for (let offset = 0; offset < stream.length; offset += chunkBytes) {
    // A copy that is spoilt afterwards: the loader must not keep views of what it is given.
    const chunk = stream.slice(offset, offset + chunkBytes);
    loader.push(chunk);
    chunk.fill(0x5a);
  }
  return loader.finish();
}

export function hashOf(store: Store, revision?: number): number {
  const hash = store.hash(revision);
  if (hash.kind === 'error') {
    throw new Error(hash.code);
  }
  return hash.hash;
}

/** Sweeps until there is no more to do; `keysMax` a slice. */
export function sweepAll(store: Store, keysMax = 1000): void {
  for (let slices = 0; store.sweep(keysMax); slices++) {
    if (slices > 100_000) {
      throw new Error('the sweep does not come to an end');
    }
  }
}
