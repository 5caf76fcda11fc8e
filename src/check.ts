import { checkObject, checkOptionalFunction, sortOf } from "./arguments.ts";
import { memoryState } from "./checkpoint/file-state.ts";
import type { Retries } from "./deliver/backoff.ts";
import type { CheckContext, CheckItem, Destination } from "./destination/destination.ts";
import { aborted, MillraceError } from "./errors.ts";
import { publish } from "./events.ts";
import { type ResolvedOptions, resolveOptions, type SinkOptions } from "./options.ts";
import { checkTable, type Table } from "./schema/table.ts";

/** The options of the sink that is to be opened; exactly once needs no `state` here. */
export interface CheckTargetOptions extends SinkOptions {
  /** The table, or its name alone: then its own columns are taken for the declared ones. */
  table: Table | string;
  to: Destination;
  /** Told of each item as it is known. */
  onItem?(item: CheckItem): void;
}

/** What a check came to. */
export interface CheckReport {
  /** No item failed. One that was not reached without a failure lies behind a warning. */
  readonly isReady: boolean;
  readonly items: readonly CheckItem[];
}

/**
 * Goes through everything that a sink with these options needs: address, certificate, login, rights, table, columns, mapping,
 * storage, policies. No record is written. With exactly once a staging table is made and dropped, as the sink will do.
 *
 * @throws MillraceError BAD_OPTION, or ABORTED by the signal; what is wrong with the target is in the report.
 */
export async function checkTarget(given: CheckTargetOptions): Promise<CheckReport> {
  checkObject("checkTarget()", "options", given);
  const { table, to, onItem, ...options } = given;
  if (typeof table !== "string") checkTable("checkTarget()", table);
  checkDestination("checkTarget()", to);
  checkOptionalFunction("checkTarget()", "onItem", onItem);
  const isStateless = options.deliveryGuarantee === "exactly-once" && options.state === undefined;
  const resolved = resolveOptions("checkTarget()", isStateless ? { ...options, state: memoryState() } : options, to);
  const { retryBaseMs, retryMaxMs, retryTimeoutMs } = resolved;
  const retries: Retries = {
    retryBaseMs,
    retryMaxMs,
    retryTimeoutMs,
    absentTimeoutMs: 0,
    onRetry(doing, { attempt, delayMs, error: { code, message } }) {
      const name = typeof table === "string" ? table : table.name;
      publish("millrace:retry", { sink: "", table: name, batch: "", stage: doing, attempt, delayMs, code, message });
    },
  };
  return look(table, to, resolved, retries, options.signal ?? new AbortController().signal, onItem);
}

/** @throws MillraceError BAD_OPTION where nothing could be opened. */
export function checkDestination(what: string, to: Destination | undefined): void {
  if (typeof to?.open !== "function")
    throw new MillraceError(
      "BAD_OPTION",
      `${what}: to is ${sortOf(to)}; it needs a destination: kusto({ cluster, database }), filesDestination(folder).`,
      { context: { option: "to" } },
    );
}

/** The target of a sink that opens is not as it must be. */
export class NotReadyError extends MillraceError {
  /** Its address may be wrong: it is tried again for a shorter time. */
  readonly isAbsent: boolean;

  constructor(isAbsent: boolean, ...rest: ConstructorParameters<typeof MillraceError>) {
    super(...rest);
    this.isAbsent = isAbsent;
  }
}

/**
 * The check before a sink opens: warnings become events, and a failure is thrown.
 *
 * @throws MillraceError with the code of the first item that failed; `context.items` is the JSON of all of them.
 */
export async function requireReady(
  sink: string,
  table: Table,
  to: Destination,
  options: ResolvedOptions,
  retries: Retries,
  signal: AbortSignal,
): Promise<void> {
  const { items } = await look(table, to, options, retries, signal);
  for (const { status, name, message, fix } of items)
    if (status === "warning") publish("millrace:check:warning", { sink, table: table.name, name, message, fix });
  const failures = items.filter(({ status }) => status === "failed");
  const [first] = failures;
  if (!first) return;
  const more = failures.length > 1 ? ` (And ${failures.length - 1} more: see context.items.)` : "";
  throw new NotReadyError(
    /^(ingest-)?(dns|connection)$/.test(first.name),
    first.code ?? "INTERNAL",
    `Table ${table.name} at ${to.name} is not ready: ${first.name}: ${first.message}${first.fix === undefined ? "" : ` ${first.fix}`}${more}`,
    {
      retryable: first.retryable ?? false,
      context: { table: table.name, item: first.name, items: JSON.stringify(items) },
    },
  );
}

/** Somebody waits for the report, item by item. Opening a sink repeats a check that failed as long as other calls. */
const mostItemRetryMs = 10_000;

async function look(
  table: Table | string,
  to: Destination,
  options: ResolvedOptions,
  retries: Retries,
  signal: AbortSignal,
  onItem?: (item: CheckItem) => void,
): Promise<CheckReport> {
  if (!to.check) throw new MillraceError("BAD_OPTION", `The destination ${to.name} has nothing that could be checked.`);
  const { format, preset, batchSize, batchIntervalMs, clientBatchSizeLimit, deliveryGuarantee } = options;
  const name = typeof table === "string" ? table : table.name;
  const context: CheckContext = {
    table: name,
    columns: typeof table === "string" ? undefined : table.list,
    format,
    preset,
    batchSize,
    batchIntervalMs,
    clientBatchSizeLimit,
    isExactlyOnce: deliveryGuarantee === "exactly-once",
    signal,
    retries: { ...retries, retryTimeoutMs: Math.min(retries.retryTimeoutMs, mostItemRetryMs) },
  };
  const items: CheckItem[] = [];
  for await (const item of to.check(context)) {
    items.push(item);
    onItem?.(item);
  }
  if (signal.aborted) throw aborted(signal, `checking table ${name}`);
  return { isReady: items.every(({ status }) => status !== "failed"), items };
}
