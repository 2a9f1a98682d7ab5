/**
 * What a client may do for free: budgets that refill with time, and the rule for pings.
 *
 * HTTP/2 lets a client cause work at no cost of its own: requests that it cancels at once (CVE-2023-44487), settings and pings that must
 * be answered, frames that mean nothing. Each such act takes from a budget; an honest client never comes near its end.
 */

export class Budget {
  private readonly burst: number;
  private readonly perMs: number;
  private left: number;
  private refilledMs: number;

  constructor(burst: number, perSecond: number, nowMs: number) {
    this.burst = burst;
    this.perMs = perSecond / 1000;
    this.left = burst;
    this.refilledMs = nowMs;
  }

  /** False: there is not so much left. */
  take(nowMs: number, amount: number): boolean {
    if (this.left < amount) {
      this.left = Math.min(this.burst, this.left + (nowMs - this.refilledMs) * this.perMs);
      this.refilledMs = nowMs;
      if (this.left < amount) return false;
    } else if (this.left === this.burst) {
      this.refilledMs = nowMs;
    }
    this.left -= amount;
    return true;
  }

  /** Work was done that gives the client a reason for as much. */
  give(amount: number): void {
    if (this.left < this.burst) this.left = Math.min(this.burst, this.left + amount);
  }
}

/** Without a call a client has no reason to ping at all (gRFC A8; grpc-go's EnforcementPolicy). */
const IDLE_PING_INTERVAL_MS = 7_200_000;
const STRIKES_MAX = 2;

/** grpc-go's rule against pings that come too often; etcd runs with its defaults but for the interval. */
export class PingRule {
  private readonly intervalMs: number;
  private lastMs = -Infinity;
  private strikes = 0;
  /** Something was sent since the last ping, to which a ping is a legitimate question (how fast is this connection?). */
  private isForgiven = false;

  constructor(intervalMs: number) {
    this.intervalMs = intervalMs;
  }

  forgive(): void {
    this.isForgiven = true;
  }

  /** False: one too many. */
  ping(nowMs: number, hasCalls: boolean): boolean {
    const interval = hasCalls ? this.intervalMs : IDLE_PING_INTERVAL_MS;
    if (this.isForgiven) this.strikes = 0;
    else if (nowMs < this.lastMs + interval) this.strikes += 1;
    this.isForgiven = false;
    this.lastMs = nowMs;
    return this.strikes <= STRIKES_MAX;
  }
}
