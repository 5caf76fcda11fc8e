import { readFile } from "node:fs/promises";
import type { KustoAdmin } from "../connectors/kusto/admin.ts";
import { MillraceError, reasonOf } from "../errors.ts";
import { readSchema, type SchemaFile } from "../schema/file.ts";
import type { Inferred } from "../schema/infer.ts";
import { isKind } from "../schema/kinds.ts";
import { createMergeTableCommand } from "../schema/kql.ts";
import { columnNames, type Rename } from "../schema/names.ts";
import { type NamedColumn, type Table, tableOf } from "../schema/table.ts";

export interface Target {
  readonly table: Table;
  readonly renames: readonly Rename[];
  readonly isCreated: boolean;
}

export interface TargetRequest {
  readonly admin: KustoAdmin;
  readonly name: string;
  readonly database: string;
  /** The schema file, if one was given. */
  readonly schema: SchemaFile | undefined;
  readonly mayCreate: boolean;
  /** With an ingestion mapping the schema's order stands, not the table's. */
  readonly isMapped: boolean;
  /** Asked only when the table has to be made and there is no schema. */
  infer(): Promise<Inferred>;
  /** Field names of the records, for the columns that the table has. Asked only when the table exists and there is no schema. */
  fields(columns: readonly string[]): Promise<readonly string[]>;
  readonly signal: AbortSignal;
}

/**
 * The table to write to, in the cluster's own columns and order: made, if it is missing and may be made.
 *
 * @throws MillraceError NOT_FOUND with the way out, BAD_SCHEMA, or what the service says.
 */
export async function targetTable(request: TargetRequest): Promise<Target> {
  const { admin, name, schema, mayCreate, isMapped, signal } = request;
  const actual = await admin.columns(name, signal);
  if (actual && schema === undefined) return asItIs(request);
  if (!actual && !mayCreate) throw missing(request);

  const wanted = schema ? { table: tableOf(name, schema.columns), renames: schema.renames } : await request.infer();
  if (mayCreate) await admin.execute(createMergeTableCommand(wanted.table), signal);
  else if (isMapped) return { ...wanted, isCreated: false };
  const now = mayCreate ? await admin.columns(name, signal) : actual;
  return { table: inOrderOf(wanted.table, now ?? [], request), renames: wanted.renames, isCreated: !actual };
}

/** The table says what it takes; only the names of the data may have to be found. */
async function asItIs({ admin, name, fields, signal }: TargetRequest): Promise<Target> {
  const table = await admin.table(name, signal);
  const columns = new Set(table.list.map((c) => c.name));
  const given = await fields([...columns]);
  const fieldsGiven = new Set(given);
  const renames = columnNames(given).renames.filter((r) => columns.has(r.column) && !fieldsGiven.has(r.column));
  return { table, renames, isCreated: false };
}

interface Columns {
  readonly name: string;
  readonly type: string;
}

function kindOf(table: string, { name, type }: Columns) {
  if (isKind(type)) return type;
  throw new MillraceError(
    "BAD_SCHEMA",
    `Table ${table}: column ${name} has the type ${type}, which is not known here.`,
  );
}

/** The wanted table in the order of the actual one, whose further columns stay empty: CSV rows go by order. */
function inOrderOf(wanted: Table, actual: readonly Columns[], { database }: TargetRequest): Table {
  const kinds = new Map(wanted.list.map((c) => [c.name, c]));
  const list = actual.map((c): NamedColumn => {
    const own = kinds.get(c.name);
    if (own && own.kind !== c.type)
      throw new MillraceError(
        "BAD_SCHEMA",
        `Table ${wanted.name} in database ${database}: column ${c.name} is ${c.type}, and the schema says ${own.kind}.`,
      );
    kinds.delete(c.name);
    return own ?? { name: c.name, kind: kindOf(wanted.name, c), isOptional: true };
  });
  const [lacking] = kinds.keys();
  if (lacking !== undefined)
    throw new MillraceError(
      "BAD_SCHEMA",
      `Table ${wanted.name} in database ${database} has no column ${lacking}; millrace ingest --create-table adds it.`,
    );
  return tableOf(wanted.name, list);
}

function missing({ name, database, schema }: TargetRequest): MillraceError {
  const way = schema
    ? "--create-table makes it from the schema"
    : "--create-table makes it from what the files hold (see `millrace schema FILE`)";
  return new MillraceError("NOT_FOUND", `Table ${name} does not exist in database ${database}; ${way}.`, {
    context: { table: name, database },
  });
}

export async function readSchemaFile(path: string): Promise<SchemaFile> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new MillraceError("BAD_SOURCE", `Cannot read the schema ${path}: ${reasonOf(error)}`, { cause: error });
  }
  return readSchema(text, path);
}
