import { BrokenAnswerError, KustoAnswerError, type KustoErrorBody } from "./errors.ts";

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
  const answer = value as WireAnswer | null;
  const error = answer?.OneApiErrors?.[0]?.error ?? answer?.error;
  if (error) throw new KustoAnswerError(error);
  if (answer?.Exceptions?.length) throw new KustoAnswerError({ message: String(answer.Exceptions[0]) });
  const tables = answer?.Tables;
  if (!Array.isArray(tables) || tables.length === 0 || !tables.every(isTable))
    throw new BrokenAnswerError("the answer holds no table");
  const failure = tables.map(({ Rows }) => errorAmong(Rows)).find((each) => each !== undefined) ?? failedStatus(tables);
  if (failure) throw new KustoAnswerError(failure);
  return answerOf(tables.length > 2 ? listedResult(tables) : tables[0]!, mark);
}

/** Answer of `/v2/rest/query`: the primary result, unless the frames tell of an error. */
export function answerOfV2(body: string): Answer {
  const { value, mark } = parse(body);
  const frames = value as WireFrame[] | null;
  if (!Array.isArray(frames)) throw new BrokenAnswerError("the answer holds no frames");
  for (const frame of frames) {
    const error = frame?.OneApiErrors?.[0]?.error ?? errorAmong(frame?.Rows);
    if (error || frame?.HasErrors === true) throw new KustoAnswerError(error ?? {});
  }
  const primary = frames.find((frame) => frame?.FrameType === "DataTable" && frame.TableKind === "PrimaryResult");
  const { Columns, Rows = [] } = primary ?? {};
  if (!isTable({ Columns, Rows })) throw new BrokenAnswerError("the answer holds no primary result");
  return answerOf({ Columns, Rows } as WireTable, mark);
}

interface WireAnswer extends WithErrors {
  readonly Tables?: WireTable[];
  readonly Exceptions?: readonly unknown[];
  readonly error?: KustoErrorBody;
}

interface WithErrors {
  readonly OneApiErrors?: readonly { error?: KustoErrorBody }[];
}

interface WireTable {
  readonly Columns: readonly { ColumnName: string; ColumnType?: string; DataType?: string }[];
  readonly Rows: readonly unknown[];
}

interface WireFrame extends Partial<WireTable>, WithErrors {
  readonly FrameType: string;
  readonly TableKind?: string;
  readonly HasErrors?: boolean;
}

function isTable(table: { readonly Columns?: unknown; readonly Rows?: unknown } | null | undefined): boolean {
  return Array.isArray(table?.Columns) && Array.isArray(table.Rows);
}

/**
 * A table that was cut off by an error holds it among its rows, as an object where a row would be an array (documentation,
 * "Partial query failures"): `OneApiErrors`, and in version 1 perhaps nothing but texts, `Exceptions`.
 */
function errorAmong(rows: readonly unknown[] | undefined): KustoErrorBody | undefined {
  const told = rows?.find((row) => row !== null && typeof row === "object" && !Array.isArray(row)) as
    | WireAnswer
    | undefined;
  if (told === undefined) return undefined;
  return (
    told.OneApiErrors?.[0]?.error ?? { message: String(told.Exceptions?.[0] ?? "a row of the answer is an error") }
  );
}

/** From this severity on a status is a failure: 1 is critical, 2 an error (documentation, "Partial query failures"). */
const mildestFailure = 2;

/** The status that version 1 gives beside the result of a query. */
function failedStatus(tables: readonly WireTable[]): KustoErrorBody | undefined {
  const status = tables.length > 2 ? tableOfKind(tables, /^QueryStatus$/) : undefined;
  if (!status) return undefined;
  const [severity, text] = ["Severity", "StatusDescription"].map((name) =>
    status.Columns.findIndex((column) => column.ColumnName === name),
  );
  const failed = (status.Rows as unknown[][]).find((row) => {
    const value = row[severity!];
    return typeof value === "number" && value <= mildestFailure;
  });
  return failed && { message: String(failed[text!]) };
}

function listedResult(tables: readonly WireTable[]): WireTable {
  return tableOfKind(tables, /^(QueryResult|PrimaryResult)$/) ?? tables[0]!;
}

/** By the table of contents, which is the last one. */
function tableOfKind(tables: readonly WireTable[], kind: RegExp): WireTable | undefined {
  const contents = tables.at(-1)!;
  const column = contents.Columns.findIndex((c) => c.ColumnName === "Kind");
  return tables[contents.Rows.findIndex((row) => Array.isArray(row) && kind.test(String(row[column])))];
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
