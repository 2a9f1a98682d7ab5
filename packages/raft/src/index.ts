/** @quorate/raft: the consensus core. See README.md for the owner's duties. */
export * from './types.js';
