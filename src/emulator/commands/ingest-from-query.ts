import type { DuckDBConnection } from "@duckdb/node-api";
import { throwIfAborted } from "../../errors.ts";
import {
  changeTable,
  createTable,
  dropTable,
  givenOnly,
  mergeColumns,
  type NewColumn,
  physicalTable,
  tableOf,
} from "../engine/catalogue.ts";
import type { Extent, StoredColumn, StoredTable } from "../engine/entities.ts";
import { inTransaction, nextLoad, recordExtent } from "../engine/extents.ts";
import type { OperationResult } from "../engine/operations.ts";
import { extentColumn, extentTable } from "../engine/physical.ts";
import { saveTable } from "../engine/saved.ts";
import { refuseIfThere } from "../ingest/load.ts";
import type { Relation } from "../kql/relation.ts";
import { refusedByStore } from "../kql/run-query.ts";
import type { SyntaxNode } from "../kql/tree.ts";
import { entityExists, KustoError } from "../kusto-error.ts";
import { scopeOfTable } from "../security/roles.ts";
import type { Command, CommandContext } from "./command.ts";
import { logged } from "./operations.ts";
import {
  datetimeProperty,
  isTrue,
  listProperty,
  propertiesOf,
  queryIn,
  refuseOtherProperties,
  type Span,
  tableName,
} from "./syntax.ts";

/** The four commands that ingest what a query yields differ in what they do with a table, or with none. */
interface Verb {
  readonly kind: string;
  readonly creates: boolean;
  readonly takesExisting: boolean;
  readonly replaces: boolean;
}

interface Ingesting {
  readonly query: Span;
  readonly tags: readonly string[];
  readonly ifNotExists: readonly string[];
  readonly createdOn: bigint | undefined;
  readonly extendsSchema: boolean;
  readonly recreatesSchema: boolean;
  readonly replaces: boolean;
  readonly folder: string | undefined;
  readonly docString: string | undefined;
}

const known = [
  "creationtime",
  "distributed",
  "docstring",
  "extend_schema",
  "folder",
  "ingestifnotexists",
  "persistdetails",
  "policy_ingestiontime",
  "recreate_schema",
  "tags",
];

/** As the service answers and its documentation shows; the parser's list has other names for two of the sizes. */
const columns: OperationResult["columns"] = [
  { name: "ExtentId", kind: "guid" },
  { name: "OriginalSize", kind: "real" },
  { name: "ExtentSize", kind: "real" },
  { name: "CompressedSize", kind: "real" },
  { name: "IndexSize", kind: "real" },
  { name: "RowCount", kind: "long" },
];

const ingestFromQuery = (verb: Verb): Command =>
  logged({
    kind: verb.kind,
    isCancellable: true,
    async act(node, context, signal) {
      const how = ingestingOf(node, verb);
      const name = tableName(node);
      const present = context.database.tables.get(name);
      if (present && !verb.takesExisting) throw entityExists("Table", name);
      if (!present && !verb.creates) tableOf(context.database, name);
      const table = present ?? (await newTable(name, context, how));
      try {
        const extent = await ingestInto(table, context, how, signal);
        const texts = givenOnly({ folder: how.folder, docString: how.docString });
        if (Object.keys(texts).length > 0)
          await changeTable(context.catalogue, context.database, table, () => ({ change: texts }));
        return { columns, rows: extent ? [rowOf(extent)] : [] };
      } catch (error) {
        if (!present && !table.dropped) await dropTable(context.catalogue, context.database, table);
        throw error;
      }
    },
  });

function ingestingOf(node: SyntaxNode, { replaces }: Verb): Ingesting {
  const properties = propertiesOf(node);
  refuseOtherProperties(properties, known);
  if (properties.has("policy_ingestiontime") && !isTrue(properties.get("policy_ingestiontime")))
    throw new KustoError("A table without ingestion times is not supported by this emulator: policy_ingestiontime.");
  return {
    query: queryIn(node),
    tags: listProperty(properties, "tags"),
    ifNotExists: listProperty(properties, "ingestIfNotExists"),
    createdOn: datetimeProperty(properties, "creationTime"),
    extendsSchema: isTrue(properties.get("extend_schema")),
    recreatesSchema: replaces && isTrue(properties.get("recreate_schema")),
    replaces,
    folder: properties.get("folder"),
    docString: properties.get("docstring"),
  };
}

async function newTable(name: string, context: CommandContext, { query }: Ingesting): Promise<StoredTable> {
  const relation = await context.query(query);
  const table = await createTable(context.catalogue, context.database, name, newColumns(relation));
  await context.access?.own(context.database, scopeOfTable(table));
  return table;
}

const newColumns = (relation: Relation): NewColumn[] => relation.columns.map(({ name, kind }) => ({ name, kind }));

