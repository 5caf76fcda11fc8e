import { MillraceError } from "../errors.ts";
import { refuseUnknownOptions } from "../option-names.ts";
import { cutToTicks } from "./datetime-text.ts";
import { mayLoseDigits } from "./exact-json.ts";
import { ExactNumber, stringifyExactly } from "./exact-number.ts";
import type { ExcessPrecision } from "./excess-precision.ts";
import { checkForm, type SampleForm } from "./infer.ts";
import type { Kind } from "./kinds.ts";
import { listed, whyNoneMatches } from "./match-fields.ts";
import { checkRenames, type Rename } from "./names.ts";
import { nullTextsOf } from "./null-texts.ts";
import { rawJson } from "./raw-json.ts";
import { checkTable, type NamedColumn, type Table } from "./table.ts";
import { readBool, readGuid, readInteger, readReal } from "./texts.ts";
import { msTo1970, ticksOfMs } from "./ticks.ts";

/** Options of {@link coerce}. */
export interface CoerceOptions {
  /** From `inferTable()`, or a schema file: columns whose name in the data is another. */
  renames?: readonly Rename[];
  /**
   * CSV: texts that stand for null in every column, also in one of texts. Default: the usual ones (`NA`, `N/A`, `null`, `None`, `NaN`,
   * `\N`, `-` and the like) in all but string and dynamic columns; a real column keeps NaN. `[]`: none but the empty text.
   */
  nullTexts?: readonly string[];
  /** Times with more than the 7 fraction digits that Kusto keeps: "refuse" (default), or "truncate" to 7. */
  excessPrecision?: ExcessPrecision;
}

/** How often texts of a CSV column were read as null, and which. */
export interface ReadAsNull {
  readonly count: number;
  readonly texts: ReadonlySet<string>;
}

/** Turns raw records into records for `write()`. */
export interface Coercion {
  (raw: Readonly<Record<string, unknown>>): Record<string, unknown>;
  /**
   * Fields met that no column takes, and in how many records. The first 1 000 names; a record is counted under each.
   */
  readonly unknownFields: ReadonlyMap<string, number>;
  /** By column: texts beside the empty one that were read as null. */
  readonly readAsNull: ReadonlyMap<string, ReadAsNull>;
  /** What it was given. */
  readonly from: SampleForm;
  /** The names that it was given. */
  readonly renames: readonly Rename[];
  /** As they were given. */
  readonly nullTexts?: readonly string[];
  readonly excessPrecision?: ExcessPrecision;
}

/**
 * Compiles the step from what a file holds to what a table takes.
 *
 * | column            | value                            | becomes |
 * |-------------------|----------------------------------|---------|
 * | string            | number, bool, object, array      | its JSON text |
 * | int, long         | text that spells an integer      | number, or bigint beyond 2^53 |
 * | real              | text that spells a number, NaN, inf | number |
 * | real              | bigint, {@link ExactNumber}      | the nearest number |
 * | decimal, string, int, long | {@link ExactNumber}     | its text, and then as text |
 * | datetime, timespan | {@link ExactNumber}             | milliseconds, as a bigint of ticks |
 * | datetime, timespan | bigint                          | its text, which the sink refuses |
 * | bool              | true, false, 1, 0 as text        | boolean |
 * | dynamic from CSV  | text that is JSON / other text   | that value, with every digit of its numbers / the text |
 * | dynamic           | bigint                           | {@link ExactNumber} |
 * | guid              | text in braces, or without dashes | the text with dashes |
 * | all but string    | empty CSV text                   | null |
 * | all but string and dynamic | CSV text such as NA, null, - (`nullTexts`) | null |
 *
 * Anything else is passed on as it is, so that the sink can refuse it by name: a value that does not fit is never made
 * to fit. Texts in JSON are read like texts in CSV, since 64-bit integers are often sent that way. A record that is no
 * object, or that throws while it is read, is passed on whole.
 *
 * @throws MillraceError BAD_SOURCE, from its calls, at the first CSV record if none of its fields has a column: with another delimiter
 *   or without a header all records would be nulls. BAD_OPTION.
 */
