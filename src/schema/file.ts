import { checkText } from "../arguments.ts";
import { MillraceError } from "../errors.ts";
import { isKind, type Kind, kinds } from "./kinds.ts";
import { columnList, createMergeTableCommand } from "./kql.ts";
import { checkRenames, type Rename } from "./names.ts";
import { checkTable, type NamedColumn, type Table, tableOf } from "./table.ts";

/** What a schema file says. */
export interface SchemaFile {
  /** Absent where the file names no table, as `.show table T cslschema` does not. */
  readonly name: string | undefined;
  readonly columns: readonly NamedColumn[];
  readonly renames: readonly Rename[];
}

/**
 * A table as the text of a JSON schema file, a column per line:
 * `{"table":"Events","columns":{"ts":"datetime","cost_":{"type":"real","from":"cost$"}}}`. Where a column is named like an array
 * index, `columns` is a list, `[{"name":"2001","type":"long"}]`: JSON.parse would move the member `2001` to the front.
 */
export function writeSchemaJson(table: Table, renames: readonly Rename[] = []): string {
  checkTable("writeSchemaJson()", table);
  checkRenames("writeSchemaJson()", renames);
  const fieldOf = new Map(renames.map((r) => [r.column, r.field]));
  const isList = table.list.some(({ name }) => isIndexLike(name));
  const lines = table.list.map(({ name, kind, isOptional }) => {
    const from = fieldOf.get(name);
    const type = isOptional ? kind : `${kind}!`;
    if (isList) return `    ${JSON.stringify({ name, type, from })}`;
    return `    ${JSON.stringify(name)}: ${JSON.stringify(from === undefined ? type : { type, from })}`;
  });
  const [open, close] = isList ? "[]" : "{}";
  return `{\n  "table": ${JSON.stringify(table.name)},\n  "columns": ${open}\n${lines.join(",\n")}\n  ${close}\n}\n`;
}

/** JavaScript puts members of such names before all others. */
function isIndexLike(name: string): boolean {
  return /^(0|[1-9]\d{0,9})$/.test(name);
}

/** The same as a KQL command, which also reads back. Names in the data that Kusto does not take have no place in it. */
export function writeSchemaKql(table: Table): string {
  checkTable("writeSchemaKql()", table);
  return `${createMergeTableCommand(table)}\n`;
}

/** `['a']:int,['b c']:string`, as `.show table T cslschema` prints and the service reads it. */
export function writeCslSchema(columns: readonly NamedColumn[]): string {
  return columnList(columns).slice(1, -1);
}

/**
 * Reads a schema file: JSON as {@link writeSchemaJson} writes it, or KQL: a `.create table` or `.create-merge table`
 * command, or the bare list `a:int, ['b c']:string`. Types may be Kusto's or .NET's (`System.Int64`). Columns are
 * optional unless the JSON type ends in `!`.
 *
 * @throws MillraceError BAD_SCHEMA saying what is wrong, and where.
 */
export function readSchema(text: string, source: string): SchemaFile {
  checkText("readSchema()", "text", text, "the text of a schema");
  checkText("readSchema()", "source", source, "the name of the schema, for messages");
  const trimmed = text.replace(/^\ufeff/, "").trim();
  const schema = trimmed.startsWith("{") ? readSchemaJson(trimmed, source) : readSchemaKql(trimmed, source);
  // Builds a table only to have the names checked; a file without a table's name gets it from the command line.
  tableOf(schema.name ?? "table", schema.columns);
  return schema;
}

function bad(source: string, reason: string): MillraceError {
  return new MillraceError("BAD_SCHEMA", `Schema ${source}: ${reason}.`);
}

function kindNamed(type: string, column: string, source: string): Kind {
  const kind = synonyms[type.toLowerCase()] ?? type.toLowerCase();
  if (isKind(kind)) return kind;
  throw bad(source, `column ${column} has the type ${JSON.stringify(type)}; it takes ${kinds.join(", ")}`);
}

/** Kusto's own synonyms, and the .NET names in which `.show table` answers. */
const synonyms: Readonly<Record<string, Kind>> = {
  boolean: "bool",
  date: "datetime",
  double: "real",
  uuid: "guid",
  uniqueid: "guid",
  time: "timespan",
  "system.sbyte": "bool",
  "system.boolean": "bool",
  "system.datetime": "datetime",
  "system.data.sqltypes.sqldecimal": "decimal",
  "system.object": "dynamic",
  "system.guid": "guid",
  "system.int32": "int",
  "system.int64": "long",
  "system.double": "real",
  "system.string": "string",
  "system.timespan": "timespan",
};

function readSchemaJson(text: string, source: string): SchemaFile {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw bad(source, `it is not JSON (${(error as Error).message})`);
  }
  const { table: name, columns } = parsed as { table?: unknown; columns?: unknown };
  if (name !== undefined && typeof name !== "string") throw bad(source, `"table" is no text`);
  const list: NamedColumn[] = [];
  const renames: Rename[] = [];
  for (const [column, value] of columnEntries(columns, source)) {
    const { type, from } =
      typeof value === "string" ? { type: value, from: undefined } : (Object(value) as ColumnObject);
    if (typeof type !== "string") throw bad(source, `column ${column} has no "type"`);
    if (from !== undefined && typeof from !== "string") throw bad(source, `column ${column}: "from" is no text`);
    const isRequired = type.endsWith("!");
    list.push({
      name: column,
      kind: kindNamed(isRequired ? type.slice(0, -1) : type, column, source),
      isOptional: !isRequired,
    });
    if (from !== undefined && from !== column) renames.push({ field: from, column });
  }
  return { name, columns: list, renames };
}

