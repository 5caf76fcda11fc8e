import type { DestinationContext } from "../../destination/destination.ts";
import { isCode, MillraceError } from "../../errors.ts";
import { type MappingKind, quoteName } from "../../schema/kql.ts";
import type { NamedColumn, Table } from "../../schema/table.ts";
import { columnOf } from "./answer.ts";
import { textOf } from "./check/policy.ts";
import type { KustoClient } from "./client.ts";
import type { Connection } from "./connection.ts";
import { callFailure, readAnswer } from "./errors.ts";

/**
 * Checks, before the first record, what the service would otherwise discover per batch, or never: a missing table or
 * mapping fails each batch, and a column in the wrong place becomes nulls without a word. A principal that may ingest but
 * not look is let through unchecked, and so is a service that does not know the commands.
 *
 * @throws MillraceError NOT_FOUND, BAD_SCHEMA.
 */
export async function preflight(
  engine: KustoClient,
  { database, ingestion }: Pick<Connection, "database" | "ingestion">,
  { table, format, signal }: DestinationContext,
): Promise<void> {
  const mapping = ingestion.ingestionMappingRef;
  await Promise.all([
    checkTable(engine, database, table, format, mapping !== undefined, signal),
    mapping !== undefined && checkMapping(engine, database, table.name, format, mapping, signal),
  ]);
}

async function checkTable(
  engine: KustoClient,
  database: string,
  table: Table,
  format: DestinationContext["format"],
  isMapped: boolean,
  signal: AbortSignal,
): Promise<void> {
  const actual = await ifVisible(tableColumns(engine, database, table.name, signal));
  if (actual === "hidden") return;
  if (actual === undefined)
    throw new MillraceError(
      "NOT_FOUND",
      `Table ${table.name} does not exist in database ${database}; create it with the command from createMergeTableCommand(table), or by \`millrace ingest --create-table\`.`,
      { context: { table: table.name, database } },
    );
  if (isMapped) return;
  const objection = format === "csv" ? orderObjection(table.list, actual) : nameObjection(table.list, actual);
  if (objection)
    throw new MillraceError("BAD_SCHEMA", `Table ${table.name} in database ${database}: ${objection}`, {
      context: { table: table.name, database },
    });
}

/** Without a mapping, the n-th CSV field goes to the n-th column, whatever it is called. */
function orderObjection(declared: readonly NamedColumn[], actual: readonly ActualColumn[]): string | undefined {
  for (const [i, column] of declared.entries()) {
    const there = actual[i];
    if (there && there.name === column.name && there.type === column.kind) continue;
    const found = there ? `has ${there.name}:${there.type} there` : `has only ${actual.length} columns`;
    return `column ${i + 1} is declared as ${column.name}:${column.kind}, but the table ${found}; CSV goes by order, so declare the columns in the table's order, use format "ndjson", or name an ingestionMappingRef.`;
  }
  return undefined;
}

/** Without a mapping, a JSON member goes to the column of its name; one without a column would be dropped. */
function nameObjection(declared: readonly NamedColumn[], actual: readonly ActualColumn[]): string | undefined {
  const byName = new Map(actual.map((column) => [column.name, column]));
  for (const column of declared) {
    const there = byName.get(column.name);
    if (there?.type === column.kind) continue;
    const found = there ? `is ${there.type} in the table` : "is not in the table";
    return `column ${column.name}:${column.kind} ${found}; change one of them, or name an ingestionMappingRef.`;
  }
  return undefined;
}

/** A column as the cluster has it. */
export interface ActualColumn {
  readonly name: string;
  /** Kusto's scalar type by its first name. */
  readonly type: string;
}

/** The columns of a table in the database; undefined when there is no such table. */
export async function tableColumns(
  engine: KustoClient,
  database: string,
  table: string,
  signal: AbortSignal,
): Promise<ActualColumn[] | undefined> {
  try {
    const answer = await engine.execute(database, `.show table ${quoteName(table)} schema as json`, signal);
    const [text] = columnOf(answer, "Schema");
    // The SDK's servers send it as text; a dynamic would come as JSON already.
    return columnsOf(textOf(text));
  } catch (error) {
    if (error instanceof MillraceError && saysTableIsMissing(error)) return undefined;
    throw error;
  }
}

/**
 * A 404 without Kusto's own code comes from a wrong address, and "of kind 'Database'" means the database. A service that
 * binds names before it runs a command calls the table, the only name in it, unresolved: SEM0100.
 */
function saysTableIsMissing(error: MillraceError): boolean {
  const { code, message } = error;
  if (code === "BAD_REQUEST") return message.includes("SEM0100");
  return code === "NOT_FOUND" && callFailure(error)?.serviceCode !== undefined && !message.includes("kind 'Database'");
}

/** `{"Name","OrderedColumns":[{"Name","Type","CslType"}]}`, in the order of the table. */
function columnsOf(schema: string): ActualColumn[] {
  return readAnswer("Reading the table's schema", () => {
    const { OrderedColumns: columns } = JSON.parse(schema) as { OrderedColumns: { Name: string; CslType: string }[] };
    return columns.map(({ Name, CslType }) => ({ name: Name, type: CslType }));
  });
}

async function checkMapping(
  engine: KustoClient,
  database: string,
  table: string,
  format: DestinationContext["format"],
  mapping: string,
  signal: AbortSignal,
): Promise<void> {
  const kind = format === "csv" ? "csv" : "json";
  const places = [`table ${quoteName(table)}`, `database ${quoteName(database)}`];
  for (const place of places) {
    const found = await ifVisible(mappingsAt(engine, database, place, kind, signal));
    if (found === "hidden" || found.some(({ name }) => name === mapping)) return;
  }
  throw new MillraceError(
    "NOT_FOUND",
    `Table ${table} in database ${database} has no ingestion ${kind} mapping named ${mapping}; create it with .create table ${quoteName(table)} ingestion ${kind} mapping, or leave ingestionMappingRef out.`,
    { context: { table, database, mapping } },
  );
}

export interface NamedMapping {
  readonly name: string;
  /** As the service gives it: JSON as text, or the value. */
  readonly mapping: unknown;
}

/** The ingestion mappings of a `table ['T']` or a `database ['D']`. */
export async function mappingsAt(
  engine: KustoClient,
  database: string,
  place: string,
  kind: MappingKind,
  signal: AbortSignal,
): Promise<NamedMapping[]> {
  try {
    const answer = await engine.execute(database, `.show ${place} ingestion ${kind} mappings`, signal);
    const mappings = columnOf(answer, "Mapping");
    return columnOf(answer, "Name").map((name, i) => ({ name: String(name), mapping: mappings[i] }));
  } catch (error) {
    // No mappings at all may be told as "not found"; a table that is missing is reported by its own check.
    if (isCode(error, "NOT_FOUND", "BAD_REQUEST")) return [];
    throw error;
  }
}

async function ifVisible<T>(looking: Promise<T>): Promise<T | "hidden"> {
  try {
    return await looking;
  } catch (error) {
    if (isCode(error, "FORBIDDEN", "BAD_REQUEST")) return "hidden";
    throw error;
  }
}
