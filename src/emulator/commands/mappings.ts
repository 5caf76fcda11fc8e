import { type StoredMapping, type StoredTable, tableOf } from "../engine/catalogue.ts";
import { IngestionFailure } from "../ingest/failure.ts";
import { type MappingEntry, parseMapping, pathOf } from "../ingest/mapping.ts";
import type { Stored } from "../ingest/text-values.ts";
import { findPart, type SyntaxNode, textOf } from "../kql/tree.ts";
import { entityExists, entityNotFound, KustoError } from "../kusto-error.ts";
import type { Command, CommandContext } from "./run.ts";
import { tableName, textValue } from "./syntax.ts";

/** The kinds that an ingestion can use here, and how Kusto spells them in its answers. */
const kinds: Readonly<Record<string, string>> = {
  csv: "Csv",
  json: "Json",
  parquet: "Parquet",
  w3clogfile: "W3CLogFile",
};

const store =
  (mode: "create" | "alter" | "create-or-alter"): Command =>
  (node, context) => {
    const table = tableOf(context.database, tableName(node));
    const kind = kindOfMapping(node);
    const name = textValue(node, "MappingName");
    const key = `${kind}/${name}`;
    if (mode === "create" && table.mappings.has(key)) throw entityExists(`Mapping (${kind})`, name);
    if (mode === "alter" && !table.mappings.has(key)) throw entityNotFound(`Mapping (${kind})`, name);
    const text = textValue(node, "MappingFormat");
    const mapping = { kind, name, text, entries: checked(text, kind), updatedOn: context.catalogue.clock.ticks() };
    table.mappings.set(key, mapping);
    return [rowOf(mapping, table, context)];
  };

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

const show: Command = (node, context) => {
  const table = tableOf(context.database, tableName(node));
  const kindNode = findPart(node, "MappingKind");
  const kind = kindNode && textOf(kindNode).toLowerCase();
  const name = findPart(node, "MappingName") && textValue(node, "MappingName");
  const found = [...table.mappings.values()].filter(
    (mapping) => (!kind || mapping.kind === kind) && (name === undefined || mapping.name === name),
  );
  if (name !== undefined && found.length === 0) throw entityNotFound(`Mapping (${kind})`, name);
  return found.map((mapping) => rowOf(mapping, table, context));
};

const drop: Command = (node, context) => {
  const table = tableOf(context.database, tableName(node));
  const [kind, name] = [kindOfMapping(node), textValue(node, "MappingName")];
  if (!table.mappings.delete(`${kind}/${name}`)) throw entityNotFound(`Mapping (${kind})`, name);
  return [...table.mappings.values()].map((mapping) => rowOf(mapping, table, context));
};

function rowOf(mapping: StoredMapping, table: StoredTable, { database }: CommandContext): Stored[] {
  return [mapping.name, kinds[mapping.kind]!, mapping.text, mapping.updatedOn, database.name, table.name];
}

export const mappingCommands: Readonly<Record<string, Command>> = {
  AlterTableIngestionMapping: store("alter"),
  CreateOrAlterTableIngestionMapping: store("create-or-alter"),
  CreateTableIngestionMapping: store("create"),
  DropTableIngestionMapping: drop,
  ShowTableIngestionMapping: show,
  ShowTableIngestionMappings: show,
};
