import { databaseOf, tableOf } from "../engine/catalogue.ts";
import type { Database, StoredTable } from "../engine/entities.ts";
import { dotNetType } from "../engine/physical.ts";
import { findPart, findParts, nameOf, type SyntaxNode, textOf } from "../kql/tree.ts";
import { KustoError } from "../kusto-error.ts";
import type { Stored } from "../values/stored.ts";
import { nowTicks } from "../values/ticks.ts";
import type { Command, CommandContext } from "./command.ts";
import { databaseScript } from "./database-script.ts";
import { databaseIn, placeIn } from "./named.ts";
import { effectivePolicy } from "./policies.ts";
import { jsonSchema, schemaText } from "./syntax.ts";

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

const showCslSchema: Command = (node, context) => {
  const { database, table } = placeIn(node, context);
  return [[table.name, schemaText(table), database.name, table.folder, table.docString]];
};

const showJsonSchema: Command = (node, context) => {
  const { database, table } = placeIn(node, context);
  return [[table.name, jsonSchema(table), database.name, table.folder, table.docString]];
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
    const { database } = context;
    const effective = (...kinds: string[]): Stored[] => kinds.map((kind) => effectivePolicy(database, table, kind));
    const policies: Stored[] = [
      "[]",
      ...effective("retention", "caching", "sharding", "merge", "streamingingestion", "ingestionbatching"),
    ];
    return [
      ...[table.name, context.database.name, table.folder, table.docString],
      ...[...sizes, ...sizes],
      ...policies,
      ...[created[0] ?? null, created.at(-1) ?? null, "", table.id],
    ];
  });

const databaseRow = (database: Database, current: Database): Stored[] => [
  ...[database.name, "", "v1.0", database === current, "ReadWrite", database.prettyName, null, database.id, ""],
];

const detailsRow = (database: Database, current: Database): Stored[] => {
  const effective = (...kinds: string[]): Stored[] => kinds.map((kind) => effectivePolicy(database, undefined, kind));
  const extents = [...database.tables.values()].flatMap((table) => [...table.extents.values()]);
  return [
    ...[database.name, "", "v1.0", database === current, "ReadWrite", database.prettyName, "[]"],
    ...[...effective("retention", "merge"), ""],
    ...effective("caching", "sharding", "streamingingestion", "ingestionbatching"),
    ...[extents.reduce((sum, { originalBytes }) => sum + originalBytes, 0), database.id, ""],
  ];
};

/** Those of which the caller may know. */
const visibleDatabases = ({ catalogue, access }: CommandContext): Database[] =>
  [...catalogue.databases.values()].filter((each) => access?.knows(each) ?? true);

const showDatabasesDetails: Command = (_node, context) =>
  visibleDatabases(context).map((each) => detailsRow(each, context.database));

const showDatabaseDetails: Command = (_node, { database }) => [detailsRow(database, database)];

const showDatabases: Command = (_node, context) =>
  visibleDatabases(context).map((each) => databaseRow(each, context.database));

const showDatabase: Command = (_node, { database }) => [databaseRow(database, database)];

const schemaRows = (database: Database): Stored[][] => [
  [database.name, "", "", "", false, false, database.prettyName, "v1.0", "", ""],
  ...[...database.tables.values()].flatMap((table) => [
    [database.name, table.name, "", "", false, false, "", "", table.folder, table.docString],
    ...table.columns.map(({ name, kind, docString }) => [
      ...[database.name, table.name, name, dotNetType[kind], false, false, "", "", "", docString ?? ""],
    ]),
  ]),
];

/** Schemas have one version here, v1.0: nothing is later than that. */
const isLater = (node: SyntaxNode) => {
  const [, major] = /^v(\d+)\.\d+$/.exec(String(findPart(node, "Version")?.LiteralValue ?? "v0.0")) ?? [];
  if (major === undefined) throw new KustoError("A version of a schema must be of the form vMM.mm.");
  return Number(major) < 1;
};

const showDatabaseSchema: Command = (node, context) => {
  const database = databaseIn(node, context);
  return isLater(node) ? schemaRows(database) : [];
};

