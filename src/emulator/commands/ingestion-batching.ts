import { type Database, databaseOf, type StoredTable, tableOf } from "../engine/catalogue.ts";
import { batchingPolicy, batchingPolicyText, defaultBatching, parseBatchingPolicy } from "../ingest/batching-policy.ts";
import type { Stored } from "../ingest/text-values.ts";
import { findPart, findParts, nameOf, type SyntaxNode } from "../kql/tree.ts";
import { KustoError } from "../kusto-error.ts";
import type { Command, CommandContext } from "./run.ts";

const tablesIn = (node: SyntaxNode, { database }: CommandContext): StoredTable[] =>
  findParts(node, "TableName").map((name) => tableOf(database, nameOf(name)));

function databaseIn(node: SyntaxNode, { catalogue, database }: CommandContext): Database {
  const name = findPart(node, "DatabaseName");
  return name ? databaseOf(catalogue, nameOf(name)) : database;
}

const row = (
  holder: Database | StoredTable,
  entity: string,
  kind: "Table" | "Database",
  children: string,
): Stored[] => ["IngestionBatchingPolicy", entity, holder.policies.get(batchingPolicy) ?? "null", children, kind];

const tableRow = (table: StoredTable, { database }: CommandContext): Stored[] =>
  row(table, `[${database.name}].[${table.name}]`, "Table", "");

const databaseRow = (database: Database): Stored[] =>
  row(database, `[${database.name}]`, "Database", JSON.stringify([...database.tables.keys()]));

function policyIn(node: SyntaxNode): string {
  const found = findPart(node, "IngestionBatchingPolicy");
  if (typeof found?.LiteralValue === "string") return found.LiteralValue;
  throw new KustoError("The IngestionBatching policy must be a string literal that holds a JSON object.");
}

/** Sets the policy; merging keeps the bounds that it does not name. */
function set(holder: Database | StoredTable, text: string, isMerged: boolean): void {
  const present = holder.policies.get(batchingPolicy);
  const before = isMerged && present !== undefined ? parseBatchingPolicy(present) : undefined;
  const policy = parseBatchingPolicy(text, before ?? defaultBatching);
  if (policy) holder.policies.set(batchingPolicy, batchingPolicyText(policy));
  else holder.policies.delete(batchingPolicy);
}

const alterTables =
  (isMerged: boolean): Command =>
  (node, context) => {
    const tables = tablesIn(node, context);
    for (const table of tables) set(table, policyIn(node), isMerged);
    return tables.map((table) => tableRow(table, context));
  };

const alterDatabase =
  (isMerged: boolean): Command =>
  (node, context) => {
    const database = databaseIn(node, context);
    set(database, policyIn(node), isMerged);
    return [databaseRow(database)];
  };

const showTables: Command = (node, context) => tablesIn(node, context).map((table) => tableRow(table, context));

const showAllTables: Command = (_node, context) =>
  [...context.database.tables.values()].map((table) => tableRow(table, context));

const showDatabase: Command = (node, context) => [databaseRow(databaseIn(node, context))];

const deleteTable: Command = (node, context) =>
  tablesIn(node, context).map((table) => {
    table.policies.delete(batchingPolicy);
    return tableRow(table, context);
  });

const deleteDatabase: Command = (node, context) => {
  const database = databaseIn(node, context);
  database.policies.delete(batchingPolicy);
  return [databaseRow(database)];
};

export const ingestionBatchingCommands: Readonly<Record<string, Command>> = {
  AlterDatabasePolicyIngestionBatching: alterDatabase(false),
  AlterMergeDatabasePolicyIngestionBatching: alterDatabase(true),
  AlterMergeTablePolicyIngestionBatching: alterTables(true),
  AlterTablePolicyIngestionBatching: alterTables(false),
  AlterTablesPolicyIngestionBatching: alterTables(false),
  DeleteDatabasePolicyIngestionBatching: deleteDatabase,
  DeleteTablePolicyIngestionBatching: deleteTable,
  ShowDatabasePolicyIngestionBatching: showDatabase,
  ShowTablePolicyIngestionBatching: showTables,
  ShowTableStarPolicyIngestionBatching: showAllTables,
};
