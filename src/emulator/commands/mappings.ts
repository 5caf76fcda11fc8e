import { changeDatabase, changeTable } from "../engine/catalogue.ts";
import type { Database, StoredMapping } from "../engine/entities.ts";
import { type MappingEntry, parseMapping, pathOf } from "../engine/mapping.ts";
import { IngestionFailure } from "../ingestion-failure.ts";
import { findPart, type SyntaxNode, textOf } from "../kql/tree.ts";
import { entityExists, entityNotFound, KustoError } from "../kusto-error.ts";
import type { Stored } from "../values/stored.ts";
import type { Command, CommandContext } from "./command.ts";
import { databaseIn, placeIn } from "./named.ts";
import { textValue } from "./syntax.ts";

/** The kinds that an ingestion can use here, and how Kusto spells them in its answers. */
const kinds: Readonly<Record<string, string>> = {
  csv: "Csv",
  json: "Json",
  parquet: "Parquet",
  w3clogfile: "W3CLogFile",
};

/** What bears mappings: a table, or a database for all of its tables. */
interface Owner {
  readonly mappings: ReadonlyMap<string, StoredMapping>;
  change(changeOf: () => { mappings: ReadonlyMap<string, StoredMapping> }): Promise<void>;
  row(mapping: StoredMapping): Stored[];
}

type OwnerOf = (node: SyntaxNode, context: CommandContext) => Owner;

const tableOwner: OwnerOf = (node, context) => {
  const { database, table } = placeIn(node, context);
  return {
    mappings: table.mappings,
    change: (changeOf) => changeTable(context.catalogue, database, table, () => ({ change: changeOf() })),
    row: (mapping) => [...rowOf(mapping, database), table.name],
  };
};

const databaseOwner: OwnerOf = (node, context) => {
  const database = databaseIn(node, context);
  return {
    mappings: database.mappings,
    change: (changeOf) => changeDatabase(context.catalogue, database, changeOf),
    row: (mapping) => rowOf(mapping, database),
  };
};

const store =
  (ownerOf: OwnerOf, mode: "create" | "alter" | "create-or-alter" | "alter-merge"): Command =>
  async (node, context) => {
    const owner = ownerOf(node, context);
    const kind = kindOfMapping(node);
    const name = textValue(node, "MappingName");
    const key = `${kind}/${name}`;
    const given = textValue(node, "MappingFormat");
    checked(given, kind);
    let mapping: StoredMapping | undefined;
    await owner.change(() => {
      const { mappings } = ownerOf(node, context);
      const present = mappings.get(key);
      if (mode === "create" && present) throw entityExists(`Mapping (${kind})`, name);
      if (mode.startsWith("alter") && !present) throw entityNotFound(`Mapping (${kind})`, name);
      const text = mode === "alter-merge" ? merged(present!.text, given) : given;
      mapping = { kind, name, text, entries: checked(text, kind), updatedOn: context.catalogue.clock.ticks() };
      return { mappings: new Map([...mappings, [key, mapping]]) };
    });
    return [owner.row(mapping!)];
  };

/** The columns of both; where both name one, it is as the later one says. */
function merged(before: string, given: string): string {
  const columns = new Set(parseMapping(given).map(({ column }) => column));
  const entries = parseMapping(before);
  const kept = (JSON.parse(before) as unknown[]).filter((_, index) => !columns.has(entries[index]!.column));
  return JSON.stringify([...kept, ...(JSON.parse(given) as unknown[])]);
}

function kindOfMapping(node: SyntaxNode): string {
  const kind = textOf(findPart(node, "MappingKind")!).toLowerCase();
  if (kind in kinds) return kind;
  throw new KustoError(`Ingestion mappings of kind '${kind}' are not supported by this emulator.`);
}

function checked(text: string, kind: string): MappingEntry[] {
  try {
    const entries = parseMapping(text);
    for (const entry of entries) if (kind !== "csv") pathOf(entry);
    return entries;
  } catch (error) {
    if (error instanceof IngestionFailure) throw new KustoError(error.message, { code: error.code });
    throw error;
  }
}

const show =
  (ownerOf: OwnerOf): Command =>
  (node, context) => {
    const owner = ownerOf(node, context);
    const kindNode = findPart(node, "MappingKind");
    const kind = kindNode && textOf(kindNode).toLowerCase();
    const name = findPart(node, "MappingName") && textValue(node, "MappingName");
    const found = [...owner.mappings.values()].filter(
      (mapping) => (!kind || mapping.kind === kind) && (name === undefined || mapping.name === name),
    );
    if (name !== undefined && found.length === 0) throw entityNotFound(`Mapping (${kind})`, name);
    return found.map(owner.row);
  };

const drop =
  (ownerOf: OwnerOf): Command =>
  async (node, context) => {
    const owner = ownerOf(node, context);
    const [kind, name] = [kindOfMapping(node), textValue(node, "MappingName")];
    await owner.change(() => {
      const mappings = new Map(ownerOf(node, context).mappings);
      if (!mappings.delete(`${kind}/${name}`)) throw entityNotFound(`Mapping (${kind})`, name);
      return { mappings };
    });
    return [...ownerOf(node, context).mappings.values()].map(owner.row);
  };

function rowOf(mapping: StoredMapping, { name }: Database): Stored[] {
  return [mapping.name, kinds[mapping.kind]!, mapping.text, mapping.updatedOn, name];
}

export const mappingCommands: Readonly<Record<string, Command>> = {
  AlterDatabaseIngestionMapping: store(databaseOwner, "alter"),
  AlterMergeDatabaseIngestionMapping: store(databaseOwner, "alter-merge"),
  AlterMergeTableIngestionMapping: store(tableOwner, "alter-merge"),
  AlterTableIngestionMapping: store(tableOwner, "alter"),
  CreateDatabaseIngestionMapping: store(databaseOwner, "create"),
  CreateOrAlterDatabaseIngestionMapping: store(databaseOwner, "create-or-alter"),
  CreateOrAlterTableIngestionMapping: store(tableOwner, "create-or-alter"),
  CreateTableIngestionMapping: store(tableOwner, "create"),
  DropDatabaseIngestionMapping: drop(databaseOwner),
  DropTableIngestionMapping: drop(tableOwner),
  ShowDatabaseIngestionMappings: show(databaseOwner),
  ShowTableIngestionMapping: show(tableOwner),
  ShowTableIngestionMappings: show(tableOwner),
};
