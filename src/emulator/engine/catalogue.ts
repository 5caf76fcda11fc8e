import { randomUUID } from "node:crypto";
import type { Kind } from "../../schema/kinds.ts";
import { entityExists, entityNotFound, KustoError } from "../kusto-error.ts";
import { createClock, type EngineClock } from "./clock.ts";
import type { Database, StoredColumn, StoredTable } from "./entities.ts";
import { createOperations, type OperationEntry, type Operations } from "./operations.ts";
import { extentColumn, extentTable, physicalType } from "./physical.ts";
import { forgetSaved, type Restored, restore, saveDatabase, savedOperation, saveTable } from "./saved.ts";
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

const nothing: Restored = { databases: new Map(), nextPhysical: 1, nextExtent: 1, operations: [] };

function catalogueOf(store: Store, clock: EngineClock, restored: Restored): Catalogue {
  const { operations: past, ...known } = restored;
  const keep = store.isDurable ? (entry: OperationEntry) => store.change(savedOperation(entry)) : undefined;
  return { store, clock, operations: createOperations(clock, { past, keep }), version: 0, ...known };
}

/** What an earlier run has left in the store, and the databases that are not there yet. */
export async function openCatalogue(
  store: Store,
  databaseNames: readonly string[],
  clock: EngineClock = createClock(),
): Promise<Catalogue> {
  const catalogue = catalogueOf(
    store,
    clock,
    store.isDurable ? await restore(store) : { ...nothing, databases: new Map() },
  );
  for (const name of databaseNames)
    if (!catalogue.databases.has(name.toLowerCase())) await createDatabase(catalogue, name);
  return catalogue;
}

/** A catalogue in memory, of databases that are empty. */
export function createCatalogue(
  store: Store,
  databaseNames: readonly string[],
  clock: EngineClock = createClock(),
): Catalogue {
  const catalogue = catalogueOf(store, clock, { ...nothing, databases: new Map() });
  for (const name of databaseNames) catalogue.databases.set(name.toLowerCase(), newDatabase(name));
  return catalogue;
}

function newDatabase(name: string): Database {
  return {
    ...{ name, id: randomUUID(), prettyName: "" },
    ...{ tables: new Map(), policies: new Map(), mappings: new Map(), functions: new Map() },
    roles: [],
  };
}

/** @throws KustoError where there is one of this name. */
export async function createDatabase(catalogue: Catalogue, name: string): Promise<Database> {
  const key = name.toLowerCase();
  if (catalogue.databases.has(key)) throw entityExists("Database", name);
  const database = newDatabase(name);
  catalogue.databases.set(key, database);
  catalogue.version++;
  try {
    if (catalogue.store.isDurable)
      await catalogue.store.transaction((connection) => saveDatabase(connection, database));
  } catch (error) {
    catalogue.databases.delete(key);
    throw error;
  }
  return database;
}

export async function dropDatabase(catalogue: Catalogue, database: Database): Promise<void> {
  catalogue.databases.delete(database.name.toLowerCase());
  catalogue.version++;
  for (const table of [...database.tables.values()]) await dropTable(catalogue, database, table);
  if (catalogue.store.isDurable)
    await catalogue.store.transaction((connection) => forgetSaved(connection, database.id));
}

export type DatabaseChange = Partial<Pick<Database, "prettyName" | "policies" | "mappings" | "functions" | "roles">>;

/** Changes what is known of a database; what to change is asked when its turn comes. Where the store cannot write it down, nothing has changed. */
export async function changeDatabase(
  catalogue: Catalogue,
  database: Database,
  changeOf: () => DatabaseChange,
): Promise<void> {
  if (!catalogue.store.isDurable) return applyTo(catalogue, database, changeOf());
  const before = changing.get(database) ?? Promise.resolve();
  const run = before.then(async () => {
    const change = changeOf();
    await catalogue.store.transaction((connection) => saveDatabase(connection, { ...database, ...change }));
    applyTo(catalogue, database, change);
  });
  changing.set(
    database,
    run.catch(() => {}),
  );
  return run;
}

/** The end of the queue of those who change a database: each writes the whole of it down. */
const changing = new WeakMap<Database, Promise<unknown>>();

function applyTo(catalogue: Catalogue, entity: Database | StoredTable, change: DatabaseChange | TableChange): void {
  Object.assign(entity, change);
  if ("functions" in change || "columns" in change) catalogue.version++;
}

export type TableChange = Partial<
  Pick<StoredTable, "columns" | "physical" | "folder" | "docString" | "isHidden" | "mappings" | "policies">
>;