export function coerce(table: Table, from: SampleForm, options: CoerceOptions = {}): Coercion {
  checkTable("coerce()", table);
  checkForm("coerce()", from);
  checkOptions(options);
  const { renames = [] } = options;
  const readAsNull = new Map<string, NullCount>();
  const fieldOf = new Map(renames.map((r) => [r.column, r.field]));
  const steps = table.list.map((column) => ({
    column: column.name,
    field: fieldOf.get(column.name) ?? column.name,
    convert: converterWith(options, column, from, readAsNull),
  }));
  // A record without a field named `constructor` would answer with Object's own member.
  const isPlain = steps.every(({ column, field }) => !(field in Object.prototype) && column !== "__proto__");
  const known = new Set(steps.map((step) => step.field));
  const unknownFields = new Map<string, number>();

  /** A record before had a column for one of its fields. */
  let hasMatched = false;

  /** Fields of the first record, where none has a column. */
  let unmatched: readonly string[] | undefined;

  function convert(raw: Readonly<Record<string, unknown>>): Record<string, unknown> {
    if (typeof raw !== "object" || raw === null) return raw;
    let record: Record<string, unknown>;
    try {
      record = read(raw);
    } catch {
      // A getter or a proxy's trap threw: the sink meets it again, and refuses the record with what it says.
      return raw;
    }
    if (unmatched) throw noneMatches(unmatched, table);
    return record;
  }

  function read(raw: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const record: Record<string, unknown> = {};
    let present = 0;
    for (const { column, field, convert } of steps) {
      const value = isPlain || Object.hasOwn(raw, field) ? raw[field] : undefined;
      if (value === undefined) continue;
      present++;
      const converted = value === null ? null : convert(value);
      if (isPlain) record[column] = converted;
      else define(record, column, converted);
    }
    // Counting names is dear beside the rest, so only a record with more fields than were used is looked through.
    const fields = Object.keys(raw);
    if (present > 0) hasMatched = true;
    else unmatched = from === "csv" && !hasMatched && fields.length > 0 ? fields : undefined;
    if (fields.length > present) noteUnknown(fields, known, unknownFields);
    return record;
  }
  return Object.assign(convert, {
    ...{ unknownFields, readAsNull, from, renames },
    ...(options.nullTexts && { nullTexts: options.nullTexts }),
    ...(options.excessPrecision && { excessPrecision: options.excessPrecision }),
  });
}

/** What `inferTable()` returned may be given as the options. */
function checkOptions(options: CoerceOptions): void {
  refuseUnknownOptions("coerce()", options, ["renames", "nullTexts", "excessPrecision", ...inferred]);
  checkRenames("coerce()", options.renames === undefined ? [] : options.renames);
  const { nullTexts = [], excessPrecision = "refuse" } = options;
  if (!Array.isArray(nullTexts) || nullTexts.some((text) => typeof text !== "string"))
    throw new MillraceError("BAD_OPTION", "coerce(): nullTexts is a list of texts.");
  if (excessPrecision !== "refuse" && excessPrecision !== "truncate")
    throw new MillraceError(
      "BAD_OPTION",
      `coerce(): excessPrecision is ${JSON.stringify(excessPrecision)}; it takes refuse, truncate.`,
    );
}

/** Members of what `inferTable()` returns. */
const inferred = ["table", "samples", "readAsNull", "tooPrecise", "exceptions"];

function noneMatches(fields: readonly string[], table: Table): MillraceError {
  const why = whyNoneMatches(fields, table, true);
  return new MillraceError(
    "BAD_SOURCE",
    `None of the fields (${listed(fields)}) has a column in table ${table.name} (${listed(table.list.map(({ name }) => name))})${why === undefined ? "" : `: ${why}`}.`,
    { context: { table: table.name } },
  );
}

interface NullCount {
  count: number;
  readonly texts: Set<string>;
}

