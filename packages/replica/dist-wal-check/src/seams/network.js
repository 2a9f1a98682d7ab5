export const CHANNELS = ['control', 'append', 'snapshot'];
//# sourceMappingURL=network.js.map