/** A trace that keeps nothing. */
export const noTrace = { event: () => { } };
//# sourceMappingURL=trace.js.map