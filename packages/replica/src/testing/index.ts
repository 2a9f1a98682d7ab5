/** What tests of members and of their parts need: virtual versions of the seams, and the contracts that every version keeps. */
export { type ContractClock, clockContract } from './clock-contract.js';
export { type ContractDisk, diskContract } from './disk-contract.js';
export { type DiskOperation, MemoryDisk, type MemoryDiskOptions } from './memory-disk.js';
export {
  type ChannelFaults,
  MemoryEndpoint,
  type MemoryEndpointOptions,
  MemoryNetwork,
  type MemoryNetworkOptions,
  type MemoryNetworkStats,
} from './memory-network.js';
export { type ContractCluster, type ContractMember, networkContract, type ReceivedFrame } from './network-contract.js';
export * from './processes.js';
export { randomContract } from './random-contract.js';
export { comparable, type ModelEvent, type ModelValue, StoreModel, showEvent, showModelEvent } from './store-model.js';