/** Changes what is known of a table, and by `sql` its rows, in one transaction; what to change is asked when its turn comes. */
export function changeTable(
  catalogue: Catalogue,
  database: Database,
  table: StoredTable,
  changeOf: () => { readonly change: TableChange; readonly sql?: readonly string[] },
): Promise<void> {
  return alone(table, async () => {
    if (table.dropped) throw entityNotFound("Table", table.name);
    const { change, sql = [] } = changeOf();
    if (sql.length > 0 || catalogue.store.isDurable)
      await catalogue.store.transaction(async (connection) => {
        for (const statement of sql) await connection.run(statement);
        if (catalogue.store.isDurable) await saveTable(connection, database, { ...table, ...change });
      });
    applyTo(catalogue, table, change);
  });
}

/** Gives tables other names, all at once: names may be swapped. */
export function renameTables(
  catalogue: Catalogue,
  database: Database,
  names: ReadonlyMap<StoredTable, string>,
): Promise<void> {
  return together([...names.keys()], async () => {
    for (const [table, name] of names) {
      if (table.dropped) throw entityNotFound("Table", table.name);
      const present = database.tables.get(name);
      if (present && !names.has(present)) throw entityExists("Table", name);
    }
    if (new Set(names.values()).size < names.size) throw new KustoError("Two tables cannot be given the same name.");
    if (catalogue.store.isDurable)
      await catalogue.store.transaction(async (connection) => {
        for (const [table, name] of names) await saveTable(connection, database, { ...table, name });
      });
    const inOrder = [...database.tables.values()];
    for (const [table, name] of names) table.name = name;
    database.tables.clear();
    for (const table of inOrder) database.tables.set(table.name, table);
    catalogue.version++;
  });
}

/** Database names are the one kind of name whose case does not matter (documentation, "Entity names"). */
export function databaseOf(catalogue: Catalogue, name: string): Database {
  const found = catalogue.databases.get(name.toLowerCase());
  if (found) return found;
  throw new KustoError(
    `Entity ID '${name}' of kind 'Database' was not found. This emulator serves: ${[...catalogue.databases.values()]
      .map((database) => database.name)
      .join(", ")}; for others start it with the option 'databases' (--database).`,
    { code: "BadRequest_DatabaseNotExist", type: "Kusto.Data.Exceptions.DatabaseNotFoundException" },
  );
}

export function tableOf(database: Database, name: string): StoredTable {
  const found = database.tables.get(name);
  if (!found) throw entityNotFound("Table", name);
  return found;
}

/** The SQL that makes a physical table for columns; the hidden column comes first, for new columns come last. */
export function physicalTable(physical: string, columns: readonly StoredColumn[]): string {
  return `CREATE TABLE ${physical} (${[`${extentColumn} INTEGER`, ...columns.map(definition)].join(", ")})`;
}

const numberOf = ({ physical }: StoredColumn) => Number(physical.slice(1));

/** The columns as they lie in the store, behind the hidden one: commands that reorder a table's columns leave the rows alone. */
export const inPhysicalOrder = (columns: readonly StoredColumn[]): StoredColumn[] =>
  [...columns].sort((a, b) => numberOf(a) - numberOf(b));

export interface NewColumn {
  readonly name: string;
  readonly kind: Kind;
}

export interface TableTexts {
  readonly folder?: string | undefined;
  readonly docString?: string | undefined;
  readonly isHidden?: boolean | undefined;
}

/** The most columns of a table: DuckDB and the parser take seconds over more. */
export const mostColumns = 5_000;

export function checkColumns(columns: readonly NewColumn[]): void {
  const seen = new Set<string>();
  for (const { name } of columns) {
    if (seen.has(name)) throw new KustoError(`Column '${name}' is defined more than once.`);
    seen.add(name);
  }
}

/** A new column of strings is empty in the old rows, for Kusto has no null string. */
export const definition = (column: StoredColumn) =>
  `${column.physical} ${physicalType[column.kind]}${column.kind === "string" ? " DEFAULT ''" : ""}`;

export async function createTable(
  catalogue: Catalogue,
  database: Database,
  name: string,
  columns: readonly NewColumn[],
  texts: TableTexts & Pick<TableChange, "mappings" | "policies"> = {},
): Promise<StoredTable> {
  if (database.tables.has(name)) throw entityExists("Table", name);
  checkColumns(columns);
  refuseTooWide(name, columns.length);
  const table: StoredTable = {
    name,
    id: randomUUID(),
    physical: `t${catalogue.nextPhysical++}`,
    columns: freshColumns([], columns),
    folder: texts.folder ?? "",
    docString: texts.docString ?? "",
    isHidden: texts.isHidden ?? false,
    mappings: texts.mappings ?? new Map(),
    policies: texts.policies ?? new Map(),
    extents: new Map(),
    last: Promise.resolve(),
    dropped: false,
  };
  // The name is taken at once, so that two creators cannot both get through the await.
  database.tables.set(name, table);
  catalogue.version++;
  try {
    await catalogue.store.transaction(async (connection) => {
      await connection.run(physicalTable(table.physical, table.columns));
      if (catalogue.store.isDurable) await saveTable(connection, database, table);
    });
  } catch (error) {
    database.tables.delete(name);
    throw error;
  }
  return table;
}

