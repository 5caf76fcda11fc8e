import { changeTable, checkColumns, columnChanges, freshColumns } from "../engine/catalogue.ts";
import type { StoredColumn, StoredTable } from "../engine/entities.ts";
import { findPart, findParts, nameOf, type SyntaxNode, textOf } from "../kql/tree.ts";
import { KustoError } from "../kusto-error.ts";
import type { Stored } from "../values/stored.ts";
import type { Command, CommandContext } from "./command.ts";
import { columnAt, columnOf, type NamedTable, placeIn } from "./named.ts";
import { kindNamed, schemaRow } from "./tables.ts";

/** What was in the column is lost: it is null in the old rows from now on, and the empty text where it is one of strings. */
const alterType: Command = async (node, context) => {
  const { database, table, column } = columnAt(findPart(node, "ColumnName")!, context);
  const kind = kindNamed(textOf(findPart(node, "ColumnType")!));
  await changeTable(context.catalogue, database, table, () => {
    const before = columnOf(table, column.name);
    if (before.kind === kind) return { change: {} };
    const after: StoredColumn = { ...before, ...freshColumns(table.columns, [{ name: before.name, kind }])[0]! };
    return {
      change: { columns: table.columns.map((each) => (each === before ? after : each)) },
      sql: columnChanges(table, { fresh: [after], gone: [before] }),
    };
  });
  return [entityRow({ database, table }, columnOf(table, column.name))];
};

/** Renames columns of one or more tables; those of one table all at once, so that names may be swapped. */
const rename: Command = async (node, context) => {
  const olds = findParts(node, "ColumnName").map((name) => columnAt(name, context));
  const fresh = findParts(node, "NewColumnName").map(nameOf);
  const byTable = new Map<StoredTable, { place: NamedTable; names: Map<string, string> }>();
  olds.forEach((old, index) => {
    const found = byTable.get(old.table) ?? { place: old, names: new Map() };
    found.names.set(old.column.name, fresh[index]!);
    byTable.set(old.table, found);
  });
  for (const { place, names } of byTable.values()) await renameIn(place, names, context);
  return olds.map((old, index) => entityRow(old, columnOf(old.table, fresh[index]!)));
};

async function renameIn(
  { database, table }: NamedTable,
  names: ReadonlyMap<string, string>,
  { catalogue }: CommandContext,
): Promise<void> {
  await changeTable(catalogue, database, table, () => {
    for (const name of names.keys()) columnOf(table, name);
    const columns = table.columns.map((column) => ({ ...column, name: names.get(column.name) ?? column.name }));
    checkColumns(columns);
    return { change: { columns } };
  });
}

const entityRow = ({ database, table }: NamedTable, { name, kind }: StoredColumn): Stored[] => [
  `[${database.name}].[${table.name}].[${name}]`,
  kind,
  "",
];

const dropOne: Command = async (node, context) => {
  const { database, table, column } = columnAt(findPart(node, "ColumnName")!, context);
  await dropColumns({ database, table }, [column.name], context);
  return [schemaRow(table, context)];
};

const dropSeveral: Command = async (node, context) => {
  const place = placeIn(node, context);
  await dropColumns(place, findParts(node, "ColumnName").map(nameOf), context);
  return [schemaRow(place.table, context)];
};

async function dropColumns({ database, table }: NamedTable, names: readonly string[], context: CommandContext) {
  await changeTable(context.catalogue, database, table, () => {
    const gone = [...new Set(names)].map((name) => columnOf(table, name));
    const lost = new Set(gone);
    if (gone.length === table.columns.length)
      throw new KustoError(`Table '${table.name}' cannot lose its last column; drop the table instead.`);
    return {
      change: { columns: table.columns.filter((column) => !lost.has(column)) },
      sql: columnChanges(table, { gone }),
    };
  });
}

/** Documents columns; without merging, those that are not named lose their texts. */
const setDocStrings =
  (isMerged: boolean): Command =>
  async (node, context) => {
    const { database, table } = placeIn(node, context);
    const texts = docStringsOf(node);
    await changeTable(context.catalogue, database, table, () => {
      for (const name of texts.keys()) columnOf(table, name);
      const textOfColumn = ({ name, docString }: StoredColumn) => texts.get(name) ?? (isMerged ? docString : undefined);
      return { change: { columns: table.columns.map((column) => ({ ...column, docString: textOfColumn(column) })) } };
    });
    return [schemaRow(table, context)];
  };

function docStringsOf(node: SyntaxNode): Map<string, string> {
  const values = findParts(node, "DocString").map((value) => String(value.LiteralValue));
  return new Map(findParts(node, "ColumnName").map((name, index) => [nameOf(name), values[index]!]));
}

export const columnCommands: Readonly<Record<string, Command>> = {
  AlterColumnType: alterType,
  AlterMergeTableColumnDocStrings: setDocStrings(true),
  AlterTableColumnDocStrings: setDocStrings(false),
  DropColumn: dropOne,
  DropTableColumns: dropSeveral,
  RenameColumn: rename,
  RenameColumns: rename,
};
