import { setTimeout as pause } from "node:timers/promises";
import { isWrongAsWhole, nothingReturned, refusePromise, thrownReason } from "./built-slice.ts";

/** What a function of {@link asyncMap} is told beside its record. */
export interface AsyncCall {
  /** Fires when `timeoutMs` is over, and when the run ends. Hand it on: `fetch(url, { signal })`. */
  readonly signal: AbortSignal;
  /** From 1. */
  readonly attempt: number;
}

/** How often a function is called for a record that it fails for. */
export interface AsyncRetry {
  /** Calls for one record, the first one included. */
  readonly attempts: number;
  /** Longest pause before the second call, in milliseconds; doubled for each further one. Each pause is drawn between 0 and this. Default 100. */
  readonly baseMs?: number;
  /** No pause is longer, in milliseconds. Default 10 000. */
  readonly maxMs?: number;
  /** Whether to try again after this error. Default: after every error. */
  readonly if?: (error: unknown) => boolean;
}

/** What has become of a record. */
export type Outcome<B> =
  | { readonly kind: "done"; readonly record: B }
  | { readonly kind: "refused"; readonly reason: string; readonly cause?: unknown }
  /** The program, or the source as a whole, is wrong. */
  | { readonly kind: "fatal"; readonly error: unknown }
  /** Nobody waits for it any more. */
  | { readonly kind: "cancelled" };

export interface CallPolicy<A, B> {
  readonly act: (record: A, call: AsyncCall) => Promise<B> | B;
  /** For all calls of a record and the pauses between them. */
  readonly timeoutMs: number;
  readonly onTimeout: ((record: A) => B) | undefined;
  readonly retry: Required<AsyncRetry>;
}

const what = "asyncMap()";

/** Calls the function for a record until it succeeds, fails for good, or the time is over. Never rejects. */
export async function outcomeOf<A, B>(
  record: A,
  policy: CallPolicy<A, B>,
  controller: AbortController,
): Promise<Outcome<B>> {
  const { timeoutMs, onTimeout } = policy;
  const { signal } = controller;
  let isLate = false;
  let last: FailedAttempt | undefined;
  const timer = setTimeout(() => {
    isLate = true;
    controller.abort(new Error(`not done within ${timeoutMs} ms`));
  }, timeoutMs);
  // A function that does not listen to the signal is not waited for.
  const ended = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  try {
    const outcome = await Promise.race([attempts(record, policy, signal, (failed) => (last = failed)), ended]);
    if (outcome) return outcome;
  } finally {
    clearTimeout(timer);
  }
  if (!isLate) return { kind: "cancelled" };
  if (!onTimeout) {
    const reason = `${what}: its function was not done within ${timeoutMs} ms`;
    if (!last) return { kind: "refused", reason };
    const { attempt, error } = last;
    return { kind: "refused", reason: `${reason}; ${thrownReason(`attempt ${attempt}`, error)}`, cause: error };
  }
  try {
    const substitute = onTimeout(record);
    refusePromise(`${what}: onTimeout`, substitute, "It gives a record at once.");
    return made(`${what}: onTimeout`, substitute);
  } catch (error) {
    return failure(error, `${what}: onTimeout`);
  }
}

interface FailedAttempt {
  readonly attempt: number;
  readonly error: unknown;
}

async function attempts<A, B>(
  record: A,
  { act, retry }: CallPolicy<A, B>,
  signal: AbortSignal,
  onFailed: (failed: FailedAttempt) => void,
): Promise<Outcome<B> | undefined> {
  for (let attempt = 1; ; attempt++) {
    try {
      return made(what, await act(record, { signal, attempt }));
    } catch (error) {
      if (signal.aborted) return undefined;
      onFailed({ attempt, error });
      if (isWrongAsWhole(error) || attempt >= retry.attempts || !isWorthIt(error, retry))
        return failure(error, attempt === 1 ? what : `${what} in attempt ${attempt}`);
    }
    const longest = Math.min(retry.maxMs, retry.baseMs * 2 ** Math.min(attempt - 1, 31));
    // Full jitter, so that records that failed together do not come back together.
    await pause(Math.random() * longest, undefined, { signal }).catch(() => {}); // looked at below
    if (signal.aborted) return undefined;
  }
}

function made<B>(where: string, record: B): Outcome<B> {
  const refusal = nothingReturned(where, record);
  return refusal ? { kind: "refused", reason: refusal } : { kind: "done", record };
}

function isWorthIt(error: unknown, retry: Required<AsyncRetry>): boolean {
  try {
    return retry.if(error);
  } catch {
    return false; // the first error is the one to tell
  }
}

function failure<B>(error: unknown, where: string): Outcome<B> {
  if (isWrongAsWhole(error)) return { kind: "fatal", error };
  return { kind: "refused", reason: thrownReason(where, error), cause: error };
}
