import { badArgument, checkOptionalSignal } from "../../arguments.ts";
import type { Retry, RetryPolicy } from "../../deliver/backoff.ts";
import { MillraceError } from "../../errors.ts";
import { publish } from "../../events.ts";
import { refuseUnknownOptions } from "../../option-names.ts";
import { defaults } from "../../options.ts";
import { isKind } from "../../schema/kinds.ts";
import { type NamedColumn, type Table, tableOf } from "../../schema/table.ts";
import type { Answer } from "./answer.ts";
import { tokenSource } from "./auth.ts";
import { kustoClient } from "./client.ts";
import { connectionOf, type KustoOptions } from "./options.ts";
import { patience } from "./patience.ts";
import { type ActualColumn, tableColumns } from "./preflight.ts";
import { isRepeatable } from "./repeatable.ts";
import { scrubber } from "./scrub.ts";
import { assertTrusted } from "./trust.ts";

/** Commands and queries on one database, for the command line and for setting up tables. */
export interface KustoAdmin {
  /** Runs a management command, such as `.show tables`. */
  execute(csl: string, signal?: AbortSignal): Promise<Answer>;
  query(kql: string, signal?: AbortSignal): Promise<Answer>;
  /** The columns of a table in their order; undefined when there is no such table. */
  columns(table: string, signal?: AbortSignal): Promise<ActualColumn[] | undefined>;
  /**
   * The table as the cluster has it, every column optional, for programs that do not declare it.
   *
   * @throws MillraceError NOT_FOUND; BAD_SCHEMA for a column of a type that is not known here.
   */
  table(name: string, signal?: AbortSignal): Promise<Table>;
  close(): void;
}

/** How long, and how soon, the calls of {@link kustoAdmin} are repeated; in milliseconds. */
export interface AdminRetries {
  /** The first delay, doubled for each attempt. Default 200. */
  retryBaseMs?: number;
  /** The longest delay. Default 10 000. */
  retryMaxMs?: number;
  /** No further attempt of a call begins after this time. Default 300 000. */
  retryTimeoutMs?: number;
  /** The same, where nothing listens or the host is unknown, and nothing has answered yet. Default 30 000. */
  absentTimeoutMs?: number;
}

const { retryBaseMs, retryMaxMs, retryTimeoutMs } = defaults;
const retryDefaults: RetryPolicy = { retryBaseMs, retryMaxMs, retryTimeoutMs };

/** No sink, table or batch: it is told what is done again. */
function publishRetry(doing: string, { attempt, delayMs, error: { code, message } }: Retry): void {
  publish("millrace:retry", { sink: "", table: "", batch: "", stage: doing, attempt, delayMs, code, message });
}

/**
 * Connects to the engine endpoint with the options of {@link kusto}.
 *
 * @throws MillraceError BAD_OPTION, UNTRUSTED_HOST, UNAUTHENTICATED, UNREACHABLE; its calls throw what the service
 *   answered, such as NOT_FOUND or BAD_REQUEST with the service's own words.
 * @param signal ends the login, now and at a later call; each call takes a signal of its own for itself.
 * @param retries a call whose answer is lost or says "try again" is made again until the time is over, and each retry is
 *   told on `millrace:retry`. A command that appends, moves, renames or drops is made again only where it has surely not been
 *   run. `retryTimeoutMs: 0` makes each call once.
 */
export async function kustoAdmin(
  options: KustoOptions,
  signal?: AbortSignal,
  retries: AdminRetries = {},
): Promise<KustoAdmin> {
  const connection = connectionOf(options, "kustoAdmin()");
  checkOptionalSignal("kustoAdmin()", "signal", signal);
  checkRetries(retries);
  await assertTrusted(connection);
  const never = new AbortController().signal;
  const scrub = scrubber(options.appKey, options.certificate);
  const patient = patience({ ...retryDefaults, ...retries, onRetry: publishRetry });
  const login = () => tokenSource(connection, scrub, signal ?? never);
  const tokens = await patient.repeat("asking for the login", signal ?? never, login);
  const client = patient.client(
    await kustoClient(connection.engineUrl, tokens, connection.requestTimeoutMs, scrub),
    isRepeatable,
  );
  const { database } = connection;
  return {
    execute: (csl, own = never) => client.execute(database, csl, own),
    query: (kql, own = never) => client.query(database, kql, own),
    columns: (table, own = never) => tableColumns(client, database, table, own),
    async table(name, own = never) {
      const columns = await tableColumns(client, database, name, own);
      if (columns) return tableOf(name, columns.map(asColumn));
      throw new MillraceError("NOT_FOUND", `Table ${name} does not exist in database ${database}.`, {
        context: { table: name, database },
      });
    },
    close: () => client.close(),
  };
}

function asColumn({ name, type }: ActualColumn): NamedColumn {
  if (isKind(type)) return { name, kind: type, isOptional: true };
  throw new MillraceError("BAD_SCHEMA", `Column ${name} has the type ${type}, which is not known here.`);
}

const retryNames = ["retryBaseMs", "retryMaxMs", "retryTimeoutMs", "absentTimeoutMs"] as const;

function checkRetries(retries: AdminRetries): void {
  refuseUnknownOptions("kustoAdmin()", retries, retryNames);
  for (const name of retryNames) {
    const value = retries[name];
    if (value !== undefined && !(typeof value === "number" && value >= 0))
      throw badArgument("kustoAdmin()", name, value, "a number of milliseconds");
  }
}