/** The databases that the command names, or all that the caller may see. */
const databasesIn = (node: SyntaxNode, { catalogue, access }: CommandContext): Database[] => {
  const names = findParts(node, "DatabaseName").map(nameOf);
  const all = () => [...catalogue.databases.values()].filter((each) => access?.sees(each) ?? true);
  return names.length === 0 ? all() : names.map((name) => databaseOf(catalogue, name));
};

const showDatabasesSchema: Command = (node, context) => databasesIn(node, context).flatMap(schemaRows);

const showDatabaseSchemaAsJson: Command = (node, context) => [[jsonDatabases([databaseIn(node, context)])]];

const showDatabasesSchemaAsJson: Command = (node, context) => [[jsonDatabases(databasesIn(node, context))]];

function jsonDatabases(databases: readonly Database[]): string {
  return JSON.stringify({ Databases: Object.fromEntries(databases.map((each) => [each.name, jsonDatabase(each)])) });
}

function jsonDatabase({ name, prettyName, tables, functions }: Database): object {
  const Tables = Object.fromEntries(
    [...tables.values()].map((table) => [table.name, JSON.parse(jsonSchema(table)) as unknown]),
  );
  const Functions = Object.fromEntries(
    [...functions.values()].map((each) => [
      each.name,
      { Name: each.name, Body: each.body, Folder: each.folder, DocString: each.docString },
    ]),
  );
  return {
    ...{ Name: name, Tables, PrettyName: prettyName === "" ? null : prettyName },
    ...{ MajorVersion: 1, MinorVersion: 0, Functions },
  };
}

const showDatabaseCslSchema: Command = (node, context) => {
  const database = databaseIn(node, context);
  return [...database.tables.values()].map((table) => [
    ...[table.name, schemaText(table), database.name, table.folder, table.docString],
  ]);
};

/** Commands that make the schema anew: tables with their texts, mappings and policies, and functions. */
const showDatabaseScript: Command = (node, context) => [[databaseScript(databaseIn(node, context))]];

/** A table's columns by name and type, with what the service tells of how they are stored. */
const showColumns: Command = (node, context) =>
  tableIn(node, context).columns.map(({ name, kind }) => [
    ...[name, dotNetType[kind], 0n, 0, 0n, 0, 0n, "00000000-0000-0000-0000-000000000000", 0n, "V3"],
  ]);

const tableIn = (node: SyntaxNode, context: CommandContext) => placeIn(node, context).table;

const nothing: Command = () => [];

/** What can go on at once; the emulator takes what comes. */
const showCapacity: Command = (node) => {
  const asked = findPart(node, "Resource");
  return ["Ingestions", "ExtentsMerge", "TableAdministration"]
    .filter((name) => !asked || name.toLowerCase() === textOf(asked).toLowerCase().replaceAll("-", ""))
    .map((name) => [name, 8n, 0n, 8n]);
};

const showVersion: Command = () => [["1.0", startedOn, "Engine", productVersion]];

const showCluster: Command = () => [
  ["node-0", "127.0.0.1", productVersion, startedOn, true, 0n, 0n, 1, productVersion],
];

export const showCommands: Readonly<Record<string, Command>> = {
  ShowCapacity: showCapacity,
  ShowCluster: showCluster,
  ShowClusterDatabasesDetails: showDatabasesDetails,
  ShowDatabase: showDatabase,
  ShowDatabaseCslSchema: showDatabaseCslSchema,
  ShowDatabaseDetails: showDatabaseDetails,
  ShowDatabaseSchema: showDatabaseSchema,
  ShowDatabaseSchemaAsCslScript: showDatabaseScript,
  ShowDatabaseSchemaViolations: nothing,
  ShowDatabasesSchema: showDatabasesSchema,
  ShowDatabasesSchemaAsJson: showDatabasesSchemaAsJson,
  ShowTable: showColumns,
  ShowClusterDatabases: showDatabases,
  ShowDatabaseSchemaAsJson: showDatabaseSchemaAsJson,
  ShowTableCslSchema: showCslSchema,
  ShowTableDetails: showDetails,
  ShowTableSchemaAsJson: showJsonSchema,
  ShowTables: showTables,
  ShowTablesDetails: showDetails,
  ShowVersion: showVersion,
};
