import { randomUUID } from "node:crypto";
import type { Kind } from "../../schema/kinds.ts";
import type { MappingEntry } from "../ingest/mapping.ts";
import { entityExists, entityNotFound, KustoError } from "../kusto-error.ts";
import { extentColumn, physicalType } from "./physical.ts";
import type { Store } from "./store.ts";
import { nowTicks } from "./ticks.ts";

/** What exists: databases, tables, mappings, extents. Plain data; the rows themselves lie in the store. */
export interface Catalogue {
  readonly store: Store;
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
}

export interface StoredTable {
  name: string;
  readonly id: string;
  readonly physical: string;
  columns: StoredColumn[];
  folder: string;
  docString: string;
  /** By kind and name: `csv/m1`. */
  readonly mappings: Map<string, StoredMapping>;
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

export interface Extent {
  readonly id: string;
  /** What the hidden column of its rows says. */
  readonly number: number;
  rows: number;
  /** Uncompressed bytes that came in. */
  originalBytes: number;
  tags: readonly string[];
  readonly createdOn: bigint;
}

export function createCatalogue(store: Store, databaseNames: readonly string[]): Catalogue {
  const databases = new Map<string, Database>();
  for (const name of databaseNames) databases.set(name.toLowerCase(), { name, id: randomUUID(), tables: new Map() });
  return { store, databases, version: 0, nextPhysical: 1, nextExtent: 1 };
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
    extents: new Map(),
    last: Promise.resolve(),
    dropped: false,
  };
  // The name is taken at once, so that two creators cannot both get through the await.
  database.tables.set(name, table);
  catalogue.version++;
  try {
    const all = [...table.columns.map(definition), `${extentColumn} INTEGER`];
    await catalogue.store.change(`CREATE TABLE ${table.physical} (${all.join(", ")})`);
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
  await alone(table, () => catalogue.store.change(`DROP TABLE ${table.physical}`));
}

export async function clearTable(catalogue: Catalogue, table: StoredTable): Promise<void> {
  await alone(table, async () => {
    await catalogue.store.change(`DELETE FROM ${table.physical}`);
    table.extents.clear();
  });
}

/** Runs `act` when nobody else changes the rows of this table. */
export function alone<T>(table: StoredTable, act: () => Promise<T>): Promise<T> {
  const run = table.last.then(act);
  table.last = run.catch(() => {});
  return run;
}

export function newExtent(catalogue: Catalogue, tags: readonly string[]): Extent {
  return { id: randomUUID(), number: catalogue.nextExtent++, rows: 0, originalBytes: 0, tags, createdOn: nowTicks() };
}
