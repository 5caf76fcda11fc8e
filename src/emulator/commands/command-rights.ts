import { type Catalogue, databaseOf } from "../engine/catalogue.ts";
import type { Database } from "../engine/entities.ts";
import { nameOf, type SyntaxNode } from "../kql/tree.ts";
import type { Access, DatabaseRight } from "../security/access.ts";
import { scopeOfFunction, scopeOfTable } from "../security/roles.ts";
import { pathOf } from "./named.ts";
import { ownNodes } from "./syntax.ts";

/** A command that somebody wants to run. */
export interface Asked {
  readonly access: Access;
  readonly catalogue: Catalogue;
  readonly database: Database;
  readonly node: SyntaxNode;
}

/** @throws KustoError 403; the operation is what a refusal calls the command. */
type Need = (asked: Asked, operation: string) => void;

/** The parts of these names in the command itself; a query behind it has tables of its own. */
const partsOf = (node: SyntaxNode, ...names: string[]) =>
  [...ownNodes(node)].filter(({ NameInParent }) => NameInParent !== null && names.includes(NameInParent));

/** A table by its name, which need not be there, and the database that the name or else the request says. */
interface Named {
  readonly database: Database;
  readonly name: string;
}

const tableParts = ["TableName", "tableName", "NewTableName"];

function tablesIn({ catalogue, database, node }: Asked, parts = tableParts): Named[] {
  const paths = partsOf(node, ...parts).map(pathOf);
  // `.drop column T.a`: what stands before the last name is the table.
  const ofColumns = partsOf(node, "ColumnName", "NewColumnName").map((each) => pathOf(each).slice(0, -1));
  return [...paths, ...ofColumns]
    .filter(({ length }) => length > 0)
    .map((path) => ({
      database: path.length > 1 ? databaseOf(catalogue, path.at(-2)!) : database,
      name: path.at(-1)!,
    }));
}

/** The databases that the command names or whose tables it names; else the one that it runs in. */
function databasesIn(asked: Asked): Database[] {
  const named = partsOf(asked.node, "DatabaseName", "databaseName").map((each) =>
    databaseOf(asked.catalogue, nameOf(each)),
  );
  const all = [...named, ...tablesIn(asked).map(({ database }) => database)];
  return all.length > 0 ? [...new Set(all)] : [asked.database];
}

const onDatabase =
  (right: DatabaseRight): Need =>
  (asked, operation) => {
    for (const database of databasesIn(asked)) asked.access.mayDatabase(database, right, operation);
  };

/** A right on each table that the command names under one of these names; where there is no such table, `otherwise`. */
const onTables =
  (right: "ingest" | "administer", otherwise: DatabaseRight, parts = tableParts): Need =>
  (asked, operation) => {
    for (const { database, name } of tablesIn(asked, parts)) {
      const table = database.tables.get(name);
      if (table) asked.access.mayTable(database, table, right, operation);
      else asked.access.mayDatabase(database, otherwise, operation);
    }
  };

const onCluster: Need = ({ access }, operation) => access.mayCluster("AllDatabasesMonitor", operation);
const onDatabases: Need = ({ access }, operation) => access.mayCluster("AllDatabasesAdmin", operation);
const anybody: Need = ({ access }, operation) => access.mayAnything(operation);

const functionsIn = ({ node }: Asked) => partsOf(node, "FunctionName").map(nameOf);

const onFunctions: Need = (asked, operation) => {
  const { access, database } = asked;
  for (const name of functionsIn(asked))
    if (database.functions.has(name)) access.mayFunction(database, name, operation);
    else access.mayDatabase(database, "create", operation);
};

/** By the admin of the table that is named; where none is, by the database's. */
const dropping: Need = (asked, operation) => {
  if (tablesIn(asked).length > 0) onTables("administer", "administer")(asked, operation);
  else onDatabase("administer")(asked, operation);
};

/**
 * What a command needs where its name does not say it (documentation, the "Permissions" section of each command). The
 * extents that a query picks are checked where they are known.
 */
const needs: Readonly<Record<string, Need | undefined>> = {
  AppendTable: onTables("ingest", "create"),
  CancelOperation: anybody,
  CreateDatabase: onDatabases,
  CreateFunction: onDatabase("create"),
  CreateMergeTable: onTables("administer", "create"),
  CreateMergeTables: onTables("administer", "create"),
  CreateTable: onDatabase("create"),
  CreateTableBasedOnAnother: onDatabase("create"),
  CreateTables: onDatabase("create"),
  DetachDatabase: onDatabases,
  DropExtent: dropping,
  DropExtents: dropping,
  DropPretendExtentsByProperties: dropping,
  IngestInlineIntoTable: onTables("ingest", "ingest"),
  IngestIntoTable: onTables("ingest", "ingest"),
  MoveExtentsFrom: onTables("administer", "administer", ["SourceTableName", "DestinationTableName"]),
  MoveExtentsQuery: onTables("administer", "administer", ["DestinationTableName"]),
  RenameTable: onTables("administer", "administer", ["TableName"]),
  RenameTables: onTables("administer", "administer", ["TableName"]),
  ReplaceExtents: onTables("administer", "administer", ["DestinationTableName"]),
  SetOrAppendTable: onTables("ingest", "create"),
  SetOrReplaceTable: onTables("administer", "create"),
  SetTable: onDatabase("create"),
  ShowCapacity: onCluster,
  ShowCluster: onCluster,
  // What the caller may not know of is left out of the answer.
  ShowClusterDatabases: anybody,
  ShowClusterDatabasesDetails: anybody,
  ShowClusterExtents: onCluster,
  ShowClusterPrincipals: onCluster,
  // Everybody may know of their own roles, and follow what they began.
  ShowDatabasePrincipalRoles: anybody,
  ShowFunctionPrincipalRoles: anybody,
  ShowOperationDetails: anybody,
  ShowOperations: anybody,
  ShowPrincipalRoles: anybody,
  ShowTablePrincipalRoles: anybody,
  ShowVersion: anybody,
};

/** What a command's name says: who may see may show, and whatever is changed is its admin's. */
function byName(name: string, asked: Asked): Need {
  if (name.startsWith("Show")) return onDatabase("see");
  if (name.includes("Function")) return onFunctions;
  return tablesIn(asked).length > 0 ? onTables("administer", "administer") : onDatabase("administer");
}

export function authorizeCommand(name: string, asked: Asked): void {
  (needs[name] ?? byName(name, asked))(asked, `perform operation '${name}' on`);
}

/** Makes the principal the admin of those tables and functions that a command creates. */
export function ownNewEntities(name: string, asked: Asked): (() => Promise<void>) | undefined {
  if (!name.startsWith("Create")) return undefined;
  const { access, database } = asked;
  const tables = tablesIn(asked).filter((each) => !each.database.tables.has(each.name));
  const functions = functionsIn(asked).filter((name) => !database.functions.has(name));
  return async () => {
    for (const each of tables) {
      const table = each.database.tables.get(each.name);
      if (table) await access.own(each.database, scopeOfTable(table));
    }
    for (const name of functions) if (database.functions.has(name)) await access.own(database, scopeOfFunction(name));
  };
}
