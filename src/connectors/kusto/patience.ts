import { setMaxListeners } from "node:events";
import { absentTimeoutMs, type Retries, withRetries } from "../../deliver/backoff.ts";
import { MillraceError } from "../../errors.ts";
import type { Answer } from "./answer.ts";
import { firstWords, type KustoClient } from "./client.ts";
import { isAbsent, isTurnedAway } from "./repeatable.ts";

/** Repeats calls to one cluster until they succeed or the policy's time is over. */
export interface Patience {
  /** The same client, whose calls are repeated: those for which `canRepeat` says no, only where they have not been run. */
  client(client: KustoClient, canRepeat?: (csl: string) => boolean): KustoClient;
  /** Does a thing that may be done twice. */
  repeat<T>(doing: string, signal: AbortSignal, act: () => Promise<T>): Promise<T>;
}

/** Without `retries` each thing is done once. */
export function patience(retries: Retries | undefined): Patience {
  async function repeat<T>(
    doing: string,
    signal: AbortSignal,
    act: () => Promise<T>,
    timeoutMsFor: (error: MillraceError) => number,
  ): Promise<T> {
    if (!retries) return act();
    return withRetries(doing, { ...retries, timeoutMsFor }, signal, act, (retry) => retries.onRetry(doing, retry));
  }

  function timeoutMs(error: MillraceError): number {
    const { retryTimeoutMs, absentTimeoutMs: ofAbsent = absentTimeoutMs } = retries!;
    return isAbsent(error) ? Math.min(retryTimeoutMs, ofAbsent) : retryTimeoutMs;
  }

  function patientClient(client: KustoClient, canRepeat: (csl: string) => boolean): KustoClient {
    const life = new AbortController();
    setMaxListeners(0, life.signal); // every call that is under way listens
    let hasAnswered = false;
    // An address that has answered before is not a wrong one.
    const timeoutMsFor = (error: MillraceError) => (hasAnswered ? retries!.retryTimeoutMs : timeoutMs(error));

    async function asked(
      doing: string,
      signal: AbortSignal,
      ask: (signal: AbortSignal) => Promise<Answer>,
      mayRepeat: (error: MillraceError) => boolean,
    ): Promise<Answer> {
      const either = new AbortController();
      const stop = () => either.abort(signal.aborted ? signal.reason : life.signal.reason);
      if (signal.aborted || life.signal.aborted) stop();
      for (const each of [signal, life.signal]) each.addEventListener("abort", stop, { once: true });
      const attempt = async () => {
        const answer = await ask(either.signal);
        hasAnswered = true;
        return answer;
      };
      try {
        return await repeat(doing, either.signal, attempt, (error) => (mayRepeat(error) ? timeoutMsFor(error) : 0));
      } finally {
        for (const each of [signal, life.signal]) each.removeEventListener("abort", stop);
      }
    }

    return {
      execute: (database, csl, signal) =>
        asked(
          `command ${firstWords(csl)}`,
          signal,
          (either) => client.execute(database, csl, either),
          (error) => canRepeat(csl) || isTurnedAway(error),
        ),
      query: (database, kql, signal) =>
        asked(
          `query ${firstWords(kql)}`,
          signal,
          (either) => client.query(database, kql, either),
          () => true,
        ),
      close() {
        life.abort(new MillraceError("CLOSED", "The client was closed."));
        client.close();
      },
    };
  }

  return {
    repeat: (doing, signal, act) => repeat(doing, signal, act, timeoutMs),
    client: (client, canRepeat = () => true) => patientClient(client, canRepeat),
  };
}
