import type { SampleForm } from "./infer.ts";
import type { Kind } from "./kinds.ts";
import type { Rename } from "./names.ts";
import { rawJson } from "./raw-json.ts";
import type { NamedColumn, Table } from "./table.ts";
import { readBool, readInteger, readReal } from "./texts.ts";

/** Options of {@link coerce}. */
export interface CoerceOptions {
  /** From `inferTable()`, or a schema file: columns whose name in the data is another. */
  renames?: readonly Rename[];
}

/** Turns raw records into records for `write()`. */
export interface Coercion {
  (raw: Readonly<Record<string, unknown>>): Record<string, unknown>;
  /**
   * Fields met that no column takes, and in how many records. The first 1 000 names; a record is counted under each.
   */
  readonly unknownFields: ReadonlyMap<string, number>;
  /** The names that it was given. */
  readonly renames: readonly Rename[];
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
 * | all but string    | empty CSV text                   | null |
 *
 * Anything else is passed on as it is, so that the sink can refuse it by name: a value that does not fit is never made
 * to fit. Texts in JSON are read like texts in CSV, since 64-bit integers are often sent that way.
 */
export function coerce(table: Table, from: SampleForm, { renames = [] }: CoerceOptions = {}): Coercion {
  const fieldOf = new Map(renames.map((r) => [r.column, r.field]));
  const steps = table.list.map((column) => ({
    column: column.name,
    field: fieldOf.get(column.name) ?? column.name,
    convert: converterOf(column, from),
    // A record without a field named `constructor` would answer with Object's own member.
    isInherited: (fieldOf.get(column.name) ?? column.name) in Object.prototype,
  }));
  const known = new Set(steps.map((step) => step.field));
  const unknownFields = new Map<string, number>();

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
    if (fields.length > present) noteUnknown(fields, known, unknownFields);
    return record;
  }
  return Object.assign(convert, { unknownFields, renames });
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
