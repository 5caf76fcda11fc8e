import { badArgument, checkOptionalFunction } from "../arguments.ts";
import { refuseUnknownOptions } from "../option-names.ts";
import { decorated } from "../source/decorated.ts";
import type { Source } from "../source/source.ts";
import { longestTimeoutMs } from "../source/wakeup.ts";
import type { AsyncCall, AsyncRetry, CallPolicy } from "./async-call.ts";
import { type AsyncReading, type AsyncReadingOptions, asyncReading } from "./async-reading.ts";
import { ownershipBehind } from "./ownership.ts";
import { checkTransform } from "./transformed.ts";

/** Options of {@link asyncMap}. */
export interface AsyncMapOptions<A, B> {
  /** Records that the function is busy with at most, pauses between attempts included. Default 100. */
  readonly capacity?: number;
  /**
   * true: records leave in the order in which they came. false: a partition does not wait for another one, and records of a slice leave in
   * the order in which they were done. Slices of one partition keep their order, because their positions do. Default true.
   */
  readonly ordered?: boolean;
  /** For one record, all of its attempts and pauses included, in milliseconds. Default 60 000. */
  readonly timeoutMs?: number;
  /** Gives a record in the place of one that was not done in time. Default: the record goes to the dead letter. */
  readonly onTimeout?: (record: A) => B;
  /** Default: one attempt. */
  readonly retry?: AsyncRetry;
}

const optionNames = ["capacity", "ordered", "timeoutMs", "onTimeout", "retry"];
const retryNames = ["attempts", "baseMs", "maxMs", "if"];

/**
 * A source whose records are what a function that waits makes of the source's: a lookup in a database, a call of a service. Up to `capacity`
 * records are on their way at once.
 *
 * Nothing is lost or doubled by it: a slice leaves with its position when all of its records are done, and after the earlier slices of its
 * partition. So no checkpoint has a position ahead of a record that is on its way, and no record ahead of its position. What is on
 * its way when the process is killed is read again, with the guarantee of the source; its function is then called again.
 *
 * In memory are at most: with `ordered`, `capacity` records and two slices; without, 16 times `capacity` records and two slices. Then the
 * source is asked for no more. A function that does not listen to its signal may go on after its time: it is not waited for, and does not
 * count for `capacity`.
 *
 * A record for which the function throws (in its last attempt), or that is not done in time, goes to the dead letter. `stop` of `run()` lets
 * what is on its way finish; `signal` ends it at once. See {@link map} for what holds of every transform.
 *
 * @throws MillraceError BAD_OPTION
 */
export function asyncMap<A, B>(
  source: Source<A>,
  act: (record: A, call: AsyncCall) => Promise<B> | B,
  options: AsyncMapOptions<A, B> = {},
): Source<B> {
  checkTransform("asyncMap()", source, "act", act);
  const { capacity, isOrdered, timeoutMs, onTimeout, retry } = resolved(options);
  const policy: CallPolicy<A, B> = { act, timeoutMs, onTimeout, retry };
  let isStopped = false;
  const readings = new Set<AsyncReading<B>>();

  const asynchronous = decorated<A, B>(source, async function* (from, signal, context) {
    let reading: AsyncReading<B> | undefined;
    const partitions = context && ownershipBehind(context.partitions, () => reading);
    const slices = source.read(from, signal, context && { ...context, partitions: partitions! });
    reading = asyncReading<A, B>(source.name, slices, { capacity, isOrdered, policy, partitions }, signal);
    readings.add(reading);
    if (isStopped) stop(reading);
    try {
      yield* reading.slices();
    } finally {
      readings.delete(reading);
    }
  });

  /** What a source without `stop()` has given by now is finished, and it is asked for no more. */
  function stop(reading: AsyncReading<B>): void {
    if (!source.stop) setImmediate(() => reading.stop());
  }

  return Object.assign(asynchronous, {
    stop() {
      isStopped = true;
      source.stop?.();
      for (const reading of readings) stop(reading);
    },
  });
}

interface Resolved<A, B> extends Pick<AsyncReadingOptions<A, B>, "capacity" | "isOrdered"> {
  readonly timeoutMs: number;
  readonly onTimeout: ((record: A) => B) | undefined;
  readonly retry: Required<AsyncRetry>;
}

/** With the defaults, and checked. */
function resolved<A, B>(options: AsyncMapOptions<A, B>): Resolved<A, B> {
  refuseUnknownOptions("asyncMap()", options, optionNames);
  const { capacity = 100, ordered = true, timeoutMs = 60_000, onTimeout, retry = { attempts: 1 } } = options;
  if (!Number.isSafeInteger(capacity) || capacity < 1)
    throw badArgument("asyncMap()", "capacity", capacity, "a whole number of records, from 1");
  if (typeof ordered !== "boolean") throw badArgument("asyncMap()", "ordered", ordered, "true or false");
  checkMs("timeoutMs", timeoutMs, 1);
  checkOptionalFunction("asyncMap()", "onTimeout", onTimeout);
  refuseUnknownOptions("asyncMap(): retry", retry, retryNames);
  const { attempts, baseMs = 100, maxMs = 10_000, if: isWorthIt = () => true } = retry;
  if (!Number.isSafeInteger(attempts) || attempts < 1)
    throw badArgument("asyncMap()", "retry.attempts", attempts, "a whole number, from 1");
  checkMs("retry.baseMs", baseMs, 0);
  checkMs("retry.maxMs", maxMs, 0);
  checkOptionalFunction("asyncMap()", "retry.if", isWorthIt);
  return {
    ...{ capacity, isOrdered: ordered, timeoutMs, onTimeout },
    retry: { attempts, baseMs, maxMs, if: isWorthIt },
  };
}

function checkMs(name: string, value: unknown, least: number): void {
  if (typeof value !== "number" || !(value >= least) || value > longestTimeoutMs)
    throw badArgument("asyncMap()", name, value, `milliseconds, from ${least} to ${longestTimeoutMs}`);
}
