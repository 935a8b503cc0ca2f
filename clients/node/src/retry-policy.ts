/** The retry policy: exponential backoff with full jitter. */

/**
 * How often and how soon a call is retried while the authority is UNAVAILABLE.
 *
 * Only calls with a request id (an idempotency key) are retried, because only those count
 * once however often they arrive; every write that could count twice has one. The backoff
 * is random between zero and a bound that doubles from `initialBackoffMs` to `maxBackoffMs`
 * ("full jitter", so that clients do not return in a wave), plus the delay that the
 * authority requested. No try starts after the call's timeout.
 */
export interface RetryPolicy {
  /** How often to try, including the first time; 1 disables retries. Default: 5. */
  readonly maxTries: number;
  /** The bound of the first backoff, in milliseconds. Default: 100. */
  readonly initialBackoffMs: number;
  /** The bound of every backoff, in milliseconds. Default: 1,000. */
  readonly maxBackoffMs: number;
}

const DEFAULTS: RetryPolicy = { maxTries: 5, initialBackoffMs: 100, maxBackoffMs: 1000 };

/**
 * Returns a complete policy.
 *
 * @throws {RangeError} if `maxTries` is no integer from 1, or `initialBackoffMs` is negative
 *   or above `maxBackoffMs`.
 */
export function retryPolicy(values: Partial<RetryPolicy> = {}): RetryPolicy {
  const policy = { ...DEFAULTS, ...values };
  if (!Number.isInteger(policy.maxTries) || policy.maxTries < 1) {
    throw new RangeError("maxTries must be an integer of at least 1");
  }
  if (!(policy.initialBackoffMs >= 0 && policy.initialBackoffMs <= policy.maxBackoffMs)) {
    throw new RangeError("initialBackoffMs must be between 0 and maxBackoffMs");
  }
  return policy;
}

/**
 * Returns the milliseconds to wait before the next try.
 *
 * @param failures How many tries have failed in a row, from 1.
 * @param retryAfterMs The delay that the authority requested.
 * @param random Returns a random number from 0 to 1.
 */
export function backoffMs(
  policy: RetryPolicy,
  failures: number,
  retryAfterMs: number | undefined,
  random: () => number,
): number {
  const bound = Math.min(policy.maxBackoffMs, policy.initialBackoffMs * 2 ** (failures - 1));
  return (retryAfterMs ?? 0) + random() * bound;
}
