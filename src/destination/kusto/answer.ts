import { KustoAnswerError, type KustoErrorBody } from "./errors.ts";

/** One result table. */
export interface Answer {
  /** Kusto's type names: `long`, `datetime`, ... */
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /**
   * In the order of the columns. A long is a number, or a bigint where a number would lose digits; datetime, timespan,
   * guid and decimal are the service's text; dynamic is JSON, with bigints by the same rule; null is null.
   */
  readonly rows: readonly (readonly unknown[])[];
}

/** The values of one column. */
export function columnOf({ columns, rows }: Answer, name: string): unknown[] {
  const index = columns.findIndex((column) => column.name === name);
  return rows.map((row) => row[index]);
}

/** Answer of `/v1/rest/mgmt`: the first result, by the table of contents where there is one. */
export function answerOfV1(body: string): Answer {
  const { value, mark } = parse(body);
  const { Tables: tables, Exceptions: exceptions } = value as { Tables?: WireTable[]; Exceptions?: unknown[] };
  if (exceptions?.length) throw new KustoAnswerError({ message: String(exceptions[0]) });
  if (!tables?.length) throw new KustoAnswerError({ message: "the answer holds no table" });
  return answerOf(tables.length > 2 ? listedResult(tables) : tables[0]!, mark);
}

/** Answer of `/v2/rest/query`: the primary result, unless the frames tell of an error. */
export function answerOfV2(body: string): Answer {
  const { value, mark } = parse(body);
  const frames = value as WireFrame[];
  for (const frame of frames) {
    const error = frame.OneApiErrors?.[0]?.error ?? errorAmong(frame.Rows);
    if (error || frame.HasErrors === true) throw new KustoAnswerError(error ?? {});
  }
  const primary = frames.find((frame) => frame.FrameType === "DataTable" && frame.TableKind === "PrimaryResult");
  if (!primary?.Columns) throw new KustoAnswerError({ message: "the answer holds no primary result" });
  return answerOf({ Columns: primary.Columns, Rows: primary.Rows ?? [] }, mark);
}

interface WireTable {
  readonly Columns: readonly { ColumnName: string; ColumnType?: string; DataType?: string }[];
  readonly Rows: readonly unknown[];
}

interface WireFrame extends Partial<WireTable> {
  readonly FrameType: string;
  readonly TableKind?: string;
  readonly HasErrors?: boolean;
  readonly OneApiErrors?: readonly { error?: KustoErrorBody }[];
}

/** A table that was cut off by an error holds it among its rows. */
function errorAmong(rows: readonly unknown[] | undefined): KustoErrorBody | undefined {
  const last = rows?.at(-1);
  if (last === null || typeof last !== "object" || Array.isArray(last)) return undefined;
  return (last as WireFrame).OneApiErrors?.[0]?.error;
}

function listedResult(tables: readonly WireTable[]): WireTable {
  const contents = tables.at(-1)!;
  const kind = contents.Columns.findIndex((c) => c.ColumnName === "Kind");
  const index = contents.Rows.findIndex((row) => Array.isArray(row) && /^(QueryResult|PrimaryResult)$/.test(row[kind]));
  return tables[index] ?? tables[0]!;
}

/** v1 may name only the .NET type. */
const kustoTypes: Readonly<Record<string, string>> = {
  Int64: "long",
  Int32: "int",
  Double: "real",
  String: "string",
  DateTime: "datetime",
  TimeSpan: "timespan",
  SByte: "bool",
  Boolean: "bool",
  Guid: "guid",
  SqlDecimal: "decimal",
  Object: "dynamic",
};

function answerOf({ Columns, Rows }: WireTable, mark: string): Answer {
  const columns = Columns.map((c) => ({
    name: c.ColumnName,
    type: c.ColumnType || kustoTypes[c.DataType?.replace(/^System\.(Data\.SqlTypes\.)?/, "") ?? ""] || "string",
  }));
  const readers = columns.map(({ type }) => readerOf(type, mark));
  const rows = Rows.map((row) => readers.map((read, i) => read((row as unknown[])[i] ?? null)));
  return { columns, rows };
}

const nonFinite: Readonly<Record<string, number>> = { NaN: Number.NaN, Infinity, "-Infinity": -Infinity };

/** What {@link parse} makes of a body: JSON, in which integers that a number cannot hold are texts behind a mark. */
interface Parsed {
  readonly value: unknown;
  readonly mark: string;
}

function readerOf(type: string, mark: string): (value: unknown) => unknown {
  const digitsIn = (value: unknown) =>
    typeof value === "string" && value.startsWith(mark) ? value.slice(mark.length) : undefined;
  switch (type) {
    case "long":
      return (value) => asBigint(digitsIn(value)) ?? value;
    case "real":
      return (value) => {
        const digits = digitsIn(value);
        if (digits !== undefined) return Number(digits);
        return typeof value === "string" ? (nonFinite[value] ?? Number(value)) : value;
      };
    case "bool":
      return (value) => (typeof value === "number" ? value !== 0 : value);
    case "decimal":
      return (value) => digitsIn(value) ?? value;
    case "dynamic":
      return (value) => deep(value, (text) => asBigint(digitsIn(text)) ?? text);
    default:
      return (value) => value;
  }
}

const asBigint = (digits: string | undefined) => (digits === undefined ? undefined : BigInt(digits));

function deep(value: unknown, act: (text: string) => unknown): unknown {
  if (typeof value === "string") return act(value);
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map((item) => deep(item, act));
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, deep(member, act)]));
}

/** A string or a number of JSON, whole: digits inside of strings and fractions are not integers. */
const stringOrNumber = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const longInteger = /^-?\d{16,}$/;

function parse(body: string): Parsed {
  // A mark that no text of the body holds, so that nothing in the data can be taken for it.
  let written = "\\u0001";
  while (body.includes(written)) written += "\\u0001";
  const marked = body.replace(stringOrNumber, (token) =>
    longInteger.test(token) && !Number.isSafeInteger(Number(token)) ? `"${written}${token}"` : token,
  );
  return { value: JSON.parse(marked), mark: "\u0001".repeat(written.length / 6) };
}
