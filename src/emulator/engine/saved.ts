import type { DuckDBConnection } from "@duckdb/node-api";
import type { Database, Extent, StoredFunction, StoredMapping, StoredTable } from "./entities.ts";
import { parseMapping } from "./mapping.ts";
import type { OperationEntry } from "./operations.ts";
import { extentColumn, extentTable, sqlText } from "./physical.ts";
import type { RoleAssignment } from "./role-assignment.ts";
import type { Store } from "./store.ts";

/**
 * The catalogue as it lies in the store beside the rows: a row for each database and each table, as JSON. What changes
 * a table and its rows writes both in one transaction, so that a kill at any moment leaves them in step. Extents are
 * not here: their own list (`extentTable`) and the rows' hidden column tell all of them.
 */
const savedTable = "catalogue";

/** The log of operations, an entry a row. */
const operationTable = "operations";

export const savedTables = [
  `CREATE TABLE IF NOT EXISTS ${savedTable} (id VARCHAR, kind VARCHAR, value VARCHAR)`,
  `CREATE TABLE IF NOT EXISTS ${operationTable} (updated BIGINT, value VARCHAR)`,
];

/** The SQL that writes an entry of the log of operations down. */
export function savedOperation(entry: OperationEntry): string {
  const value = { ...entry, startedOn: `${entry.startedOn}`, updatedOn: `${entry.updatedOn}` };
  return `INSERT INTO ${operationTable} VALUES (${entry.updatedOn}, ${sqlText(JSON.stringify(value))})`;
}

/** How many entries of the log come back; older ones are forgotten. */
const mostOperations = 5_000;

async function pastOperations(connection: DuckDBConnection): Promise<OperationEntry[]> {
  await connection.run(
    `DELETE FROM ${operationTable} WHERE rowid <= (SELECT max(rowid) - ${mostOperations} FROM ${operationTable})`,
  );
  const rows = (await connection.runAndReadAll(`SELECT value FROM ${operationTable} ORDER BY rowid`)).getRowsJS();
  return rows.map(([value]) => {
    const { startedOn, updatedOn, ...entry } = JSON.parse(String(value)) as OperationEntry;
    return { ...entry, startedOn: BigInt(startedOn), updatedOn: BigInt(updatedOn) };
  });
}

/** Writes a table down as it is going to be. */
export function saveTable(connection: DuckDBConnection, database: Database, table: StoredTable): Promise<void> {
  const { id, name, physical, columns, folder, docString, isHidden, mappings, policies } = table;
  const value: SavedTable = {
    ...{ database: database.id, name, physical, columns, folder, docString, isHidden },
    ...{ mappings: savedMappings(mappings), policies: [...policies] },
  };
  return save(connection, id, "table", value);
}

/** Writes a database down as it is going to be, without its tables. */
export function saveDatabase(connection: DuckDBConnection, database: Database): Promise<void> {
  const { id, name, prettyName, mappings, policies, functions, roles } = database;
  const value: SavedDatabase = {
    ...{ name, prettyName, mappings: savedMappings(mappings), policies: [...policies] },
    functions: [...functions.values()],
    roles,
  };
  return save(connection, id, "database", value);
}

/** Removes a database or a table from the catalogue. */
export async function forgetSaved(connection: DuckDBConnection, id: string): Promise<void> {
  await connection.run(`DELETE FROM ${savedTable} WHERE id = '${id}'`);
}

async function save(connection: DuckDBConnection, id: string, kind: string, value: object): Promise<void> {
  const text = sqlText(JSON.stringify(value));
  // In its place, so that it comes back in the order in which it was made.
  const { rowsChanged } = await connection.run(`UPDATE ${savedTable} SET value = ${text} WHERE id = '${id}'`);
  if (rowsChanged === 0) await connection.run(`INSERT INTO ${savedTable} VALUES ('${id}', '${kind}', ${text})`);
}

type SavedMapping = Omit<StoredMapping, "entries" | "updatedOn"> & { readonly updatedOn: string };

interface SavedTable extends Pick<StoredTable, "name" | "physical" | "columns" | "folder" | "docString" | "isHidden"> {
  /** The id of its database. */
  readonly database: string;
  readonly mappings: SavedMapping[];
  readonly policies: [string, string][];
}

interface SavedDatabase extends Pick<Database, "name" | "prettyName"> {
  readonly mappings: SavedMapping[];
  readonly policies: [string, string][];
  readonly functions: StoredFunction[];
  readonly roles: readonly RoleAssignment[];
}

