import { randomUUID } from "node:crypto";
import type { DuckDBConnection } from "@duckdb/node-api";
import { entityNotFound, KustoError } from "../kusto-error.ts";
import { type Catalogue, together } from "./catalogue.ts";
import type { Extent, StoredTable } from "./entities.ts";
import { extentColumn, extentTable, sqlText } from "./physical.ts";

export interface NewExtent {
  readonly rows: number;
  readonly originalBytes: number;
  readonly packedBytes: number;
  readonly tags: readonly string[];
  /** Ticks; default now. */
  readonly createdOn?: bigint | undefined;
}

/** A number for the hidden column of the rows that are about to be loaded. */
export function nextLoad(catalogue: Catalogue): number {
  return catalogue.nextExtent++;
}

/** Writes a load down as an extent, in the transaction that writes its rows. */
export async function recordExtent(
  catalogue: Catalogue,
  connection: DuckDBConnection,
  load: number,
  { createdOn = catalogue.clock.ticks(), tags, ...sizes }: NewExtent,
): Promise<Extent> {
  const extent: Extent = {
    ...sizes,
    id: randomUUID(),
    loads: [load],
    tags: [...new Set(tags)],
    minCreatedOn: createdOn,
    maxCreatedOn: createdOn,
  };
  const head = [load, `'${extent.id}'`, sqlText(JSON.stringify(extent.tags)), catalogue.clock.ticks()];
  const values = [...head, sizes.rows, sizes.originalBytes, sizes.packedBytes, createdOn];
  await connection.run(`INSERT INTO ${extentTable} VALUES (${values.join(", ")})`);
  return extent;
}

/** Extents by the table that they are expected in. */
export type Picked = ReadonlyMap<StoredTable, Pick>;
/** Ids, or a choice among those that the table has when its turn comes. */
export type Pick = readonly string[] | ((extent: Extent) => boolean);

/** An extent that went, and the one that took its place, if any did. */
export interface Succession {
  readonly table: StoredTable;
  readonly old: Extent;
  readonly fresh: Extent | undefined;
}

/**
 * Moves extents to another table, all or none.
 *
 * @throws KustoError if one is not where it should be, or if a source has a column that the target has not.
 */
export function moveExtents(
  catalogue: Catalogue,
  picked: Picked,
  target: StoredTable,
  { newIngestionTime = false } = {},
): Promise<Succession[]> {
  return replaceExtents(catalogue, target, [], picked, { newIngestionTime });
}

/**
 * Drops extents of a table and moves others there, in one transaction.
 *
 * @throws KustoError as moveExtents().
 */
export function replaceExtents(
  catalogue: Catalogue,
  target: StoredTable,
  dropped: Pick,
  moved: Picked,
  { newIngestionTime = false } = {},
): Promise<Succession[]> {
  return inTransaction(catalogue, [target, ...moved.keys()], async (connection) => {
    const successions: Succession[] = chosen(target, dropped).map((old) => ({ table: target, old, fresh: undefined }));
    await forget(connection, target, successions);
    for (const [source, pick] of moved) {
      if (source === target) throw new KustoError(`Table '${target.name}' is source and destination of the extents.`);
      const olds = chosen(source, pick);
      if (olds.length === 0) continue;
      refuseMisfit(source, target);
      const moving = olds.map((old) => ({ table: source, old, fresh: { ...old, id: randomUUID() } }));
      await moveRows(connection, source, target, loadsOf(moving));
      await rewrite(connection, moving, newIngestionTime ? catalogue.clock.ticks() : undefined);
      successions.push(...moving);
    }
    return { result: successions, apply: () => settle(successions, target) };
  });
}

/** Drops extents and their rows, all or none. */
export function dropExtents(catalogue: Catalogue, picked: Picked): Promise<Succession[]> {
  return inTransaction(catalogue, [...picked.keys()], async (connection) => {
    const successions: Succession[] = [];
    for (const [table, pick] of picked) {
      const going = chosen(table, pick).map((old) => ({ table, old, fresh: undefined }));
      await forget(connection, table, going);
      successions.push(...going);
    }
    return { result: successions, apply: () => settle(successions) };
  });
}

/** Gives extents other tags; where `tagsOf` answers with undefined, the extent stays as it is. */
export function retagExtents(
  catalogue: Catalogue,
  table: StoredTable,
  pick: Pick,
  tagsOf: (extent: Extent) => readonly string[] | undefined,
): Promise<Succession[]> {
  return inTransaction(catalogue, [table], async (connection) => {
    const successions = chosen(table, pick).flatMap((old) => {
      const tags = tagsOf(old);
      return tags ? { table, old, fresh: { ...old, id: randomUUID(), tags: [...new Set(tags)] } } : [];
    });
    await rewrite(connection, successions);
    return { result: successions, apply: () => settle(successions) };
  });
}

/** Merges groups of extents, each into one whose tags are those of all. The rows stay where they are. */
export function mergeExtents(
  catalogue: Catalogue,
  table: StoredTable,
  groupsOf: () => readonly (readonly Extent[])[],
): Promise<Succession[]> {
  return inTransaction(catalogue, [table], async (connection) => {
    const successions = groupsOf().flatMap((group) => {
      const fresh = merged(group);
      return group.map((old) => ({ table, old, fresh }));
    });
    await rewrite(connection, successions);
    return { result: successions, apply: () => settle(successions) };
  });
}

