/** The seams: everything a member needs from outside itself, as interfaces. */
export * from './clock.js';
export * from './disk.js';
export * from './network.js';
export * from './platform.js';
export * from './random.js';
export * from './trace.js';
//# sourceMappingURL=index.js.map