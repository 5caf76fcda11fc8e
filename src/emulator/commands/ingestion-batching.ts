import { changeDatabase, changeTable } from "../engine/catalogue.ts";
import type { Database, StoredTable } from "../engine/entities.ts";
import { batchingPolicy, batchingPolicyText, defaultBatching, parseBatchingPolicy } from "../ingest/batching-policy.ts";
import { findPart, type SyntaxNode } from "../kql/tree.ts";
import { KustoError } from "../kusto-error.ts";
import type { Stored } from "../values/stored.ts";
import type { Command } from "./command.ts";
import { databaseIn, type NamedTable, placesIn } from "./named.ts";
import { changed } from "./policies.ts";

const row = (
  holder: Database | StoredTable,
  entity: string,
  kind: "Table" | "Database",
  children: string,
): Stored[] => ["IngestionBatchingPolicy", entity, holder.policies.get(batchingPolicy) ?? "null", children, kind];

const tableRow = ({ database, table }: NamedTable): Stored[] =>
  row(table, `[${database.name}].[${table.name}]`, "Table", "");

const databaseRow = (database: Database): Stored[] =>
  row(database, `[${database.name}]`, "Database", JSON.stringify([...database.tables.keys()]));

function policyIn(node: SyntaxNode): string {
  const found = findPart(node, "IngestionBatchingPolicy");
  if (typeof found?.LiteralValue === "string") return found.LiteralValue;
  throw new KustoError("The IngestionBatching policy must be a string literal that holds a JSON object.");
}

/** The policies with this one set; merging keeps the bounds that it does not name. */
function withPolicy(
  policies: ReadonlyMap<string, string>,
  text: string,
  isMerged: boolean,
): { policies: ReadonlyMap<string, string> } {
  const present = policies.get(batchingPolicy);
  const before = isMerged && present !== undefined ? parseBatchingPolicy(present) : undefined;
  const policy = parseBatchingPolicy(text, before ?? defaultBatching);
  return changed(policies, batchingPolicy, policy && batchingPolicyText(policy));
}

const alterTables =
  (isMerged: boolean): Command =>
  async (node, context) => {
    const places = placesIn(node, context);
    const text = policyIn(node);
    for (const { database, table } of places)
      await changeTable(context.catalogue, database, table, () => ({
        change: withPolicy(table.policies, text, isMerged),
      }));
    return places.map(tableRow);
  };

const alterDatabase =
  (isMerged: boolean): Command =>
  async (node, context) => {
    const database = databaseIn(node, context);
    const text = policyIn(node);
    await changeDatabase(context.catalogue, database, () => withPolicy(database.policies, text, isMerged));
    return [databaseRow(database)];
  };

const showTables: Command = (node, context) => placesIn(node, context).map(tableRow);

const showAllTables: Command = (_node, { database }) =>
  [...database.tables.values()].map((table) => tableRow({ database, table }));

const showDatabase: Command = (node, context) => [databaseRow(databaseIn(node, context))];

const deleteTable: Command = async (node, context) => {
  const places = placesIn(node, context);
  for (const { database, table } of places)
    await changeTable(context.catalogue, database, table, () => ({
      change: changed(table.policies, batchingPolicy, undefined),
    }));
  return places.map(tableRow);
};

const deleteDatabase: Command = async (node, context) => {
  const database = databaseIn(node, context);
  await changeDatabase(context.catalogue, database, () => changed(database.policies, batchingPolicy, undefined));
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
