/** The Platform of the tests: Node's, but for memory that is not zeroed, so that a byte that nobody fills shows. */
import { nodePlatform } from '../../src/adapters/platform.js';
import type { Platform } from '../../src/seams/platform.js';

export const platform: Platform = { ...nodePlatform, allocate: (bytes) => new Uint8Array(bytes).fill(0xdb) };
