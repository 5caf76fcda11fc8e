import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import { badArgument, checkObject } from "./arguments.ts";
import { loopTurns } from "./batch/loop-budget.ts";
import { checkDestination, NotReadyError, requireReady } from "./check.ts";
import { absentTimeoutMs, type Retries, withRetries } from "./deliver/backoff.ts";
import { type Deliverer, deliverer } from "./deliver/deliverer.ts";
import { unlessAborted } from "./deliver/unless-aborted.ts";
import type { DestinationContext, DestinationSession } from "./destination/destination.ts";
import { aborted, type MillraceError, throwIfAborted } from "./errors.ts";
import { publish } from "./events.ts";
import { type OpenOptions, type ResolvedOptions, resolveOptions } from "./options.ts";
import { checkTable, type Infer, type Table } from "./schema/table.ts";
import { type Epochs, openEpochs } from "./sink/epochs.ts";
import { Sink } from "./sink/sink.ts";
import { startBatcher } from "./sink/start-batcher.ts";
import { delivererEvents } from "./telemetry/deliverer-events.ts";
import { startTelemetry } from "./telemetry/telemetry.ts";

/** The sinks of a thread share its event loop. */
const turns = loopTurns();

/**
 * Opens a sink for one table: checks the options, connects and authenticates, starts the subtasks.
 *
 * @throws MillraceError BAD_OPTION for unknown or contradictory options; what the destination found wrong, such as
 *   NOT_FOUND for a table that does not exist; ABORTED when the signal fires first. With `check`: the code of the first item
 *   that failed, and all items as JSON text in `context.items`.
 */
export async function open<T extends Table>(options: OpenOptions<T>): Promise<Sink<Infer<T>>> {
  checkObject("open()", "options", options);
  const { table, to, ...rest } = options;
  checkTable("open()", table);
  checkDestination("open()", to);
  const resolved = resolveOptions("open()", rest, to);
  const { signal } = resolved;
  throwIfAborted(signal, `opening table ${table.name}`);

  const controller = new AbortController();
  setMaxListeners(0, controller.signal); // every batch in flight listens, and their number is bounded
  const stopOpening = () => controller.abort(aborted(signal!, `opening table ${table.name}`));
  signal?.addEventListener("abort", stopOpening, { once: true });
  const id = randomUUID();
  const retries = { count: 0 };
  const calls = openingRetries(id, table.name, resolved, retries);
  const context = {
    table,
    format: resolved.format,
    preset: resolved.preset,
    signal: controller.signal,
    retries: calls,
  };
  let isPolled = false;
  const toDeliverer = (session: DestinationSession) => {
    isPolled = session.polling !== undefined;
    return deliverer(
      session,
      resolved,
      controller.signal,
      delivererEvents(id, (batch) => session.tagOf?.(batch), retries),
    );
  };
  let atLeastOnce: Deliverer | undefined;
  let canRecycle = true; // what is in the log is not looked at any more
  let epochs: Epochs | undefined;
  try {
    const doing = `opening table ${table.name}`;
    if (resolved.check)
      await readyInTime(calls, controller.signal, () =>
        requireReady(id, table, to, resolved, calls, controller.signal),
      );
    if (resolved.state)
      epochs = await opened(openEpochs(id, table, to, context, resolved, toDeliverer), context, doing);
    else {
      const session = await opened(to.open(context), context, doing);
      checkSession(to.name, session);
      canRecycle = session.keepsNoParts === true;
      atLeastOnce = toDeliverer(session);
    }
  } finally {
    signal?.removeEventListener("abort", stopOpening);
  }

  const telemetry = startTelemetry(
    {
      id,
      table: table.name,
      database: to.database,
      deliveryGuarantee: resolved.deliveryGuarantee,
      isPolled,
      epochs: epochs && { pending: () => epochs.pending, logBytes: () => epochs.logBytes },
    },
    resolved.telemetry,
  );
  const sink = new Sink<Infer<T>>({
    id,
    table,
    options: resolved,
    controller,
    retries,
    turns,
    canRecycle,
    deliverer: atLeastOnce,
    epochs,
    startBatcher: (hooks) => startBatcher<Infer<T>>(table, resolved, hooks),
    onReleased: telemetry.close,
  });
  telemetry.watch(() => sink.stats);
  if (signal) {
    const abort = () => void sink.abort(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    controller.signal.addEventListener("abort", () => signal.removeEventListener("abort", abort), { once: true });
    if (signal.aborted) await sink.abort(signal.reason);
  }
  return sink;
}

/** @throws MillraceError BAD_OPTION where a destination of the program's own opened nothing that takes batches. */
function checkSession(name: string, session: DestinationSession | undefined): void {
  for (const call of ["stage", "submit", "close"] as const)
    if (typeof session?.[call] !== "function")
      throw badArgument(
        "open()",
        `what open() of ${name} resolved to`,
        session,
        "an object with stage(), submit() and close()",
      );
}

/** Retries of the opening are told and counted as those of a batch are, without one. */
function openingRetries(sink: string, table: string, options: ResolvedOptions, counted: { count: number }): Retries {
  const { retryBaseMs, retryMaxMs, retryTimeoutMs } = options;
  return {
    retryBaseMs,
    retryMaxMs,
    retryTimeoutMs,
    onRetry(doing, { attempt, delayMs, error: { code, message } }) {
      counted.count++;
      publish("millrace:retry", { sink, table, batch: "", stage: doing, attempt, delayMs, code, message });
    },
  };
}

/** A check that failed is made again as other calls are: an address that may be wrong for a shorter time. */
function readyInTime(retries: Retries, signal: AbortSignal, check: () => Promise<void>): Promise<void> {
  const { retryTimeoutMs } = retries;
  const doing = "checking the target";
  const timeoutMsFor = (error: MillraceError) =>
    error instanceof NotReadyError && error.isAbsent ? Math.min(retryTimeoutMs, absentTimeoutMs) : retryTimeoutMs;
  return withRetries(doing, { ...retries, timeoutMsFor }, signal, check, (retry) => retries.onRetry(doing, retry));
}

/** What does not listen to the signal may still open later; then nobody waits for it any more. */
async function opened<S extends { close(): unknown }>(
  opening: Promise<S>,
  { signal }: DestinationContext,
  doing: string,
): Promise<S> {
  opening.then((late) => (signal.aborted ? late.close() : undefined)).catch(() => {});
  return unlessAborted(opening, signal, doing);
}
