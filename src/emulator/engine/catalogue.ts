import { randomUUID } from "node:crypto";
import type { Kind } from "../../schema/kinds.ts";
import type { MappingEntry } from "../ingest/mapping.ts";
import { entityExists, entityNotFound, KustoError } from "../kusto-error.ts";
import { createClock, type EngineClock } from "./clock.ts";
import type { Extent } from "./extents.ts";
import { createOperations, type Operations } from "./operations.ts";
import { extentColumn, extentTable, physicalType } from "./physical.ts";
import type { Store } from "./store.ts";

/** What exists: databases, tables, mappings, extents. Plain data; the rows themselves lie in the store. */
export interface Catalogue {
  readonly store: Store;
  readonly clock: EngineClock;
  readonly operations: Operations;
  readonly databases: Map<string, Database>;
  /** Rises with every change of a schema: what was derived from an older one is stale. */
  version: number;
  nextPhysical: number;
  nextExtent: number;
}

export interface Database {
  readonly name: string;
  readonly id: string;
  readonly tables: Map<string, StoredTable>;
  /** JSON text by the policy's name, as commands spell it: `merge`, `ingestionbatching`. */
  readonly policies: Map<string, string>;
  /** Stored functions by name: who changes them raises the catalogue's version. */
  readonly functions: Map<string, StoredFunction>;
}

/** A function of the user's, as `.create function` gives it: the texts go to Kusto's parser as they are. */
export interface StoredFunction {
  readonly name: string;
  /** `(a:long, T:(x:string))` */
  readonly parameters: string;
  /** `{ T | where x == a }` */
  readonly body: string;
  readonly folder: string;
  readonly docString: string;
}

export interface StoredTable {
  name: string;
  readonly id: string;
  physical: string;
  columns: StoredColumn[];
  folder: string;
  docString: string;
  /** By kind and name: `csv/m1`. */
  readonly mappings: Map<string, StoredMapping>;
  /** As those of the database, which hold where the table has none of its own. */
  readonly policies: Map<string, string>;
  /** By id. Changed in one go, when the store has taken the change. */
  readonly extents: Map<string, Extent>;
  /** The end of the queue of those who change this table's rows. */
  last: Promise<unknown>;
  dropped: boolean;
}

export interface StoredColumn {
  readonly name: string;
  readonly kind: Kind;
  readonly physical: string;
}

export interface StoredMapping {
  readonly kind: string;
  readonly name: string;
  readonly text: string;
  readonly entries: readonly MappingEntry[];
  readonly updatedOn: bigint;
}

export function createCatalogue(
  store: Store,
  databaseNames: readonly string[],
  clock: EngineClock = createClock(),
): Catalogue {
  const databases = new Map<string, Database>();
  for (const name of databaseNames)
    databases.set(name.toLowerCase(), {
      name,
      id: randomUUID(),
      tables: new Map(),
      policies: new Map(),
      functions: new Map(),
    });
  const operations = createOperations(clock);
  return { store, clock, operations, databases, version: 0, nextPhysical: 1, nextExtent: 1 };
}

/** Database names are the one kind of name whose case does not matter (documentation, "Entity names"). */
export function databaseOf(catalogue: Catalogue, name: string): Database {
  const found = catalogue.databases.get(name.toLowerCase());
  if (found) return found;
  throw new KustoError(
    `Entity ID '${name}' of kind 'Database' was not found. This emulator serves: ${[...catalogue.databases.values()]
      .map((database) => database.name)
      .join(", ")}; ask for others by the option 'databases'.`,
    { code: "BadRequest_DatabaseNotExist", type: "Kusto.Data.Exceptions.DatabaseNotFoundException" },
  );
}

export function tableOf(database: Database, name: string): StoredTable {
  const found = database.tables.get(name);
  if (!found) throw entityNotFound("Table", name);
  return found;
}

/** The SQL that makes a physical table for columns. */
export function physicalTable(physical: string, columns: readonly StoredColumn[]): string {
  return `CREATE TABLE ${physical} (${[...columns.map(definition), `${extentColumn} INTEGER`].join(", ")})`;
}

export interface NewColumn {
  readonly name: string;
  readonly kind: Kind;
}

export interface TableTexts {
  readonly folder?: string | undefined;
  readonly docString?: string | undefined;
}