/** The converter of a column, with what the options say of its texts before it. */
function converterWith(
  { nullTexts, excessPrecision }: CoerceOptions,
  column: NamedColumn,
  from: SampleForm,
  readAsNull: Map<string, NullCount>,
): Converter {
  const { name, kind } = column;
  const convert = converterOf(column, from);
  const isCut = excessPrecision === "truncate" && (kind === "datetime" || kind === "timespan");
  const cut: Converter = isCut ? (value) => convert(typeof value === "string" ? cutToTicks(value) : value) : convert;
  const nulls = nullTextsOf(kind, nullTexts);
  if (from !== "csv" || nulls.size === 0) return cut;
  // Most values are longer, and need not be looked up.
  const longest = Math.max(...[...nulls].map((text) => text.length));
  return (value) => {
    if (typeof value !== "string" || value.length > longest || !nulls.has(value)) return cut(value);
    let seen = readAsNull.get(name);
    if (!seen) {
      seen = { count: 0, texts: new Set() };
      readAsNull.set(name, seen);
    }
    seen.count++;
    seen.texts.add(value);
    return null;
  };
}

/** A column may be called `__proto__`, which an assignment would take for the object's prototype. */
function define(record: Record<string, unknown>, column: string, value: unknown): void {
  Object.defineProperty(record, column, { value, enumerable: true, writable: true, configurable: true });
}

const mostUnknownFields = 1_000;

function noteUnknown(fields: readonly string[], known: ReadonlySet<string>, counts: Map<string, number>): void {
  for (const field of fields) {
    if (known.has(field)) continue;
    const count = counts.get(field);
    if (count !== undefined || counts.size < mostUnknownFields) counts.set(field, (count ?? 0) + 1);
  }
}

type Converter = (value: unknown) => unknown;

const texts: Partial<Record<Kind, (text: string) => unknown>> = {
  bool: readBool,
  int: readInteger,
  long: readInteger,
  real: readReal,
  guid: readGuid,
};

/** In a file a large integer is a number; to the sink a bigint of time is ticks. As text it is refused, not misread. */
const bigints: Partial<Record<Kind, (value: bigint) => unknown>> = {
  real: nearestReal,
  datetime: String,
  timespan: String,
};

/** Undefined: it does not fit. */
const exactNumbers: Partial<Record<Kind, (text: string) => unknown>> = {
  ...texts,
  bool: () => undefined,
  guid: () => undefined,
  decimal: (text) => text,
  datetime(text) {
    const ticks = ticksOfMs(text);
    return ticks === undefined ? undefined : ticks + BigInt(msTo1970) * 10_000n;
  },
  timespan: ticksOfMs,
};

function nearestReal(value: bigint): number | bigint {
  const nearest = Number(value);
  return Number.isFinite(nearest) ? nearest : value;
}

function converterOf({ kind }: NamedColumn, from: SampleForm): Converter {
  if (kind === "string") return toText;
  if (kind === "dynamic") return from === "csv" ? fromCsvText : inDynamic;
  const read = texts[kind];
  const fromBigint = bigints[kind];
  const fromExact = exactNumbers[kind];
  return (value) => {
    if (typeof value === "string") {
      if (value === "" && from === "csv") return null;
      return read?.(value) ?? value;
    }
    if (typeof value === "bigint") return fromBigint ? fromBigint(value) : value;
    return value instanceof ExactNumber ? (fromExact?.(value.text) ?? value) : value;
  };
}

function toText(value: unknown): unknown {
  switch (typeof value) {
    case "string":
      return value;
    case "object":
      return jsonText(value);
    case "number":
    case "bigint":
    case "boolean":
      return String(value);
    default:
      return value;
  }
}

/** What JSON has no form for is the sink's to refuse. */
function jsonText(value: unknown): unknown {
  try {
    return stringifyExactly(value);
  } catch {
    return value;
  }
}

function fromCsvText(value: unknown): unknown {
  if (typeof value !== "string") return inDynamic(value);
  if (value === "") return null;
  try {
    const parsed: unknown = JSON.parse(value);
    return parsed !== null && typeof parsed !== "string" && mayLoseDigits(value) ? rawJson(value) : parsed;
  } catch {
    return value;
  }
}

/** JSON.stringify has no bigint. */
function inDynamic(value: unknown): unknown {
  return typeof value === "bigint" ? new ExactNumber(String(value)) : value;
}