const savedMappings = (mappings: ReadonlyMap<string, StoredMapping>): SavedMapping[] =>
  [...mappings.values()].map(({ kind, name, text, updatedOn }) => ({ kind, name, text, updatedOn: `${updatedOn}` }));

const mappingsOf = (saved: readonly SavedMapping[]): Map<string, StoredMapping> =>
  new Map(
    saved.map((each) => [
      `${each.kind}/${each.name}`,
      { ...each, entries: parseMapping(each.text), updatedOn: BigInt(each.updatedOn) },
    ]),
  );

/** What a store holds from an earlier run. */
export interface Restored {
  readonly databases: Map<string, Database>;
  readonly nextPhysical: number;
  readonly nextExtent: number;
  readonly operations: readonly OperationEntry[];
}

/** Reads back what an earlier run has left. */
export async function restore(store: Store): Promise<Restored> {
  return store.withConnection(async (connection) => {
    const rows = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJS();
    const databases = new Map<string, Database>();
    const byId = new Map<string, Database>();
    for (const [id, value] of await rows(
      `SELECT id, value FROM ${savedTable} WHERE kind = 'database' ORDER BY rowid`,
    )) {
      const saved = JSON.parse(String(value)) as SavedDatabase;
      const database: Database = {
        ...{ name: saved.name, id: String(id), prettyName: saved.prettyName, tables: new Map() },
        ...{ policies: new Map(saved.policies), mappings: mappingsOf(saved.mappings) },
        functions: new Map(saved.functions.map((each) => [each.name, each])),
        roles: saved.roles ?? [],
      };
      databases.set(database.name.toLowerCase(), database);
      byId.set(database.id, database);
    }
    const extents = await extentsByLoad(rows);
    let nextExtent = 1;
    for (const load of extents.keys()) nextExtent = Math.max(nextExtent, load + 1);
    let nextPhysical = 1;
    for (const [id, value] of await rows(`SELECT id, value FROM ${savedTable} WHERE kind = 'table' ORDER BY rowid`)) {
      const { database: owner, mappings, policies, ...saved } = JSON.parse(String(value)) as SavedTable;
      const loads = await rows(`SELECT DISTINCT ${extentColumn} FROM ${saved.physical} ORDER BY 1`);
      byId.get(owner)!.tables.set(saved.name, {
        ...saved,
        id: String(id),
        mappings: mappingsOf(mappings),
        policies: new Map(policies),
        extents: extentsOf(loads.map(([load]) => extents.get(Number(load))!)),
        last: Promise.resolve(),
        dropped: false,
      });
      nextPhysical = Math.max(nextPhysical, Number(saved.physical.slice(1)) + 1);
    }
    return { databases, nextPhysical, nextExtent, operations: await pastOperations(connection) };
  });
}

/** One load of an extent, as the store lists it. */
interface Load extends Pick<Extent, "id" | "rows" | "originalBytes" | "packedBytes" | "tags"> {
  readonly number: number;
  readonly createdOn: bigint;
}

async function extentsByLoad(rows: (sql: string) => Promise<unknown[][]>): Promise<Map<number, Load>> {
  const loads = new Map<number, Load>();
  const all = await rows(`SELECT n, id, tags, row_count, original_bytes, packed_bytes, created FROM ${extentTable}`);
  for (const [number, id, tags, count, originalBytes, packedBytes, createdOn] of all) {
    const load: Load = {
      ...{ number: Number(number), id: String(id), tags: JSON.parse(String(tags)) as string[] },
      ...{ rows: Number(count), originalBytes: Number(originalBytes), packedBytes: Number(packedBytes) },
      createdOn: BigInt(createdOn as bigint),
    };
    loads.set(load.number, load);
  }
  return loads;
}

/** Loads that bear one id have been merged: their sizes add up. */
function extentsOf(loads: readonly Load[]): Map<string, Extent> {
  const extents = new Map<string, Extent>();
  for (const { id, tags, number, createdOn, ...sizes } of loads) {
    const before = extents.get(id);
    extents.set(id, {
      ...{ id, tags, loads: [...(before?.loads ?? []), number] },
      rows: sizes.rows + (before?.rows ?? 0),
      originalBytes: sizes.originalBytes + (before?.originalBytes ?? 0),
      packedBytes: sizes.packedBytes + (before?.packedBytes ?? 0),
      minCreatedOn: before && before.minCreatedOn < createdOn ? before.minCreatedOn : createdOn,
      maxCreatedOn: before && before.maxCreatedOn > createdOn ? before.maxCreatedOn : createdOn,
    });
  }
  return extents;
}
