import { databaseOf, tableOf } from "../engine/catalogue.ts";
import type { Database, Extent, StoredTable } from "../engine/entities.ts";
import {
  dropExtents,
  mergeExtents,
  moveExtents,
  type Pick,
  replaceExtents,
  retagExtents,
  type Succession,
} from "../engine/extents.ts";
import { dropOldTags, mergeable } from "../engine/merging.ts";
import type { OperationResult } from "../engine/operations.ts";
import type { Relation } from "../kql/relation.ts";
import { eachRow } from "../kql/run-query.ts";
import { findPart, findParts, nameOf, resultColumns, type SyntaxNode, textOf } from "../kql/tree.ts";
import { KustoError } from "../kusto-error.ts";
import type { Stored } from "../values/stored.ts";
import { ticksPerDay, ticksPerHour } from "../values/ticks.ts";
import type { Command, CommandContext } from "./command.ts";
import { movesAll, replaceQueries, tablesToDropFrom } from "./grammar-gaps.ts";
import { logged } from "./operations.ts";
import {
  datetimeProperty,
  guidsIn,
  isTrue,
  keywordsOf,
  propertiesOf,
  queryIn,
  refuseOtherProperties,
  type Span,
  tableName,
} from "./syntax.ts";

// Show.

const showTables: Command = (node, context) => {
  const tables = findParts(node, "TableName").map((name) => tableOf(context.database, nameOf(name)));
  return extentRows(node, context, context.database, tables);
};

const showDatabase: Command = (node, context) => {
  const name = findPart(node, "DatabaseName");
  const database = name ? databaseOf(context.catalogue, nameOf(name)) : context.database;
  return extentRows(node, context, database, [...database.tables.values()]);
};

const showCluster: Command = (node, context) =>
  [...context.catalogue.databases.values()].flatMap((database) =>
    extentRows(node, context, database, [...database.tables.values()]),
  );

function extentRows(
  node: SyntaxNode,
  context: CommandContext,
  database: Database,
  tables: readonly StoredTable[],
): Stored[][] {
  const ids = guidsIn(node, "ExtentId");
  const tests = tagTests(node, context.text);
  return tables.flatMap((table) =>
    [...table.extents.values()]
      .filter(({ id }) => ids.length === 0 || ids.includes(id))
      .filter(({ tags }) => tests.every((test) => test(tags)))
      .map((extent) => [
        ...[extent.id, database.name, table.name, extent.maxCreatedOn],
        ...[extent.originalBytes, extent.packedBytes, extent.packedBytes, 0, 1n, 1n, "", BigInt(extent.rows)],
        ...[extent.minCreatedOn, extent.tags.join("\r\n"), "StorageV3", 0n],
      ]),
  );
}

/** `where tags has 'a' and tags !contains 'b'`: `has` is equality, `contains` a part of a tag in any case. */
function tagTests(node: SyntaxNode, text: string): ((tags: readonly string[]) => boolean)[] {
  return findParts(node, "Tag").map((tag) => {
    const value = String(tag.LiteralValue ?? textOf(tag));
    const operator = /(!?)(has|contains)\s*$/i.exec(text.slice(0, tag.TextStart));
    if (!operator)
      throw new KustoError(`The filter of tags before '${value}' is not has, !has, contains or !contains.`);
    const [, not, word] = operator;
    const lower = value.toLowerCase();
    const bears = (tags: readonly string[]) =>
      word!.toLowerCase() === "has" ? tags.includes(value) : tags.some((each) => each.toLowerCase().includes(lower));
    return (tags) => bears(tags) === (not === "");
  });
}

const tagStatistics: Command = (_node, { database }) =>
  [...database.tables.values()].map((table) => {
    const extents = [...table.extents.values()];
    const tags = extents.flatMap((extent) => extent.tags);
    const [drop, ingest] = ["drop-by:", "ingest-by:"].map((prefix) => tags.filter((tag) => tag.startsWith(prefix)));
    const lengths = (list: readonly string[]) => [
      BigInt(list.length),
      BigInt(list.reduce((sum, { length }) => sum + length, 0)),
    ];
    const tagged = extents.filter((extent) => extent.tags.length > 0).length;
    return [table.name, BigInt(extents.length), BigInt(tagged), ...[tags, drop!, ingest!].flatMap(lengths)];
  });

// Move, replace, merge.

const windowProperties = ["extentcreatedonfrom", "extentcreatedonto"];

/** The extents that a command's `extentCreatedOnFrom` and `extentCreatedOnTo` let it see. */
function windowOf(properties: ReadonlyMap<string, string>): (extent: Extent) => boolean {
  const from = datetimeProperty(properties, "extentCreatedOnFrom");
  const to = datetimeProperty(properties, "extentCreatedOnTo");
  return ({ minCreatedOn, maxCreatedOn }) =>
    (from === undefined || maxCreatedOn >= from) && (to === undefined || minCreatedOn <= to);
}

