import { MillraceError } from "../../errors.ts";
import { isKind } from "../../schema/kinds.ts";
import { type NamedColumn, type Table, tableOf } from "../../schema/table.ts";
import type { Answer } from "./answer.ts";
import { tokenSource } from "./auth.ts";
import { kustoClient } from "./client.ts";
import { connectionOf, type KustoOptions } from "./options.ts";
import { type ActualColumn, tableColumns } from "./preflight.ts";
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

/**
 * Connects to the engine endpoint with the options of {@link kusto}.
 *
 * @throws MillraceError BAD_OPTION, UNTRUSTED_HOST, UNAUTHENTICATED, UNREACHABLE; its calls throw what the service
 *   answered, such as NOT_FOUND or BAD_REQUEST with the service's own words.
 * @param signal ends the login, now and at a later call; each call takes a signal of its own for itself.
 */
export async function kustoAdmin(options: KustoOptions, signal?: AbortSignal): Promise<KustoAdmin> {
  const connection = connectionOf(options);
  await assertTrusted(connection);
  const never = new AbortController().signal;
  const scrub = scrubber(options.appKey, options.certificate);
  const tokens = await tokenSource(connection, scrub, signal ?? never);
  const client = await kustoClient(connection.engineUrl, tokens, connection.requestTimeoutMs, scrub);
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
