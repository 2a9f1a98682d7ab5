/** What tests of members and of their parts need: virtual versions of the seams, and the contracts that every version keeps. */
export { type ContractDisk, diskContract } from './disk-contract.js';
export { type DiskOperation, MemoryDisk, type MemoryDiskOptions } from './memory-disk.js';
export * from './processes.js';