function checkColumns(columns: readonly NewColumn[]): void {
  const seen = new Set<string>();
  for (const { name } of columns) {
    if (seen.has(name)) throw new KustoError(`Column '${name}' is defined more than once.`);
    seen.add(name);
  }
}

/** A new column of strings is empty in the old rows, for Kusto has no null string. */
const definition = (column: StoredColumn) =>
  `${column.physical} ${physicalType[column.kind]}${column.kind === "string" ? " DEFAULT ''" : ""}`;

export async function createTable(
  catalogue: Catalogue,
  database: Database,
  name: string,
  columns: readonly NewColumn[],
  texts: TableTexts = {},
): Promise<StoredTable> {
  if (database.tables.has(name)) throw entityExists("Table", name);
  checkColumns(columns);
  const table: StoredTable = {
    name,
    id: randomUUID(),
    physical: `t${catalogue.nextPhysical++}`,
    columns: columns.map((column, index) => ({ ...column, physical: `c${index}` })),
    folder: texts.folder ?? "",
    docString: texts.docString ?? "",
    mappings: new Map(),
    policies: new Map(),
    extents: new Map(),
    last: Promise.resolve(),
    dropped: false,
  };
  // The name is taken at once, so that two creators cannot both get through the await.
  database.tables.set(name, table);
  catalogue.version++;
  try {
    await catalogue.store.change(physicalTable(table.physical, table.columns));
  } catch (error) {
    database.tables.delete(name);
    throw error;
  }
  return table;
}

/** Adds the columns that the table does not have yet; one of another type is refused. */
export async function mergeColumns(
  catalogue: Catalogue,
  table: StoredTable,
  columns: readonly NewColumn[],
): Promise<void> {
  checkColumns(columns);
  for (const column of columns) {
    const present = table.columns.find(({ name }) => name === column.name);
    if (present && present.kind !== column.kind)
      throw new KustoError(
        `Column '${column.name}' already exists in table '${table.name}' with type '${present.kind}', which is not '${column.kind}'.`,
        { code: "BadRequest_ColumnTypeMismatch" },
      );
  }
  const missing = columns.filter((column) => !table.columns.some(({ name }) => name === column.name));
  await alone(table, async () => {
    for (const { name, kind } of missing) {
      const column: StoredColumn = { name, kind, physical: `c${table.columns.length}` };
      await catalogue.store.change(`ALTER TABLE ${table.physical} ADD COLUMN ${definition(column)}`);
      table.columns = [...table.columns, column];
      catalogue.version++;
    }
  });
}

export async function dropTable(catalogue: Catalogue, database: Database, table: StoredTable): Promise<void> {
  database.tables.delete(table.name);
  table.dropped = true;
  catalogue.version++;
  await alone(table, async () => {
    await catalogue.store.transaction(async (connection) => {
      await connection.run(`DELETE FROM ${extentTable} WHERE n IN (SELECT ${extentColumn} FROM ${table.physical})`);
      await connection.run(`DROP TABLE ${table.physical}`);
    });
    table.extents.clear();
  });
}

export async function clearTable(catalogue: Catalogue, table: StoredTable): Promise<void> {
  await alone(table, async () => {
    await catalogue.store.transaction(async (connection) => {
      await connection.run(`DELETE FROM ${extentTable} WHERE n IN (SELECT ${extentColumn} FROM ${table.physical})`);
      await connection.run(`DELETE FROM ${table.physical}`);
    });
    table.extents.clear();
  });
}

/** Runs `act` when nobody else changes the rows of this table. */
export function alone<T>(table: StoredTable, act: () => Promise<T>): Promise<T> {
  const run = table.last.then(act);
  table.last = run.catch(() => {});
  return run;
}

/** Runs `act` when nobody else changes the rows of these tables; taken in one order by all, so that nobody waits in a ring. */
export function together<T>(tables: readonly StoredTable[], act: () => Promise<T>): Promise<T> {
  const inOrder = [...new Set(tables)].sort((a, b) => (a.id < b.id ? -1 : 1));
  return inOrder.reduceRight<() => Promise<T>>((next, table) => () => alone(table, next), act)();
}

/** The policy that holds for a table, as JSON text; undefined where neither it nor its database has one. */
export function policyOf(database: Database, table: StoredTable, kind: string): string | undefined {
  return table.policies.get(kind) ?? database.policies.get(kind);
}
