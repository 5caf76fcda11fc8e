import { badArgument, checkText } from "../arguments.ts";
import type { Kind } from "./kinds.ts";
import { checkTable, type NamedColumn, type Table } from "./table.ts";

/**
 * A string literal of KQL, in single quotes. Beyond the quote and the backslash, everything that is not plain visible
 * text is written as an escape: line ends may not stand in a literal (documentation, "The string data type"), and
 * a command should survive being logged and mailed.
 */
export function quoteString(text: string): string {
  return `'${text.replace(notPlain, escapeOf)}'`;
}

/** Backslash, quote, controls, the separators that some tools take for line ends, and halves of surrogate pairs. */
const notPlain = /[\\'\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff]|\p{Surrogate}/gu;

const shortEscapes: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "'": "\\'",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

function escapeOf(character: string): string {
  return shortEscapes[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/**
 * The name of an entity as a command or query may hold it: `['name']`. Always quoted, so that no name can ever be read
 * as a keyword, a literal, or more than a name.
 */
export function quoteName(name: string): string {
  return `[${quoteString(name)}]`;
}

/** `(['a']:int, ['b c']:string)`: the columns as `.create table` takes them. */
export function columnList(columns: readonly NamedColumn[]): string {
  return `(${columns.map((c) => `${quoteName(c.name)}:${c.kind}`).join(", ")})`;
}

/**
 * Creates the table, or adds to an existing one, at its end, the columns it lacks. The service refuses it when a column
 * exists with another type. Rights: Database User; Table Admin for a table that exists.
 */
export function createMergeTableCommand(table: Table): string {
  checkTable("createMergeTableCommand()", table);
  return `.create-merge table ${quoteName(table.name)} ${columnList(table.list)}`;
}

/** The format that a mapping is for: "csv" or "json" (NDJSON too). */
export type MappingKind = "csv" | "json";

/** One element of an ingestion mapping, with the property names of Kusto's documentation. */
export interface MappingElement {
  readonly Column: string;
  readonly DataType: Kind;
  readonly Properties: { readonly Ordinal: string } | { readonly Path: string };
}

/** The mapping of our own rows: CSV by the order of the columns, JSON by their names. JSON-ready. */
export function ingestionMapping(table: Table, kind: MappingKind): readonly MappingElement[] {
  checkMapping("ingestionMapping()", table, kind);
  return table.list.map((c, ordinal) => ({
    Column: c.name,
    DataType: c.kind,
    Properties: kind === "csv" ? { Ordinal: String(ordinal) } : { Path: jsonPath(c.name) },
  }));
}

/**
 * `$['name']`. Kusto documents both quotes and no escape, so the quote is chosen that the name does not contain; only a
 * name with both, or with a backslash (neither can be a column's name in Kusto), falls back on JSONPath's own backslash.
 */
export function jsonPath(name: string): string {
  const quote = name.includes("'") && !name.includes('"') ? '"' : "'";
  const escaped = name.replace(/[\\']|"/g, (c) => (c === "\\" || c === quote ? `\\${c}` : c));
  return `$[${quote}${escaped}${quote}]`;
}

/**
 * The command that makes or replaces a named mapping of our own rows, for `ingestionMappingRef`. Rights: Table Ingestor.
 */
export function createOrAlterMappingCommand(table: Table, kind: MappingKind, mappingName: string): string {
  checkMapping("createOrAlterMappingCommand()", table, kind);
  checkText("createOrAlterMappingCommand()", "mappingName", mappingName);
  const mapping = JSON.stringify(ingestionMapping(table, kind));
  return `.create-or-alter table ${quoteName(table.name)} ingestion ${kind} mapping ${quoteString(mappingName)} ${quoteString(mapping)}`;
}

function checkMapping(what: string, table: unknown, kind: unknown): void {
  checkTable(what, table);
  if (kind !== "csv" && kind !== "json") throw badArgument(what, "kind", kind, '"csv" or "json"');
}
