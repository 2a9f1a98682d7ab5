/** `grpc-timeout` (gRPC over HTTP/2): at most eight digits and a unit. */

const MS_PER_UNIT: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** The duration in milliseconds, or undefined if it is malformed. */
export function parseTimeoutMs(text: string): number | undefined {
  if (text.length < 2 || text.length > 9) return undefined;
  const unit = MS_PER_UNIT[text.charAt(text.length - 1)];
  if (unit === undefined) return undefined;
  let amount = 0;
  for (let at = 0; at < text.length - 1; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return undefined;
    amount = amount * 10 + digit;
  }
  return amount * unit;
}