function moving(node: SyntaxNode): { newIngestionTime: boolean; isSeen: (extent: Extent) => boolean } {
  const properties = propertiesOf(node);
  refuseOtherProperties(properties, [...windowProperties, "setnewingestiontime", "persistdetails"]);
  return { newIngestionTime: isTrue(properties.get("setnewingestiontime")), isSeen: windowOf(properties) };
}

const destination = (node: SyntaxNode, { database }: CommandContext) =>
  tableOf(database, nameOf(findPart(node, "DestinationTableName")!));

const moveFrom = logged({
  kind: "ExtentsMove",
  async act(node, context) {
    const { newIngestionTime, isSeen } = moving(node);
    const source = tableOf(context.database, nameOf(findPart(node, "SourceTableName")!));
    const target = destination(node, context);
    const ids = guidsIn(node, "GUID");
    const pick = movesAll(context.text) ? isSeen : seenOnly(source, ids, isSeen);
    return successionRows(
      node,
      await moveExtents(context.catalogue, new Map([[source, pick]]), target, { newIngestionTime }),
    );
  },
});

/** An extent outside the window is not there for the command. */
function seenOnly(table: StoredTable, ids: readonly string[], isSeen: (extent: Extent) => boolean): readonly string[] {
  const hidden = ids.find((id) => table.extents.has(id) && !isSeen(table.extents.get(id)!));
  if (hidden !== undefined)
    throw new KustoError(
      `Extent '${hidden}' of table '${table.name}' was not created between extentCreatedOnFrom and extentCreatedOnTo.`,
      { code: "BadRequest_EntityNotFound", type: "Kusto.Data.Exceptions.EntityNotFoundException" },
    );
  return ids;
}

const moveQuery = logged({
  kind: "ExtentsMove",
  async act(node, context) {
    const { newIngestionTime, isSeen } = moving(node);
    const target = destination(node, context);
    const picked = await pickedBy(queryIn(node), context, isSeen);
    return successionRows(node, await moveExtents(context.catalogue, picked, target, { newIngestionTime }));
  },
});

const replace = logged({
  kind: "ExtentsReplace",
  async act(node, context) {
    const { newIngestionTime, isSeen } = moving(node);
    const target = destination(node, context);
    const queries = replaceQueries(context.text);
    if (!queries) throw new KustoError("The command needs two queries: .replace extents in table T <| {...}, {...}.");
    const drops = await pickedBy(queries.drop, context, isSeen, target);
    const moves = await pickedBy(queries.move, context, isSeen);
    const successions = await replaceExtents(context.catalogue, target, drops.get(target) ?? [], moves, {
      newIngestionTime,
    });
    return successionRows(node, successions);
  },
});

/** Which extents a query names: by a column ExtentId, and by TableName where it has one. */
async function pickedBy(
  span: Span,
  context: CommandContext,
  isSeen: (extent: Extent) => boolean,
  only?: StoredTable,
): Promise<Map<StoredTable, string[]>> {
  const relation = await context.query(span);
  const picked = new Map<StoredTable, string[]>();
  for (const { id, table: name } of await namedBy(relation, context)) {
    const table = only ?? (name === undefined ? holderOf(context.database, id) : tableOf(context.database, name));
    const extent = table.extents.get(id);
    if (!extent || isSeen(extent)) picked.set(table, [...(picked.get(table) ?? []), id]);
  }
  for (const table of picked.keys())
    context.access?.mayTable(context.database, table, "administer", "change extents of");
  return picked;
}

async function namedBy(
  relation: Relation,
  { catalogue }: CommandContext,
): Promise<{ id: string; table: string | undefined; tags: string }[]> {
  const place = (name: string) => relation.columns.findIndex((column) => column.name === name);
  const [id, table, tags] = [place("ExtentId"), place("TableName"), place("Tags")];
  if (id < 0) throw new KustoError("The query must have a column named 'ExtentId', that says which extents are meant.");
  const named: { id: string; table: string | undefined; tags: string }[] = [];
  await eachRow(catalogue, relation, (values) =>
    named.push({
      id: String(values[id]).toLowerCase(),
      table: table < 0 ? undefined : String(values[table]),
      tags: tags < 0 ? "" : String(values[tags] ?? ""),
    }),
  );
  return named;
}

function holderOf(database: Database, id: string): StoredTable {
  for (const table of database.tables.values()) if (table.extents.has(id)) return table;
  throw new KustoError(
    `Extent '${id}' was not found in database '${database.name}': it was dropped or merged. Nothing was changed.`,
    { code: "BadRequest_EntityNotFound", type: "Kusto.Data.Exceptions.EntityNotFoundException" },
  );
}