/** Physical columns for new ones, beside those that the table has. */
export function freshColumns(present: readonly StoredColumn[], columns: readonly NewColumn[]): StoredColumn[] {
  const last = present.reduce((most, column) => Math.max(most, numberOf(column)), -1);
  return columns.map((column, index) => ({ ...column, physical: `c${last + 1 + index}` }));
}

/** Adds the columns that the table does not have yet, and sets its texts; a column of another type is refused. */
export async function mergeColumns(
  catalogue: Catalogue,
  database: Database,
  table: StoredTable,
  columns: readonly NewColumn[],
  texts: TableTexts = {},
): Promise<void> {
  checkColumns(columns);
  await changeTable(catalogue, database, table, () => {
    refuseOtherKinds(table, columns);
    const present = new Set(table.columns.map(({ name }) => name));
    const missing = columns.filter(({ name }) => !present.has(name));
    const fresh = freshColumns(table.columns, missing);
    refuseTooWide(table.name, table.columns.length + fresh.length);
    const columnsChange = fresh.length > 0 ? { columns: [...table.columns, ...fresh] } : {};
    return {
      change: { ...columnsChange, ...givenOnly(texts) },
      sql: columnChanges(table, { fresh }),
    };
  });
}

/** From how many on a table is written anew: each ALTER costs DuckDB as much as the table is wide, 4 ms and more of 2 600 columns. */
const manyChanges = 16;

/** The SQL that gives a physical table columns and takes others from it. */
export function columnChanges(
  { physical, columns }: StoredTable,
  { fresh = [], gone = [] }: { readonly fresh?: readonly StoredColumn[]; readonly gone?: readonly StoredColumn[] },
): string[] {
  if (fresh.length + gone.length < manyChanges)
    return [
      ...fresh.map((column) => `ALTER TABLE ${physical} ADD COLUMN ${definition(column)}`),
      ...gone.map((column) => `ALTER TABLE ${physical} DROP COLUMN ${column.physical}`),
    ];
  const lost = new Set(gone);
  const kept = inPhysicalOrder(columns.filter((column) => !lost.has(column)));
  const names = [extentColumn, ...kept.map((column) => column.physical)].join(", ");
  // Under the same name in the end: a query that was translated before finds it.
  return [
    physicalTable(`new_${physical}`, [...kept, ...fresh]),
    `INSERT INTO new_${physical} (${names}) SELECT ${names} FROM ${physical}`,
    `DROP TABLE ${physical}`,
    `ALTER TABLE new_${physical} RENAME TO ${physical}`,
  ];
}

function refuseTooWide(name: string, count: number): void {
  if (count > mostColumns)
    throw new KustoError(
      `Table '${name}' would have ${count} columns, more than ${mostColumns}. Keep sparse values in a column of type dynamic.`,
    );
}

/** Without the texts that a command does not name. */
export const givenOnly = (texts: TableTexts): TableChange =>
  Object.fromEntries(Object.entries(texts).filter(([, value]) => value !== undefined));

export function refuseOtherKinds(table: StoredTable, columns: readonly NewColumn[]): void {
  const byName = new Map(table.columns.map((column) => [column.name, column]));
  for (const column of columns) {
    const present = byName.get(column.name);
    if (present && present.kind !== column.kind)
      throw new KustoError(
        `Column '${column.name}' already exists in table '${table.name}' with type '${present.kind}', which is not '${column.kind}'.`,
        { code: "BadRequest_ColumnTypeMismatch" },
      );
  }
}

export async function dropTable(catalogue: Catalogue, database: Database, table: StoredTable): Promise<void> {
  database.tables.delete(table.name);
  table.dropped = true;
  catalogue.version++;
  await alone(table, async () => {
    await catalogue.store.transaction(async (connection) => {
      await connection.run(`DELETE FROM ${extentTable} WHERE n IN (SELECT ${extentColumn} FROM ${table.physical})`);
      await connection.run(`DROP TABLE ${table.physical}`);
      if (catalogue.store.isDurable) await forgetSaved(connection, table.id);
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
