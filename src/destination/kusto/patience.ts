import { absentTimeoutMs, type Retries, withRetries } from "../../deliver/backoff.ts";
import type { MillraceError } from "../../errors.ts";
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
    let hasAnswered = false;
    // An address that has answered before is not a wrong one.
    const timeoutMsFor = (error: MillraceError) => (hasAnswered ? retries!.retryTimeoutMs : timeoutMs(error));

    async function answered<T>(call: Promise<T>): Promise<T> {
      const answer = await call;
      hasAnswered = true;
      return answer;
    }

    return {
      execute: (database, csl, signal) =>
        repeat(
          `command ${firstWords(csl)}`,
          signal,
          () => answered(client.execute(database, csl, signal)),
          (error) => (canRepeat(csl) || isTurnedAway(error) ? timeoutMsFor(error) : 0),
        ),
      query: (database, kql, signal) =>
        repeat(`query ${firstWords(kql)}`, signal, () => answered(client.query(database, kql, signal)), timeoutMsFor),
      close: () => client.close(),
    };
  }

  return {
    repeat: (doing, signal, act) => repeat(doing, signal, act, timeoutMs),
    client: (client, canRepeat = () => true) => patientClient(client, canRepeat),
  };
}