function successionRows(node: SyntaxNode, successions: readonly Succession[]): OperationResult {
  return { columns: resultColumns(node), rows: successions.map(({ old, fresh }) => [old.id, fresh?.id ?? "", ""]) };
}

const merge = logged({
  kind: "ExtentsMerge",
  async act(node, context) {
    const table = tableOf(context.database, tableName(node));
    const ids = guidsIn(node, "GUID");
    const { clock } = context.catalogue;
    const startedOn = clock.ticks();
    const successions = await mergeExtents(context.catalogue, table, () => mergeable(present(table, ids)));
    const duration = clock.ticks() - startedOn;
    return { columns: resultColumns(node), rows: successions.map(({ old, fresh }) => [old.id, fresh!.id, duration]) };
  },
});

const mergeDryRun: Command = (node, { database }) => {
  const table = tableOf(database, tableName(node));
  return mergeable(present(table, guidsIn(node, "GUID"))).flatMap((group) => group.map(({ id }) => [id, "", 0n]));
};

function present(table: StoredTable, ids: readonly string[]): Extent[] {
  return [...new Set(ids)].map((id) => {
    const extent = table.extents.get(id);
    if (extent) return extent;
    throw new KustoError(`Extent '${id}' was not found in table '${table.name}': it was dropped, moved or merged.`, {
      code: "BadRequest_EntityNotFound",
      type: "Kusto.Data.Exceptions.EntityNotFoundException",
    });
  });
}

// Drop.

const dropOne = logged({
  kind: "ExtentsDrop",
  act: (node, context) => dropPicked(node, context, byId(node, context)),
});

const drop = logged({
  kind: "ExtentsDrop",
  async act(node, context) {
    const words = keywordsOf(node);
    const hasIds = findPart(node, "ExtentId") !== undefined;
    const isQuery = findPart(node, "Query") !== undefined;
    const picked: Map<StoredTable, Pick> = hasIds
      ? byId(node, context)
      : isQuery
        ? await pickedBy(queryIn(node), context, () => true)
        : byProperties(node, context);
    return words.includes("whatif") ? pretended(node, picked) : dropPicked(node, context, picked);
  },
});

const dropPretend: Command = (node, context) => pretended(node, byProperties(node, context));

function byId(node: SyntaxNode, { database }: CommandContext): Map<StoredTable, string[]> {
  const from = findPart(node, "TableName");
  const table = from && tableOf(database, nameOf(from));
  const picked = new Map<StoredTable, string[]>();
  for (const id of guidsIn(node, "ExtentId")) {
    const holder = table ?? holderOf(database, id);
    picked.set(holder, [...(picked.get(holder) ?? []), id]);
  }
  return picked;
}

/** `older 10 days from T trim by datasize 10 MB limit 5`: the oldest first, by the time of their newest rows. */
function byProperties(node: SyntaxNode, { catalogue, database, text }: CommandContext): Map<StoredTable, string[]> {
  const words = keywordsOf(node);
  const number = (name: string) => {
    const found = findPart(node, name);
    return found && BigInt(textOf(found));
  };
  const names = tablesToDropFrom(text) ?? findParts(node, "TableName").map(nameOf);
  const tables =
    words.includes("all") && names.length === 0
      ? [...database.tables.values()]
      : names.map((name) => tableOf(database, name));
  const older = number("Older");
  const end =
    older === undefined
      ? undefined
      : catalogue.clock.ticks() - older * (words.includes("hours") ? ticksPerHour : ticksPerDay);
  let oldestFirst = tables
    .flatMap((table) => [...table.extents.values()].map((extent) => ({ table, extent })))
    .filter(({ extent }) => end === undefined || extent.maxCreatedOn < end)
    .sort((a, b) => (a.extent.maxCreatedOn < b.extent.maxCreatedOn ? -1 : 1));
  const size = number("TrimSize");
  if (size !== undefined) {
    const unit = words.includes("gb") ? 2 ** 30 : words.includes("mb") ? 2 ** 20 : 1;
    const bytesOf = ({ extent }: { extent: Extent }) =>
      words.includes("extentsize") ? extent.packedBytes : extent.originalBytes;
    let left = oldestFirst.reduce((sum, each) => sum + bytesOf(each), 0);
    oldestFirst = oldestFirst.filter((each) => {
      const isTooMuch = left > Number(size) * unit;
      left -= bytesOf(each);
      return isTooMuch;
    });
  }
  const limit = number("LimitCount");
  const picked = new Map<StoredTable, string[]>();
  for (const { table, extent } of limit === undefined ? oldestFirst : oldestFirst.slice(0, Number(limit)))
    picked.set(table, [...(picked.get(table) ?? []), extent.id]);
  return picked;
}

