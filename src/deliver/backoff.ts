import { aborted, MillraceError } from "../errors.ts";

/** How long and how often one step of one batch is tried. */
export interface RetryPolicy {
  /** First delay, doubled for each attempt. */
  readonly retryBaseMs: number;
  /** No delay of ours is longer; the server's own Retry-After may be. */
  readonly retryMaxMs: number;
  /** From the first attempt on, no further attempt begins after this time. */
  readonly retryTimeoutMs: number;
  /** Another time for this failure. Default `retryTimeoutMs`. */
  timeoutMsFor?(error: MillraceError): number;
}

/** A policy, and who is told of each retry. */
export interface Retries extends RetryPolicy {
  onRetry(doing: string, retry: Retry): void;
  /**
   * How long an address is tried where nothing listens or whose host is unknown, and that has not answered before: it may be
   * wrong. Never longer than `retryTimeoutMs`. Default 30 000.
   */
  readonly absentTimeoutMs?: number;
}

/** Long enough for a service that starts beside its client. */
export const absentTimeoutMs = 30_000;

/** A bound beside the time, should delays be set very short. */
export const mostAttempts = 1_000;

/**
 * The delay before the next attempt, in milliseconds; undefined when it is time to give up. Exponential with full jitter
 * (a uniform draw between 0 and the doubled base), so that many sinks which failed together do not come back together.
 * What the server asked for is waited in full, and the jitter comes on top.
 *
 * @param attempt how many attempts have failed, from 1
 * @param elapsedMs since the first attempt began
 * @param random uniform in [0, 1)
 */
export function delayBeforeNext(
  policy: RetryPolicy,
  attempt: number,
  elapsedMs: number,
  retryAfterMs: number | undefined,
  random: () => number,
): number | undefined {
  if (attempt >= mostAttempts) return undefined;
  // 2 ** 31 is beyond any retryMaxMs, and keeps the product finite.
  const ceiling = Math.min(policy.retryMaxMs, policy.retryBaseMs * 2 ** Math.min(attempt - 1, 31));
  const delay = Math.round(random() * ceiling) + (retryAfterMs ?? 0);
  return elapsedMs + delay > policy.retryTimeoutMs ? undefined : delay;
}

/** Waits; rejects with ABORTED at once when the signal fires. */
export function sleep(ms: number, signal: AbortSignal, doing: string): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(aborted(signal, doing));
    const onAbort = () => {
      clearTimeout(timer);
      reject(aborted(signal, doing));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** An attempt that failed and will be made again. */
export interface Retry {
  /** Which attempt failed, from 1. */
  readonly attempt: number;
  readonly delayMs: number;
  readonly error: MillraceError;
}

/** The time, and chance: replaced in tests. */
export interface RetryClock {
  now(): number;
  random(): number;
  sleep(ms: number, signal: AbortSignal, doing: string): Promise<void>;
}

export const systemClock: RetryClock = { now: () => performance.now(), random: Math.random, sleep };

/**
 * Does a thing until it succeeds, fails for good, or the policy's time is over; the one place where retrying is decided,
 * by `error.retryable`. Throws the last error as it came.
 */
export async function withRetries<T>(
  doing: string,
  policy: RetryPolicy,
  signal: AbortSignal,
  act: (attempt: number) => Promise<T>,
  onRetry: (retry: Retry) => void,
  clock: RetryClock = systemClock,
): Promise<T> {
  const start = clock.now();
  for (let attempt = 1; ; attempt++) {
    if (signal.aborted) throw aborted(signal, doing);
    try {
      return await act(attempt);
    } catch (thrown) {
      if (signal.aborted) throw aborted(signal, doing);
      const error = asMillraceError(thrown, doing);
      const retryTimeoutMs = policy.timeoutMsFor?.(error) ?? policy.retryTimeoutMs;
      const delayMs = error.retryable
        ? delayBeforeNext({ ...policy, retryTimeoutMs }, attempt, clock.now() - start, error.retryAfterMs, clock.random)
        : undefined;
      if (delayMs === undefined) throw error;
      onRetry({ attempt, delayMs, error });
      await clock.sleep(delayMs, signal, doing);
    }
  }
}

/** A destination throws MillraceErrors; anything else is a defect of it, and is not repeated. */
export function asMillraceError(thrown: unknown, doing: string): MillraceError {
  if (thrown instanceof MillraceError) return thrown;
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return new MillraceError("INTERNAL", `Defect while ${doing}: ${reason}`, { cause: thrown });
}
