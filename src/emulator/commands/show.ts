import { type Database, databaseOf, type StoredTable, tableOf } from "../engine/catalogue.ts";
import { dotNetType } from "../engine/physical.ts";
import { nowTicks } from "../engine/ticks.ts";
import type { Stored } from "../ingest/text-values.ts";
import { findParts, nameOf } from "../kql/tree.ts";
import type { Command, CommandContext } from "./run.ts";
import { hasWord, jsonSchema, tableName } from "./syntax.ts";

const startedOn = nowTicks();
const productVersion = "Millrace emulator";

const tablesNamed = (context: CommandContext, names: readonly string[]): StoredTable[] =>
  names.length === 0 ? [...context.database.tables.values()] : names.map((name) => tableOf(context.database, name));

const showTables: Command = (node, context) =>
  tablesNamed(context, findParts(node, "TableName").map(nameOf)).map((table) => [
    table.name,
    context.database.name,
    table.folder,
    table.docString,
  ]);

/** `(a:string, ['b c']:long)`, as it could be written in a command. */
const schemaText = (table: StoredTable) =>
  table.columns
    .map(
      ({ name, kind }) => `${/^[a-z_]\w*$/i.test(name) ? name : `['${name.replaceAll(/(['\\])/g, "\\$1")}']`}:${kind}`,
    )
    .join(",");

const showCslSchema: Command = (node, context) => {
  const table = tableOf(context.database, tableName(node));
  return [[table.name, schemaText(table), context.database.name, table.folder, table.docString]];
};

const showJsonSchema: Command = (node, context) => {
  const table = tableOf(context.database, tableName(node));
  return [[table.name, jsonSchema(table), context.database.name, table.folder, table.docString]];
};

const showDetails: Command = (node, context) =>
  tablesNamed(context, findParts(node, "TableName").map(nameOf)).map((table) => {
    const extents = [...table.extents.values()];
    const bytes = extents.reduce((sum, { originalBytes }) => sum + originalBytes, 0);
    const rows = BigInt(extents.reduce((sum, extent) => sum + extent.rows, 0));
    const created = extents
      .flatMap(({ minCreatedOn, maxCreatedOn }) => [minCreatedOn, maxCreatedOn])
      .sort((a, b) => (a < b ? -1 : 1));
    const sizes: Stored[] = [BigInt(extents.length), bytes, bytes, rows];
    const policies: Stored[] = ["", "", "", "", "", "", ""];
    return [
      ...[table.name, context.database.name, table.folder, table.docString],
      ...[...sizes, ...sizes],
      ...policies,
      ...[created[0] ?? null, created.at(-1) ?? null, "", table.id],
    ];
  });

const databaseRow = (database: Database, current: Database): Stored[] => [
  ...[database.name, "", "v1.0", database === current, "ReadWrite", "", null, database.id, ""],
];

const showDatabases: Command = (_node, { catalogue, database }) =>
  [...catalogue.databases.values()].map((each) => databaseRow(each, database));

const showDatabase: Command = (_node, { database }) => [databaseRow(database, database)];

const showDatabaseSchema: Command = (node, context) => {
  const name = findParts(node, "DatabaseName").map(nameOf)[0];
  const database = name === undefined ? context.database : databaseOf(context.catalogue, name);
  if (hasWord(node, "json", context.text)) return [[jsonDatabase(database)]];
  const head: Stored[] = [database.name, "", "", "", false, false, "", "v1.0", "", ""];
  return [
    head,
    ...[...database.tables.values()].flatMap((table) => [
      [database.name, table.name, "", "", false, false, "", "", table.folder, table.docString],
      ...table.columns.map(({ name: column, kind }) => [
        database.name,
        table.name,
        column,
        dotNetType[kind],
        false,
        false,
        "",
        "",
        "",
        "",
      ]),
    ]),
  ];
};

function jsonDatabase(database: Database): string {
  const Tables = Object.fromEntries(
    [...database.tables.values()].map((table) => [table.name, JSON.parse(jsonSchema(table)) as unknown]),
  );
  return JSON.stringify({ Databases: { [database.name]: { Name: database.name, Tables } } });
}

const showVersion: Command = () => [["1.0", startedOn, "Engine", productVersion]];

const showCluster: Command = () => [
  ["node-0", "127.0.0.1", productVersion, startedOn, true, 0n, 0n, 1, productVersion],
];

export const showCommands: Readonly<Record<string, Command>> = {
  ShowCluster: showCluster,
  ShowDatabase: showDatabase,
  ShowDatabaseSchema: showDatabaseSchema,
  ShowClusterDatabases: showDatabases,
  ShowDatabaseSchemaAsJson: showDatabaseSchema,
  ShowTableCslSchema: showCslSchema,
  ShowTableDetails: showDetails,
  ShowTableSchemaAsJson: showJsonSchema,
  ShowTables: showTables,
  ShowTablesDetails: showDetails,
  ShowVersion: showVersion,
};
