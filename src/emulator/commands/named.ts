import { databaseOf, tableOf } from "../engine/catalogue.ts";
import type { Database, StoredColumn, StoredTable } from "../engine/entities.ts";
import { findPart, findParts, nameOf, part, type SyntaxNode } from "../kql/tree.ts";
import { KustoError } from "../kusto-error.ts";
import type { CommandContext } from "./command.ts";

/** The names of a path such as `DB.T.['a b']`, without their quoting. */
export function pathOf(node: SyntaxNode): string[] {
  const [expression, selector] = [part(node, "Expression"), part(node, "Selector")];
  return expression && selector ? [...pathOf(expression), nameOf(selector)] : [nameOf(node)];
}

/** A table and the database that it is in. */
export interface NamedTable {
  readonly database: Database;
  readonly table: StoredTable;
}

/** The table that a node names, in the database that it names or else the request's. */
export function placeOf(name: SyntaxNode, context: CommandContext): NamedTable {
  return placeAt(pathOf(name), context);
}

function placeAt(path: readonly string[], { catalogue, database: current }: CommandContext): NamedTable {
  const [table, owner] = [...path].reverse() as [string, string | undefined];
  const database = owner === undefined ? current : databaseOf(catalogue, owner);
  return { database, table: tableOf(database, table) };
}

/** The table that the command names first. */
export function placeIn(node: SyntaxNode, context: CommandContext): NamedTable {
  const name = findPart(node, "TableName") ?? findPart(node, "tableName");
  if (!name) throw new KustoError("The command names no table.");
  return placeOf(name, context);
}

/** All of the tables that the command names. */
export const placesIn = (node: SyntaxNode, context: CommandContext): NamedTable[] =>
  findParts(node, "TableName").map((name) => placeOf(name, context));

/** The column that a node such as `T.a` names. */
export function columnAt(node: SyntaxNode, context: CommandContext): NamedTable & { readonly column: StoredColumn } {
  const path = pathOf(node);
  if (path.length < 2) throw new KustoError(`Column '${path[0]}' needs the name of its table before it.`);
  const place = placeAt(path.slice(0, -1), context);
  return { ...place, column: columnOf(place.table, path.at(-1)!) };
}

export function columnOf(table: StoredTable, name: string): StoredColumn {
  const column = table.columns.find((each) => each.name === name);
  if (column) return column;
  throw new KustoError(`Column '${name}' does not exist in table '${table.name}'.`, {
    code: "BadRequest_EntityNotFound",
    type: "Kusto.Data.Exceptions.EntityNotFoundException",
  });
}

/** The database that the command names, or else the request's. */
export function databaseIn(node: SyntaxNode, { catalogue, database }: CommandContext): Database {
  const name = findPart(node, "DatabaseName") ?? findPart(node, "databaseName");
  return name ? databaseOf(catalogue, nameOf(name)) : database;
}