async function ingestInto(
  table: StoredTable,
  context: CommandContext,
  how: Ingesting,
  signal: AbortSignal,
): Promise<Extent | undefined> {
  const { catalogue } = context;
  if (how.extendsSchema && !how.recreatesSchema) await extend(table, context, how);
  return inTransaction(catalogue, [table], async (connection) => {
    const interrupt = () => connection.interrupt();
    signal.addEventListener("abort", interrupt, { once: true });
    try {
      throwIfAborted(signal, "ingesting from a query");
      refuseIfThere(table, how.ifNotExists);
      const relation = await context.query(how.query);
      const shape = how.recreatesSchema ? await recreated(table, relation, context, connection) : undefined;
      const { physical, columns: targets } = shape ?? table;
      refuseOtherSchema(relation, targets);
      // The old rows go last: the query may read them.
      const load = nextLoad(catalogue);
      const extent = await insert(relation, physical, targets, context, how, load, connection);
      if (how.replaces) await connection.run(`DELETE FROM ${extentTable} WHERE n IN (${loadsIn(table)})`);
      if (how.replaces && !shape) await connection.run(`DELETE FROM ${physical} WHERE ${extentColumn} <> ${load}`);
      if (shape) await connection.run(`DROP TABLE ${table.physical}`);
      if (shape && catalogue.store.isDurable) await saveTable(connection, context.database, { ...table, ...shape });
      throwIfAborted(signal, "ingesting from a query");
      return {
        result: extent,
        apply() {
          if (how.replaces) table.extents.clear();
          if (extent) table.extents.set(extent.id, extent);
          if (!shape) return;
          [table.physical, table.columns] = [shape.physical, shape.columns];
          catalogue.version++;
        },
      };
    } finally {
      signal.removeEventListener("abort", interrupt);
    }
  });
}

const loadsIn = (table: StoredTable) => [-1, ...[...table.extents.values()].flatMap(({ loads }) => loads)].join(", ");

async function insert(
  relation: Relation,
  physical: string,
  targets: readonly StoredColumn[],
  { catalogue }: CommandContext,
  { tags, createdOn }: Ingesting,
  load: number,
  connection: DuckDBConnection,
): Promise<Extent | undefined> {
  const into = [...targets.map((column) => column.physical), extentColumn].join(", ");
  const values = [...relation.columns.map(({ sql }) => sql), load].join(", ");
  const order = relation.order ? ` ORDER BY ${relation.order}` : "";
  try {
    await connection.run(`INSERT INTO ${physical} (${into}) SELECT ${values} FROM (${relation.sql})${order}`);
  } catch (error) {
    throw refusedByStore(error);
  }
  // As the rows would be in CSV: the service, too, tells the size of what it would have had to read.
  const lengths = targets.map((column) => `coalesce(strlen(CAST(${column.physical} AS VARCHAR)), 0) + 1`);
  const counted = await connection.runAndReadAll(
    `SELECT count(*), sum(${lengths.join(" + ") || "1"}) FROM ${physical} WHERE ${extentColumn} = ${load}`,
  );
  const [rows, bytes] = counted.getRows()[0]!.map(Number) as [number, number];
  if (rows === 0) return undefined;
  return recordExtent(catalogue, connection, load, {
    rows,
    originalBytes: bytes,
    packedBytes: bytes,
    tags,
    createdOn,
  });
}

/** The types must be the table's, in their order; names do not matter, and nothing is widened. */
function refuseOtherSchema(relation: Relation, targets: readonly StoredColumn[]): void {
  const types = (list: readonly { readonly kind: string }[]) => list.map(({ kind }) => kind).join(",");
  const [from, to] = [types(relation.columns), types(targets)];
  if (from !== to)
    throw new KustoError(`Query schema does not match table schema. QuerySchema=('${from}'), TableSchema=('${to}').`);
}

/** Adds the columns that the query has beyond those of the table. */
async function extend(table: StoredTable, context: CommandContext, { query }: Ingesting): Promise<void> {
  const relation = await context.query(query);
  if (relation.columns.length <= table.columns.length) return;
  context.access?.mayTable(context.database, table, "administer", "extend the schema of");
  refuseOtherSchema({ ...relation, columns: relation.columns.slice(0, table.columns.length) }, table.columns);
  const more = newColumns(relation).slice(table.columns.length);
  const present = new Set(table.columns.map(({ name }) => name));
  for (const { name } of more)
    if (present.has(name))
      throw new KustoError(`Column '${name}' is in table '${table.name}' already, at another place than in the query.`);
  await mergeColumns(context.catalogue, context.database, table, more);
}

/** A physical table of the query's columns in the place of the old one. */
async function recreated(
  table: StoredTable,
  relation: Relation,
  { catalogue }: CommandContext,
  connection: DuckDBConnection,
): Promise<{ physical: string; columns: StoredColumn[] } | undefined> {
  const columnsOf = (list: readonly NewColumn[]) => list.map(({ name, kind }) => `${name}:${kind}`).join("\n");
  if (columnsOf(relation.columns) === columnsOf(table.columns)) return undefined;
  const physical = `t${catalogue.nextPhysical++}`;
  const fresh = newColumns(relation).map((column, index) => ({ ...column, physical: `c${index}` }));
  await connection.run(physicalTable(physical, fresh));
  return { physical, columns: fresh };
}

function rowOf(extent: Extent): OperationResult["rows"][number] {
  return [extent.id, extent.originalBytes, extent.packedBytes, extent.packedBytes, 0, BigInt(extent.rows)];
}

export const queryIngestionCommands: Readonly<Record<string, Command>> = {
  AppendTable: ingestFromQuery({ kind: "TableAppend", creates: false, takesExisting: true, replaces: false }),
  SetOrAppendTable: ingestFromQuery({ kind: "TableSetOrAppend", creates: true, takesExisting: true, replaces: false }),
  SetOrReplaceTable: ingestFromQuery({ kind: "TableSetOrReplace", creates: true, takesExisting: true, replaces: true }),
  SetTable: ingestFromQuery({ kind: "TableSet", creates: true, takesExisting: false, replaces: false }),
};
