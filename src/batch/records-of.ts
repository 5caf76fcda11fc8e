import { decimalText } from "../encode/decimal-text.ts";
import { jsEncoder } from "../encode/js-encoder.ts";
import { compilePacker } from "../encode/packer.ts";
import { MillraceError, reasonOf } from "../errors.ts";
import { coerce } from "../schema/coerce.ts";
import { datetimeText, parseDatetime, parseTimespan, timespanText } from "../schema/datetime-text.ts";
import { parseExactly } from "../schema/exact-json.ts";
import { ExactNumber } from "../schema/exact-number.ts";
import type { Kind } from "../schema/kinds.ts";
import { checkTable, type NamedColumn, type Table } from "../schema/table.ts";
import type { Ticks } from "../schema/ticks.ts";
import { checkRows, rowsOf } from "./rows-of.ts";
import type { RowsBatch } from "./sealed-batch.ts";

/** A record decoded from a batch: a value for each column of the table, in its order, null where it has none. */
export type DecodedRecord = Readonly<Record<string, unknown>>;

/** A row of a batch, from 0, decoded; or why it does not fit its table, which only a row of `writeRaw()` can. */
export type DecodedRow =
  | { readonly row: number; readonly record: DecodedRecord; readonly reason?: undefined }
  | { readonly row: number; readonly record?: undefined; readonly reason: string };

/**
 * Decodes the rows of a batch of payload "records", one by one as they are asked for. The values are those of the encoded row, so a
 * restart that delivers it from the log gives the same:
 *
 * | kind | value |
 * |---|---|
 * | bool | boolean |
 * | int, real | number, with NaN, infinities and -0 |
 * | long | bigint, always |
 * | decimal, guid, string | text; a decimal as the encoder writes it |
 * | datetime | text in ISO 8601, UTC, to the tick: `2024-05-06T07:08:09.1234567Z` |
 * | timespan | text: `1.02:03:04.5` |
 * | dynamic | the parsed JSON; a number that a double does not hold is an `ExactNumber` |
 *
 * A row of `writeRaw()` is converted as `coerce(table, "json")` does it and checked as `write()` does it; members that are no column are left out.
 *
 * @param table of the batch: `context.table`
 * @throws MillraceError BAD_OPTION for a batch of another payload or format.
 */
export function recordsOf(
  table: Table,
  batch: Pick<RowsBatch<"records">, "bytes" | "ends" | "format" | "table">,
): Generator<DecodedRow> {
  checkTable("recordsOf()", table);
  checkRows("recordsOf()", batch);
  if (batch.format !== "ndjson")
    throw new MillraceError("BAD_OPTION", `recordsOf(): batch is of format ${batch.format}; it takes ndjson.`, {
      context: { option: "batch", table: batch.table },
    });
  return decodedRows(table, batch);
}

function* decodedRows(table: Table, batch: Parameters<typeof rowsOf>[0]): Generator<DecodedRow> {
  const decode = decoderOf(table);
  let row = 0;
  for (const bytes of rowsOf(batch)) {
    const decoded = decode(bytes.toString("utf8"));
    yield typeof decoded === "string" ? { row, reason: decoded } : { row, record: decoded };
    row++;
  }
}

/** The record of a row, or why it has none. */
function decoderOf(table: Table): (text: string) => DecodedRecord | string {
  let normalise: ((text: string) => string) | undefined;

  return (text) => {
    const record = decoded(table, parseExactly(text) as Record<string, unknown>);
    if (record) return record;
    // A row that is not as the encoder writes it.
    normalise ??= normaliser(table);
    try {
      const plain = decoded(table, parseExactly(normalise(text)) as Record<string, unknown>);
      return plain ?? "it is not decoded as the encoder has written it (a defect)";
    } catch (error) {
      return whyRefused(error);
    }
  };
}

/** Undefined where a value is not as the encoder writes it. */
function decoded({ list }: Table, parsed: Readonly<Record<string, unknown>>): DecodedRecord | undefined {
  const record: Record<string, unknown> = {};
  for (const column of list) {
    const { name } = column;
    const value = columnValue(column, Object.hasOwn(parsed, name) ? parsed[name] : null);
    if (value === undefined) return undefined;
    if (name === "__proto__") Object.defineProperty(record, name, { value, enumerable: true });
    else record[name] = value;
  }
  return record;
}

function columnValue({ kind, isOptional }: NamedColumn, value: unknown): unknown {
  if (value === null) return isOptional ? null : undefined;
  return decoders[kind](value);
}

const least = -(2n ** 63n);
const greatest = 2n ** 63n - 1n;
const ticks: Ticks = { ms: 0, rest: 0 };

/** By kind: the value, or undefined where the encoder does not write it so. */
const decoders: Readonly<Record<Kind, (value: unknown) => unknown>> = {
  bool: (value) => (typeof value === "boolean" ? value : undefined),
  int: (value) => (typeof value === "number" && (value | 0) === value ? value : undefined),
  long(value) {
    if (Number.isSafeInteger(value)) return BigInt(value as number);
    // Beyond, a number was parsed where it prints the digits that were there; its own value is another.
    const whole = Number.isInteger(value) && Math.abs(value as number) < 1e21 ? BigInt(String(value)) : value;
    return typeof whole === "bigint" && whole >= least && whole <= greatest ? whole : undefined;
  },
  real(value) {
    if (typeof value === "number") return value;
    if (value instanceof ExactNumber || typeof value === "bigint") return finite(Number(value));
    return specials.get(value);
  },
  decimal: (value) => (typeof value === "string" && isPlainDecimal(value) ? value : undefined),
  guid: (value) =>
    typeof value === "string" && /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/.test(value) ? value : undefined,
  string: (value) => (typeof value === "string" ? value : undefined),
  datetime(value) {
    if (typeof value !== "string" || parseDatetime(value, ticks) !== undefined) return undefined;
    return datetimeText(ticksOf(ticks)) === value ? value : undefined;
  },
  timespan(value) {
    if (typeof value !== "string" || !parseTimespan(value, ticks)) return undefined;
    return timespanText(ticksOf(ticks)) === value ? value : undefined;
  },
  dynamic: (value) => value,
};

function isPlainDecimal(value: string): boolean {
  const plain = decimalText(value);
  return "text" in plain && plain.text === value;
}

const specials: ReadonlyMap<unknown, number> = new Map([
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
]);

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}

function ticksOf({ ms, rest }: Ticks): bigint {
  return BigInt(ms) * 10_000n + BigInt(rest);
}

/** Encodes the record in a row, as `write()` would. */
function normaliser(table: Table): (text: string) => string {
  const maxRecordBytes = 1024 ** 3;
  const convert = coerce(table, "json");
  const packer = compilePacker(table, { format: "ndjson", maxRecordBytes, rowsPerChunk: 1, mostSpares: 1 });
  const encoder = jsEncoder(table, "ndjson", { maxRows: 1, maxBytes: maxRecordBytes }, 1, "plain");
  return (text) => {
    packer.pack(convert(parseExactly(text) as Record<string, unknown>));
    const chunk = packer.take()!;
    encoder.append(chunk, 0);
    return Buffer.concat(encoder.cut(true).parts).toString("utf8");
  };
}

function whyRefused(error: unknown): string {
  if (!(error instanceof MillraceError) || error.code !== "RECORD_REFUSED") return reasonOf(error);
  const { column, kind, value, reason } = error.context;
  return column === undefined ? `${reason}` : `column ${column} (${kind}) got ${value}: ${reason}`;
}