const earliest = (a: bigint, b: bigint) => (a < b ? a : b);
export const latest = (a: bigint, b: bigint) => (a > b ? a : b);

function merged(group: readonly Extent[]): Extent {
  const sum = (of: (extent: Extent) => number) => group.reduce((total, extent) => total + of(extent), 0);
  return {
    id: randomUUID(),
    loads: group.flatMap(({ loads }) => loads),
    rows: sum(({ rows }) => rows),
    originalBytes: sum(({ originalBytes }) => originalBytes),
    packedBytes: sum(({ packedBytes }) => packedBytes),
    tags: [...new Set(group.flatMap(({ tags }) => tags))],
    minCreatedOn: group.map(({ minCreatedOn }) => minCreatedOn).reduce(earliest),
    maxCreatedOn: group.map(({ maxCreatedOn }) => maxCreatedOn).reduce(latest),
  };
}

/** What a change makes known when the store has it. `apply` must not wait, so that all of it is seen at once. */
interface Outcome<T> {
  readonly result: T;
  readonly apply: () => void;
}

/** Changes tables that nobody else changes meanwhile; the catalogue follows the store, and only if the store commits. */
export function inTransaction<T>(
  catalogue: Catalogue,
  tables: readonly StoredTable[],
  act: (connection: DuckDBConnection) => Promise<Outcome<T>>,
): Promise<T> {
  return together(tables, async () => {
    for (const table of tables) if (table.dropped) throw entityNotFound("Table", table.name);
    const { result, apply } = await catalogue.store.transaction(act);
    apply();
    return result;
  });
}

function chosen(table: StoredTable, pick: Pick): Extent[] {
  if (typeof pick === "function") return [...table.extents.values()].filter(pick);
  return [...new Set(pick.map((id) => id.toLowerCase()))].map((id) => {
    const extent = table.extents.get(id);
    if (extent) return extent;
    throw new KustoError(
      `Extent '${id}' was not found in table '${table.name}': it was dropped, moved or merged. Nothing was changed.`,
      { code: "BadRequest_EntityNotFound", type: "Kusto.Data.Exceptions.EntityNotFoundException" },
    );
  });
}

/** Every column of the source must be there in the target, of the same name and type; the target may have more. */
function refuseMisfit(source: StoredTable, target: StoredTable): void {
  for (const { name, kind } of source.columns) {
    const there = target.columns.find((column) => column.name === name);
    if (there?.kind === kind) continue;
    throw new KustoError(
      `Extents cannot be moved from table '${source.name}' to table '${target.name}': column '${name}' of type '${kind}' ${
        there ? `is of type '${there.kind}' in the destination` : "does not exist in the destination"
      }.`,
    );
  }
}

const loadsOf = (successions: readonly Succession[]) => successions.flatMap(({ old }) => old.loads).join(", ");

async function moveRows(
  connection: DuckDBConnection,
  source: StoredTable,
  target: StoredTable,
  loads: string,
): Promise<void> {
  const pairs = source.columns.map(({ name, physical }) => ({
    from: physical,
    to: target.columns.find((column) => column.name === name)!.physical,
  }));
  const [from, to] = [pairs.map((pair) => pair.from), pairs.map((pair) => pair.to)];
  // Columns that the source has not take their default: null, and the empty text in a string.
  await connection.run(
    `INSERT INTO ${target.physical} (${[...to, extentColumn].join(", ")})
     SELECT ${[...from, extentColumn].join(", ")} FROM ${source.physical} WHERE ${extentColumn} IN (${loads})`,
  );
  await connection.run(`DELETE FROM ${source.physical} WHERE ${extentColumn} IN (${loads})`);
}

/** Removes rows and extents from the store. */
async function forget(
  connection: DuckDBConnection,
  table: StoredTable,
  successions: readonly Succession[],
): Promise<void> {
  if (successions.length === 0) return;
  const loads = loadsOf(successions);
  await connection.run(`DELETE FROM ${table.physical} WHERE ${extentColumn} IN (${loads})`);
  await connection.run(`DELETE FROM ${extentTable} WHERE n IN (${loads})`);
}

/** Writes the new ids and tags into the store's list. */
async function rewrite(
  connection: DuckDBConnection,
  successions: readonly Succession[],
  ingested?: bigint,
): Promise<void> {
  const rows = successions.flatMap(({ old, fresh }) =>
    fresh ? old.loads.map((load) => `(${load}, '${fresh.id}', ${sqlText(JSON.stringify(fresh.tags))})`) : [],
  );
  if (rows.length === 0) return;
  await connection.run(
    `UPDATE ${extentTable} SET id = fresh.id, tags = fresh.tags${ingested === undefined ? "" : `, ingested = ${ingested}`}
     FROM (VALUES ${rows.join(", ")}) fresh (n, id, tags) WHERE ${extentTable}.n = fresh.n`,
  );
}

/** Follows a change that the store has taken. */
function settle(successions: readonly Succession[], target?: StoredTable): void {
  for (const { table, old } of successions) table.extents.delete(old.id);
  for (const { table, fresh } of successions) if (fresh) (target ?? table).extents.set(fresh.id, fresh);
}
