import type { DestinationSession, Outcome, Polling } from "../destination/destination.ts";
import { aborted, type MillraceError } from "../errors.ts";
import { asMillraceError, sleep } from "./backoff.ts";
import { unlessAborted } from "./unless-aborted.ts";

/** One look at the status for all batches that wait, however many they are. */
export interface StatusWatch {
  /** The batch's fate; undefined when there was no word of it within `timeoutMs`. */
  outcomeOf(id: string): Promise<Outcome | undefined>;
}

interface Waiter {
  readonly until: number;
  resolve(outcome: Outcome | undefined): void;
  reject(error: MillraceError): void;
}

/** The loop begins with short pauses and doubles them: an emulator loads in milliseconds, a cluster in minutes. */
const firstPauseMs = 50;

const doing = "waiting for the ingestion status";

/** The loop runs only while somebody waits. `onFailedLook` hears of looks that failed and will be repeated. */
export function statusWatch(
  session: Pick<DestinationSession, "outcomes">,
  { intervalMs, timeoutMs }: Polling,
  signal: AbortSignal,
  onFailedLook: (ids: readonly string[], error: MillraceError) => void,
): StatusWatch {
  const waiting = new Map<string, Waiter>();
  let isRunning = false;

  async function run(): Promise<void> {
    isRunning = true;
    let pauseMs = Math.min(firstPauseMs, intervalMs);
    try {
      while (waiting.size > 0) {
        await sleep(pauseMs, signal, doing);
        await look();
        pauseMs = Math.min(pauseMs * 2, intervalMs);
      }
    } catch (thrown) {
      const error = signal.aborted ? aborted(signal, doing) : asMillraceError(thrown, doing);
      for (const [, waiter] of take([...waiting.keys()])) waiter.reject(error);
    } finally {
      isRunning = false;
    }
  }

  async function look(): Promise<void> {
    const ids = [...waiting.keys()];
    try {
      for (const outcome of await unlessAborted(session.outcomes(ids, signal), signal, doing))
        for (const [, waiter] of take([outcome.id])) waiter.resolve(outcome);
    } catch (thrown) {
      const error = asMillraceError(thrown, doing);
      if (signal.aborted || !error.retryable) throw error;
      onFailedLook(ids, error);
    }
    const now = performance.now();
    const late = [...waiting].filter(([, waiter]) => waiter.until <= now).map(([id]) => id);
    for (const [, waiter] of take(late)) waiter.resolve(undefined);
  }

  function take(ids: readonly string[]): [string, Waiter][] {
    const taken = ids.flatMap((id) => {
      const waiter = waiting.get(id);
      return waiter ? [[id, waiter] as [string, Waiter]] : [];
    });
    for (const [id] of taken) waiting.delete(id);
    return taken;
  }

  return {
    outcomeOf: (id) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(aborted(signal, doing));
        waiting.set(id, { until: performance.now() + timeoutMs, resolve, reject });
        if (!isRunning) void run();
      }),
  };
}