/** The columns by name, in the order of the text. */
function columnEntries(columns: unknown, source: string): readonly (readonly [string, unknown])[] {
  const isNone = typeof columns !== "object" || columns === null || (Array.isArray(columns) && columns.length === 0);
  if (isNone) throw bad(source, `it has no "columns", an object such as {"ts": "datetime", "value": "real"}`);
  if (Array.isArray(columns))
    return columns.map((column: unknown, i) => {
      const { name } = Object(column) as { name?: unknown };
      if (typeof name !== "string") throw bad(source, `item ${i + 1} of "columns" has no "name"`);
      return [name, column];
    });
  const entries = Object.entries(columns);
  const misplaced = entries.find(([name]) => isIndexLike(name));
  if (misplaced && entries.length > 1)
    throw bad(
      source,
      `column ${misplaced[0]} is named like an array index, whose place JSON does not keep; make "columns" a list: [{"name": ${JSON.stringify(misplaced[0])}, "type": ...}]`,
    );
  return entries;
}

interface ColumnObject {
  type?: unknown;
  from?: unknown;
}

/** A reader over the little of KQL that a schema takes: names, colons, commas, one pair of parentheses. */
function readSchemaKql(text: string, source: string): SchemaFile {
  const tokens = tokenize(text, source);
  let at = 0;
  const peek = (): string | undefined => tokens[at]?.text;
  const isMark = (mark: string): boolean => tokens[at]?.isMark === true && peek() === mark;

  const name = tokens[0]?.isMark && tokens[0].text === "." ? readHead() : undefined;
  const isEnclosed = isMark("(");
  if (isEnclosed) at++;
  else if (name !== undefined) throw expected("the columns in parentheses");
  const columns: NamedColumn[] = [];
  while (at < tokens.length && !isMark(")")) {
    if (columns.length > 0) takeMark(",");
    const column = takeName("a column's name");
    takeMark(":");
    columns.push({ name: column, kind: kindNamed(takeType(), column, source), isOptional: true });
  }
  if (isEnclosed) takeMark(")");
  // What may follow a command's columns (with (folder=...)) says nothing about them.
  else if (at < tokens.length) throw expected("the end");
  if (columns.length === 0) throw bad(source, "it has no columns");
  return { name, columns, renames: [] };

  function readHead(): string {
    at++;
    const verb = takeName("create");
    if (!/^create(-merge)?$|^alter(-merge)?$/.test(verb))
      throw bad(source, `.${verb} is no command that makes a table`);
    if (takeName("table") !== "table") throw bad(source, `.${verb} is not followed by table`);
    return takeName("a table's name");
  }

  function takeType(): string {
    let type = takeName("a type");
    while (isMark(".")) {
      at++;
      type += `.${takeName("a type")}`;
    }
    return type;
  }

  function takeName(what: string): string {
    const token = tokens[at];
    if (!token || token.isMark) throw expected(what);
    at++;
    return token.text;
  }

  function takeMark(mark: string): void {
    if (!isMark(mark)) throw expected(`"${mark}"`);
    at++;
  }

  function expected(what: string): MillraceError {
    const token = tokens[at];
    return bad(
      source,
      token ? `expected ${what} at "${token.text}" (character ${token.at + 1})` : `it ends where ${what} is expected`,
    );
  }
}

interface Token {
  readonly text: string;
  readonly at: number;
  readonly isMark: boolean;
}

const token =
  /\s+|\/\/[^\n]*|(?<mark>[.:,()])|(?<plain>[\p{L}\p{N}_](?:[\p{L}\p{N}_]|-(?=[\p{L}\p{N}_]))*)|\[\s*(?<quoted>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")\s*\]/uy;

function tokenize(text: string, source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    token.lastIndex = at;
    const match = token.exec(text);
    if (!match) {
      if (tokens.some((t) => t.text === ")" && t.isMark)) break;
      throw bad(source, `character ${at + 1} is not understood: ${JSON.stringify(text.slice(at, at + 20))}`);
    }
    const { mark, plain, quoted } = match.groups!;
    if (mark !== undefined) tokens.push({ text: mark, at, isMark: true });
    else if (plain !== undefined) tokens.push({ text: plain, at, isMark: false });
    else if (quoted !== undefined) tokens.push({ text: unquote(quoted), at, isMark: false });
    at = token.lastIndex;
  }
  return tokens;
}

const unescapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", 0: "\0" };

function unquote(literal: string): string {
  return literal
    .slice(1, -1)
    .replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (_, hex: string | undefined, one: string) =>
      hex === undefined ? (unescapes[one] ?? one) : String.fromCharCode(Number.parseInt(hex, 16)),
    );
}
