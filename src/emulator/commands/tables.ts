import { isKind, type Kind } from "../../schema/kinds.ts";
import {
  changeTable,
  checkColumns,
  clearTable,
  columnChanges,
  createTable,
  dropTable,
  freshColumns,
  givenOnly,
  mergeColumns,
  type NewColumn,
  refuseOtherKinds,
  renameTables,
  type TableTexts,
  tableOf,
} from "../engine/catalogue.ts";
import type { StoredColumn, StoredTable } from "../engine/entities.ts";
import { childrenOf, findPart, findParts, nameOf, type SyntaxNode, textOf } from "../kql/tree.ts";
import { entityExists, KustoError } from "../kusto-error.ts";
import type { Stored } from "../values/stored.ts";
import type { Command, CommandContext } from "./command.ts";
import { isIfExistsBehind } from "./grammar-gaps.ts";
import { placeIn } from "./named.ts";
import {
  hasWord,
  isTrue,
  jsonSchema,
  keywordsOf,
  propertiesOf,
  refuseOtherProperties,
  tableName,
  textValue,
} from "./syntax.ts";

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

/** A table that is there already stays as it is, whatever the command says of it, and that is no error. */
const create: Command = async (node, context) => {
  const name = tableName(node);
  const [columns, texts] = [columnsOf(node), textsOf(node)];
  checkColumns(columns);
  const present = context.database.tables.get(name);
  return [
    schemaRow(present ?? (await createTable(context.catalogue, context.database, name, columns, texts)), context),
  ];
};

const createOrMerge: Command = async (node, context) => {
  const table = await createdOrMerged(tableName(node), columnsOf(node), textsOf(node), context);
  return [schemaRow(table, context)];
};

async function createdOrMerged(
  name: string,
  columns: readonly NewColumn[],
  texts: TableTexts,
  { catalogue, database }: CommandContext,
): Promise<StoredTable> {
  const present = database.tables.get(name);
  if (!present) return createTable(catalogue, database, name, columns, texts);
  await mergeColumns(catalogue, database, present, columns, texts);
  return present;
}

interface Listed {
  readonly name: string;
  readonly columns: readonly NewColumn[];
}

/** The tables of `A (a:string), B (b:long)`, each with its columns. */
function listedTables(node: SyntaxNode): Listed[] {
  const holders = (at: SyntaxNode): SyntaxNode[] =>
    childrenOf(at).flatMap((child) =>
      childrenOf(child).some(({ NameInParent }) => NameInParent === "TableName") ? [child] : holders(child),
    );
  return holders(node).map((holder) => ({ name: tableName(holder), columns: columnsOf(holder) }));
}

const createSeveral: Command = async (node, context) => {
  const { catalogue, database } = context;
  const listed = listedTables(node);
  for (const { columns } of listed) checkColumns(columns);
  const texts = textsOf(node);
  for (const { name, columns } of listed)
    if (!database.tables.has(name)) await createTable(catalogue, database, name, columns, texts);
  return listed.map(({ name }) => nameRow(tableOf(database, name), context));
};

const mergeSeveral: Command = async (node, context) => {
  const listed = listedTables(node);
  const texts = textsOf(node);
  // All of them are looked at before any is changed.
  for (const { name, columns } of listed) {
    checkColumns(columns);
    const present = context.database.tables.get(name);
    if (present) refuseOtherKinds(present, columns);
  }
  for (const { name, columns } of listed) await createdOrMerged(name, columns, texts, context);
  return listed.map(({ name }) => nameRow(tableOf(context.database, name), context));
};

const createBasedOn: Command = async (node, context) => {
  const { catalogue, database } = context;
  const name = nameOf(findPart(node, "NewTableName")!);
  const source = tableOf(database, tableName(node));
  const present = database.tables.get(name);
  if (present && !keywordsOf(node).includes("ifnotexists")) throw entityExists("Table", name);
  if (present) return [schemaRow(present, context)];
  const { folder, docString, isHidden, mappings, policies, columns } = source;
  const texts = { folder, docString, isHidden, ...givenOnly(textsOf(node)) };
  const table = await createTable(catalogue, database, name, columns, { ...texts, mappings, policies });
  return [schemaRow(table, context)];
};