async function dropPicked(
  node: SyntaxNode,
  { catalogue }: CommandContext,
  picked: ReadonlyMap<StoredTable, Pick>,
): Promise<OperationResult> {
  const dropped = await dropExtents(catalogue, picked);
  return {
    columns: resultColumns(node),
    rows: dropped.map(({ table, old }) => [old.id, table.name, old.minCreatedOn]),
  };
}

function pretended(node: SyntaxNode, picked: ReadonlyMap<StoredTable, Pick>): OperationResult {
  const rows = [...picked].flatMap(([table, pick]) =>
    present(table, pick as readonly string[]).map((extent) => [extent.id, table.name, extent.minCreatedOn]),
  );
  return { columns: resultColumns(node), rows };
}

// Tags.

const tagColumns: OperationResult["columns"] = [
  "OriginalExtentId",
  "ResultExtentId",
  "ResultExtentTags",
  "Details",
].map((name) => ({ name, kind: "string" }));

const taggedRows = (successions: readonly Succession[]): OperationResult => ({
  columns: tagColumns,
  rows: successions.map(({ old, fresh }) => [old.id, fresh!.id, fresh!.tags.join("\r\n"), ""]),
});

const tagsIn = (node: SyntaxNode) => findParts(node, "t").map((tag) => String(tag.LiteralValue));

const alterTags = (keepsOld: boolean) =>
  logged({
    kind: keepsOld ? "ExtentTagsAlterMerge" : "ExtentTagsAlter",
    async act(node, context) {
      const table = tableOf(context.database, tableName(node));
      const tags = tagsIn(node);
      const picked = await pickedBy(queryIn(node), context, windowOf(propertiesOf(node)), table);
      const fresh = ({ tags: old }: Extent) => (keepsOld ? [...old, ...tags] : tags);
      return taggedRows(await retagExtents(context.catalogue, table, picked.get(table) ?? [], fresh));
    },
  });

const without = (tags: readonly string[], gone: readonly string[]) =>
  tags.some((tag) => gone.includes(tag)) ? tags.filter((tag) => !gone.includes(tag)) : undefined;

const dropTagsFromTable = logged({
  kind: "ExtentTagsDrop",
  async act(node, context) {
    const table = tableOf(context.database, tableName(node));
    const gone = tagsIn(node);
    const isSeen = windowOf(propertiesOf(node));
    return taggedRows(await retagExtents(context.catalogue, table, isSeen, ({ tags }) => without(tags, gone)));
  },
});

/** The query names extents and, for each, the tags to drop: one a row, or several with line breaks between them. */
const dropTagsFromQuery = logged({
  kind: "ExtentTagsDrop",
  async act(node, context) {
    const table = tableOf(context.database, tableName(node));
    const relation = await context.query(queryIn(node));
    if (!relation.columns.some(({ name }) => name === "Tags"))
      throw new KustoError("The query must have a column named 'Tags', that says which tags are dropped.");
    const gone = new Map<string, string[]>();
    for (const { id, tags } of await namedBy(relation, context))
      gone.set(id, [...(gone.get(id) ?? []), ...tags.split(/\r?\n/)]);
    const fresh = ({ id, tags }: Extent) => without(tags, gone.get(id) ?? []);
    return taggedRows(await retagExtents(context.catalogue, table, [...gone.keys()], fresh));
  },
});

/** Removes what the policies of the database's tables let go, now and not at the next round. */
const dropOldTagsNow = logged({
  kind: "ExtentTagsRetention",
  async act(_node, { catalogue, database }) {
    const successions: Succession[] = [];
    for (const table of database.tables.values()) successions.push(...(await dropOldTags(catalogue, database, table)));
    return taggedRows(successions);
  },
});

export const extentCommands: Readonly<Record<string, Command>> = {
  AlterExtentTagsFromQuery: alterTags(false),
  AlterMergeExtentTagsFromQuery: alterTags(true),
  DropExtent: dropOne,
  DropExtentTagsFromQuery: dropTagsFromQuery,
  DropExtentTagsFromTable: dropTagsFromTable,
  DropExtentTagsRetention: dropOldTagsNow,
  DropExtents: drop,
  DropPretendExtentsByProperties: dropPretend,
  MergeExtents: merge,
  MergeExtentsDryrun: mergeDryRun,
  MoveExtentsFrom: moveFrom,
  MoveExtentsQuery: moveQuery,
  ReplaceExtents: replace,
  ShowClusterExtents: showCluster,
  ShowDatabaseExtentTagsStatistics: tagStatistics,
  ShowDatabaseExtents: showDatabase,
  ShowTableExtents: showTables,
};
