/** The Clock seam: how pure rooms learn the time. Ticks arrive as input; this answers "how long since". */
export interface Clock {
  /** Monotonic milliseconds since an arbitrary origin; may have a fraction. Never goes back while a member runs. */
  nowMs(): number;
}