/** The columns become those of the command, in its order; those that it leaves out are lost with their data. */
const alter: Command = async (node, context) => {
  const { database, table } = placeIn(node, context);
  const [columns, texts] = [columnsOf(node), textsOf(node)];
  checkColumns(columns);
  await changeTable(context.catalogue, database, table, () => {
    refuseOtherKinds(table, columns);
    const present = new Map(table.columns.map((column) => [column.name, column]));
    const fresh = freshColumns(
      table.columns,
      columns.filter(({ name }) => !present.has(name)),
    );
    const after = new Map([...present, ...fresh.map((column): [string, StoredColumn] => [column.name, column])]);
    const named = new Set(columns.map(({ name }) => name));
    return {
      change: { columns: columns.map(({ name }) => after.get(name)!), ...givenOnly(texts) },
      sql: columnChanges(table, { fresh, gone: table.columns.filter(({ name }) => !named.has(name)) }),
    };
  });
  return [schemaRow(table, context)];
};

const alterMerge: Command = async (node, context) => {
  const { database, table } = placeIn(node, context);
  await mergeColumns(context.catalogue, database, table, columnsOf(node), textsOf(node));
  return [schemaRow(table, context)];
};

const setText =
  (name: "docString" | "folder", source: string): Command =>
  async (node, context) => {
    const { database, table } = placeIn(node, context);
    const text = textValue(node, source);
    await changeTable(context.catalogue, database, table, () => ({ change: { [name]: text } }));
    return [schemaRow(table, context)];
  };

const rename: Command = async (node, context) => {
  const { catalogue, database } = context;
  const table = tableOf(database, tableName(node));
  await renameTables(catalogue, database, new Map([[table, nameOf(findPart(node, "NewTableName")!)]]));
  return [nameRow(table, context)];
};

const renameSeveral: Command = async (node, context) => {
  const { catalogue, database, text } = context;
  const olds = findParts(node, "TableName");
  const names = new Map<StoredTable, string>();
  findParts(node, "NewTableName").forEach((fresh, index) => {
    const old = olds[index]!;
    if (!database.tables.has(nameOf(old)) && isIfExistsBehind(old, text)) return;
    names.set(tableOf(database, nameOf(old)), nameOf(fresh));
  });
  await renameTables(catalogue, database, names);
  return [...names.keys()].map((table) => nameRow(table, context));
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
  await clearTable(context.catalogue, placeIn(node, context).table);
  return [["Succeeded"]];
};

export const tableCommands: Readonly<Record<string, Command>> = {
  AlterMergeTable: alterMerge,
  AlterTable: alter,
  AlterTableDocString: setText("docString", "Documentation"),
  AlterTableFolder: setText("folder", "Folder"),
  ClearTableData: clear,
  CreateMergeTable: createOrMerge,
  CreateMergeTables: mergeSeveral,
  CreateTable: create,
  CreateTableBasedOnAnother: createBasedOn,
  CreateTables: createSeveral,
  DropTable: drop,
  DropTables: drop,
  RenameTable: rename,
  RenameTables: renameSeveral,
};

function columnsOf(node: SyntaxNode): NewColumn[] {
  const names = findParts(node, "ColumnName");
  const types = findParts(node, "ColumnType");
  return names.map((name, index) => ({ name: nameOf(name), kind: kindNamed(textOf(types[index]!)) }));
}

export function kindNamed(name: string): Kind {
  const lower = name.toLowerCase();
  if (isKind(lower)) return lower;
  const alias = aliases[lower];
  if (!alias) throw new KustoError(`Type '${name}' is not a type of Kusto.`);
  return alias;
}

/** `with (folder = "f", docstring = "d", hidden = true)` */
function textsOf(node: SyntaxNode): TableTexts {
  const properties = propertiesOf(node);
  refuseOtherProperties(properties, ["docstring", "folder", "hidden"]);
  return {
    folder: properties.get("folder"),
    docString: properties.get("docstring"),
    isHidden: properties.has("hidden") ? isTrue(properties.get("hidden")) : undefined,
  };
}

export function schemaRow(table: StoredTable, { database }: CommandContext): Stored[] {
  return [table.name, jsonSchema(table), database.name, table.folder, table.docString];
}

const nameRow = (table: StoredTable, { database }: CommandContext): Stored[] => [
  table.name,
  database.name,
  table.folder,
  table.docString,
];
