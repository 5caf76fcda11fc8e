import { isKind, type Kind } from "../../schema/kinds.ts";
import {
  clearTable,
  createTable,
  dropTable,
  mergeColumns,
  type NewColumn,
  type StoredTable,
  tableOf,
} from "../engine/catalogue.ts";
import type { Stored } from "../ingest/text-values.ts";
import { findParts, nameOf, type SyntaxNode, textOf } from "../kql/tree.ts";
import { KustoError } from "../kusto-error.ts";
import type { Command, CommandContext } from "./run.ts";
import { hasWord, jsonSchema, propertiesOf, tableName } from "./syntax.ts";

/** The older spellings of types that commands still take. */
const aliases: Readonly<Record<string, Kind>> = {
  boolean: "bool",
  date: "datetime",
  double: "real",
  int32: "int",
  int64: "long",
  time: "timespan",
  uniqueid: "guid",
  uuid: "guid",
};

const createOrMerge: Command = async (node, context) => {
  const name = tableName(node);
  const columns = columnsOf(node);
  const present = context.database.tables.get(name);
  if (present) await mergeColumns(context.catalogue, present, columns);
  const table = present ?? (await createTable(context.catalogue, context.database, name, columns, textsOf(node)));
  return [schemaRow(table, context)];
};

const create: Command = async (node, context) => {
  const table = await createTable(context.catalogue, context.database, tableName(node), columnsOf(node), textsOf(node));
  return [schemaRow(table, context)];
};

const drop: Command = async (node, context) => {
  const names = findParts(node, "TableName").map(nameOf);
  const tables = names.flatMap((name) => {
    const table = context.database.tables.get(name);
    if (!table && !hasWord(node, "ifexists", context.text)) return tableOf(context.database, name);
    return table ?? [];
  });
  for (const table of tables) await dropTable(context.catalogue, context.database, table);
  return [...context.database.tables.values()].map(({ name }) => [name, context.database.name]);
};

const clear: Command = async (node, context) => {
  await clearTable(context.catalogue, tableOf(context.database, tableName(node)));
  return [["Succeeded"]];
};

export const tableCommands: Readonly<Record<string, Command>> = {
  CreateTable: create,
  CreateMergeTable: createOrMerge,
  DropTable: drop,
  DropTables: drop,
  ClearTableData: clear,
};

function columnsOf(node: SyntaxNode): NewColumn[] {
  const names = findParts(node, "ColumnName");
  const types = findParts(node, "ColumnType");
  return names.map((name, index) => ({ name: nameOf(name), kind: kindNamed(textOf(types[index]!)) }));
}

function kindNamed(name: string): Kind {
  const lower = name.toLowerCase();
  if (isKind(lower)) return lower;
  const alias = aliases[lower];
  if (!alias) throw new KustoError(`Type '${name}' is not a type of Kusto.`);
  return alias;
}

/** `with (folder = "f", docstring = "d")` */
function textsOf(node: SyntaxNode): { folder: string | undefined; docString: string | undefined } {
  const properties = propertiesOf(node);
  return { folder: properties.get("folder"), docString: properties.get("docstring") };
}

function schemaRow(table: StoredTable, { database }: CommandContext): Stored[] {
  return [table.name, jsonSchema(table), database.name, table.folder, table.docString];
}
