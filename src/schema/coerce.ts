import { MillraceError } from "../errors.ts";
import { cutToTicks } from "./datetime-text.ts";
import type { SampleForm } from "./infer.ts";
import type { Kind } from "./kinds.ts";
import { listed, whyNoneMatches } from "./match-fields.ts";
import type { Rename } from "./names.ts";
import { nullTextsOf } from "./null-texts.ts";
import { rawJson } from "./raw-json.ts";
import type { NamedColumn, Table } from "./table.ts";
import { readBool, readGuid, readInteger, readReal } from "./texts.ts";

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

/** What becomes of a time with more than 7 fraction digits, as Go, Java and Docker write them. */
export type ExcessPrecision = "refuse" | "truncate";

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
 * | real              | bigint                           | the nearest number |
 * | datetime, timespan | bigint                          | its text, which the sink refuses |
 * | bool              | true, false, 1, 0 as text        | boolean |
 * | dynamic from CSV  | text that is JSON / other text   | that value, with every digit of its numbers / the text |
 * | guid              | text in braces, or without dashes | the text with dashes |
 * | all but string    | empty CSV text                   | null |
 * | all but string and dynamic | CSV text such as NA, null, - (`nullTexts`) | null |
 *
 * Anything else is passed on as it is, so that the sink can refuse it by name: a value that does not fit is never made
 * to fit. Texts in JSON are read like texts in CSV, since 64-bit integers are often sent that way.
 *
 * @throws MillraceError BAD_SOURCE, from its calls, at the first CSV record if none of its fields has a column: with another delimiter
 *   or without a header all records would be nulls. BAD_OPTION.
 */
export function coerce(table: Table, from: SampleForm, options: CoerceOptions = {}): Coercion {
  checkOptions(options);
  const { renames = [] } = options;
  const readAsNull = new Map<string, NullCount>();
  const fieldOf = new Map(renames.map((r) => [r.column, r.field]));
  const steps = table.list.map((column) => ({
    column: column.name,
    field: fieldOf.get(column.name) ?? column.name,
    convert: converterWith(options, column, from, readAsNull),
    // A record without a field named `constructor` would answer with Object's own member.
    isInherited: (fieldOf.get(column.name) ?? column.name) in Object.prototype,
  }));
  const known = new Set(steps.map((step) => step.field));
  const unknownFields = new Map<string, number>();

  /** A record before had a column for one of its fields. */
  let hasMatched = false;

  function convert(raw: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const record: Record<string, unknown> = {};
    let present = 0;
    for (const { column, field, convert, isInherited } of steps) {
      const value = isInherited && !Object.hasOwn(raw, field) ? undefined : raw[field];
      if (value === undefined) continue;
      present++;
      record[column] = value === null ? null : convert(value);
    }
    // Counting names is dear beside the rest, so only a record with more fields than were used is looked through.
    const fields = Object.keys(raw);
    if (present > 0) hasMatched = true;
    else if (from === "csv" && !hasMatched && fields.length > 0) throw noneMatches(fields, table);
    if (fields.length > present) noteUnknown(fields, known, unknownFields);
    return record;
  }
  return Object.assign(convert, {
    ...{ unknownFields, readAsNull, renames },
    ...(options.nullTexts && { nullTexts: options.nullTexts }),
    ...(options.excessPrecision && { excessPrecision: options.excessPrecision }),
  });
}

/** Other members are left alone: what `inferTable()` returned may be given as the options. */
function checkOptions(options: CoerceOptions): void {
  const { nullTexts = [], excessPrecision = "refuse" } = options;
  if (!Array.isArray(nullTexts) || nullTexts.some((text) => typeof text !== "string"))
    throw new MillraceError("BAD_OPTION", "coerce(): nullTexts is a list of texts.");
  if (excessPrecision !== "refuse" && excessPrecision !== "truncate")
    throw new MillraceError(
      "BAD_OPTION",
      `coerce(): excessPrecision is ${JSON.stringify(excessPrecision)}; it takes refuse, truncate.`,
    );
}

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
  real: Number,
  datetime: String,
  timespan: String,
};

function converterOf({ kind }: NamedColumn, from: SampleForm): Converter {
  if (kind === "string") return toText;
  if (kind === "dynamic") return from === "csv" ? fromCsvText : nearestInDynamic;
  const read = texts[kind];
  const fromBigint = bigints[kind];
  return (value) => {
    if (typeof value === "string") {
      if (value === "" && from === "csv") return null;
      return read?.(value) ?? value;
    }
    return fromBigint && typeof value === "bigint" ? fromBigint(value) : value;
  };
}

function toText(value: unknown): unknown {
  switch (typeof value) {
    case "string":
      return value;
    case "object":
      return JSON.stringify(value);
    case "number":
    case "bigint":
    case "boolean":
      return String(value);
    default:
      return value;
  }
}

function fromCsvText(value: unknown): unknown {
  if (typeof value !== "string") return nearestInDynamic(value);
  if (value === "") return null;
  try {
    const parsed: unknown = JSON.parse(value);
    // A double does not hold every number of so many digits.
    return parsed !== null && typeof parsed !== "string" && manyDigits.test(value) ? rawJson(value) : parsed;
  } catch {
    return value;
  }
}

const manyDigits = /\d{16}/;

/** JSON.stringify has no bigint; where the runtime can write raw JSON (Node 22) the digits are kept, else as JSON.parse would. */
function nearestInDynamic(value: unknown): unknown {
  if (typeof value !== "bigint") return value;
  const { rawJSON } = JSON as { rawJSON?: (text: string) => unknown };
  return rawJSON ? rawJSON(String(value)) : Number(value);
}
