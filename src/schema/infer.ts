import { badArgument, checkObject, checkText } from "../arguments.ts";
import { MillraceError } from "../errors.ts";
import { refuseUnknownOptions } from "../option-names.ts";
import type { ExcessPrecision } from "./coerce.ts";
import { cutToTicks } from "./datetime-text.ts";
import { ExactNumber } from "./exact-number.ts";
import type { Kind } from "./kinds.ts";
import { columnNames, type Rename } from "./names.ts";
import { isUsualNullText, nullTextsOf } from "./null-texts.ts";
import { type NamedColumn, type Table, tableOf } from "./table.ts";
import {
  isBarePoint,
  isBoolWord,
  isDatetime,
  isGuid,
  isInfinityWord,
  isPlainInteger,
  isPlainNumber,
  longest64,
} from "./texts.ts";

/** What values are like in the data: of types of their own ("json"), or all of them texts ("csv"). */
export type SampleForm = "json" | "csv";

/** How {@link inferTable} and {@link startInference} read their samples. */
export interface InferOptions {
  /** "json": values have types of their own. "csv": all are texts, and an empty one is null. Default "json". */
  from?: SampleForm;
  /** Fields beyond this are refused: data whose member names are values makes a table of its rows. Default 10 000. */
  maxColumns?: number;
  /** CSV: texts that stand for null, as `coerce()` takes them. Default: the usual ones, where the others are no texts. */
  nullTexts?: readonly string[];
  /** Times with more than 7 fraction digits: "refuse" (default) leaves their column a string; "truncate": it is datetime. */
  excessPrecision?: ExcessPrecision;
}

/** What an inference came to. */
export interface Inferred {
  readonly table: Table;
  /** Columns whose name in the data is not one that Kusto takes. Give them to `coerce()`. */
  readonly renames: readonly Rename[];
  /** How many samples the table rests on. */
  readonly samples: number;
  /** CSV columns with texts that `coerce()` reads as null, such as NA among numbers; and those texts. */
  readonly readAsNull: readonly { readonly column: string; readonly texts: readonly string[] }[];
  /** String columns that would be datetime with `excessPrecision: "truncate"`. */
  readonly tooPrecise: readonly string[];
  /** As it was given, for `coerce(table, form, inferred)`. */
  readonly nullTexts?: readonly string[];
  /** As it was given. */
  readonly excessPrecision?: ExcessPrecision;
}

/**
 * Proposes a table for the samples: every column the narrowest kind that takes all its values, in the order in which the
 * fields first appear, and all of them optional, for a sample proves nothing about the rest.
 *
 * | values seen                                  | kind |
 * |----------------------------------------------|------|
 * | none but null (CSV: empty)                   | string |
 * | an object or array among them                | dynamic |
 * | true / false only                            | bool |
 * | integers of 32 bits / of 64 bits             | int / long |
 * | integers beyond 64 bits, up to 34 digits     | decimal |
 * | numbers with fraction, exponent, NaN, -0     | real |
 * | texts that all are ISO 8601 with a full date | datetime |
 * | texts that all are GUIDs                     | guid |
 * | anything else, and every other mixture       | string |
 *
 * JSON: a bigint counts by its value; a NUMBER beyond 2^53 makes its column real, since `JSON.parse` has rounded it and
 * calling it long would claim digits that are gone (`files()` reads such integers as bigints). A number with a fraction is
 * real, which keeps 15 to 17 digits: give a schema with a decimal column where more count. One beyond the range of a double,
 * such as 1e400, is text. CSV: `007`, `+7` and ` 7`
 * stay text, because as numbers they would lose what they say; `.5` and `5.` are numbers; `NA`, `null`, `-` and the like are null
 * where the other values make a column that is no string.
 *
 * @throws MillraceError BAD_SCHEMA when no sample has a field, or there are too many fields.
 */
export function inferTable(
  name: string,
  samples: Iterable<Readonly<Record<string, unknown>>>,
  options: InferOptions = {},
): Inferred {
  checkText("inferTable()", "name", name);
  if (
    typeof samples === "string" ||
    typeof (samples as Partial<Iterable<unknown>> | null | undefined)?.[Symbol.iterator] !== "function"
  )
    throw badArgument("inferTable()", "samples", samples, "an iterable of records");
  const inference = inferenceOf("inferTable()", options);
  for (const sample of samples) inference.observe(sample);
  return inference.table(name);
}

/** The same for samples that come one by one and need not be kept. */
export interface Inference {
  observe(sample: Readonly<Record<string, unknown>>): void;
  table(name: string): Inferred;
}

/**
 * Begins an inference over samples that come one by one, by the rules of {@link inferTable}.
 *
 * @throws MillraceError BAD_SCHEMA, from its calls: more fields than `maxColumns`, or no field at all.
 */
export function startInference(options: InferOptions = {}): Inference {
  return inferenceOf("startInference()", options);
}

function inferenceOf(what: string, options: InferOptions): Inference {
  refuseUnknownOptions(what, options, ["from", "maxColumns", "nullTexts", "excessPrecision"]);
  const { from = "json", maxColumns = 10_000, nullTexts, excessPrecision } = options;
  checkForm(what, from);
  if (!Number.isSafeInteger(maxColumns) || maxColumns < 1)
    throw badArgument(what, "maxColumns", maxColumns, "a positive whole number");
  if (nullTexts !== undefined && !(Array.isArray(nullTexts) && nullTexts.every((text) => typeof text === "string")))
    throw badArgument(what, "nullTexts", nullTexts, "a list of texts");
  if (excessPrecision !== undefined && excessPrecision !== "refuse" && excessPrecision !== "truncate")
    throw badArgument(what, "excessPrecision", excessPrecision, "refuse, truncate");
  const given = nullTexts && new Set(nullTexts);
  const isCut = excessPrecision === "truncate";
  const seenOf = new Map<string, Seen>();
  const see = (seen: Seen, value: unknown): void => {
    const text = isCut && typeof value === "string" ? cutToTicks(value) : value;
    if (from === "csv") seeText(seen, text, given);
    else seeValue(seen, text);
  };
  let samples = 0;
  return {
    observe(sample) {
      checkObject(what, `sample ${samples}`, sample, "a record: an object of values by the names of fields");
      samples++;
      for (const field of Object.keys(sample)) {
        let seen = seenOf.get(field);
        if (!seen) {
          if (seenOf.size === maxColumns) throw tooManyFields(maxColumns, field);
          seen = nothingSeen();
          seenOf.set(field, seen);
        }
        see(seen, sample[field]);
      }
    },
    table(name) {
      checkText(what, "name", name);
      if (seenOf.size === 0)
        throw new MillraceError(
          "BAD_SCHEMA",
          `Table ${name} cannot be inferred: ${samples === 0 ? "no record could be read" : "the records have no fields"}; give a schema.`,
        );
      const fields = [...seenOf.keys()];
      const { names, renames } = columnNames(fields);
      const list = fields.map(
        (field, i): NamedColumn => ({ name: names[i]!, kind: kindOf(seenOf.get(field)!), isOptional: true }),
      );
      const seen = fields.map((field) => seenOf.get(field)!);
      return {
        table: tableOf(name, list),
        renames,
        samples,
        ...(nullTexts !== undefined && { nullTexts }),
        ...(excessPrecision !== undefined && { excessPrecision }),
        readAsNull: list.flatMap(({ name: column, kind }, i) => {
          const nulls = given ?? nullTextsOf(kind, undefined);
          const texts = [...seen[i]!.nullTexts].filter((text) => nulls.has(text));
          return texts.length === 0 ? [] : [{ column, texts }];
        }),
        tooPrecise: list.filter((_, i) => isTooPrecise(seen[i]!)).map(({ name: column }) => column),
      };
    },
  };
}

function tooManyFields(maxColumns: number, field: string): MillraceError {
  return new MillraceError(
    "BAD_SCHEMA",
    `More than ${maxColumns} fields, the last ${JSON.stringify(field.slice(0, 80))}: the names look like values. Give a schema with a dynamic column instead.`,
  );
}

/** What the values of one field have been. */
interface Seen {
  bool: boolean;
  /** The widest integer: 0 none, then 32 bits, 64 bits, 34 digits. */
  integer: 0 | 32 | 64 | 113;
  real: boolean;
  datetime: boolean;
  guid: boolean;
  text: boolean;
  container: boolean;
  /** An infinity by its name: a number beside numbers, and else text. */
  infinity: boolean;
  /** A datetime but for its fraction digits; only those are text. */
  precise: boolean;
  /** Texts that stand for null, unless the column is of texts. */
  readonly nullTexts: Set<string>;
}

function nothingSeen(): Seen {
  return {
    ...{ bool: false, integer: 0, real: false, datetime: false, guid: false, text: false, container: false },
    ...{ infinity: false, precise: false, nullTexts: new Set() },
  };
}

function kindOf({ bool, integer, real, datetime, guid, text, container, infinity, precise }: Seen): Kind {
  if (container) return "dynamic";
  const isNumber = integer > 0 || real;
  const isText = text || precise || (infinity && !isNumber);
  if (isText || Number(bool) + Number(isNumber) + Number(datetime) + Number(guid) !== 1) return "string";
  if (bool) return "bool";
  if (datetime) return "datetime";
  if (guid) return "guid";
  if (real || infinity) return "real";
  return integer === 32 ? "int" : integer === 64 ? "long" : "decimal";
}

function isTooPrecise(seen: Seen): boolean {
  return seen.precise && kindOf({ ...seen, precise: false, datetime: true }) === "datetime";
}

function seeValue(seen: Seen, value: unknown): void {
  if (value === null || value === undefined) return;
  if (typeof value === "string") seeString(seen, value);
  else if (typeof value === "number") seeNumber(seen, value);
  else if (typeof value === "boolean") seen.bool = true;
  else if (typeof value === "bigint") seeBigint(seen, value);
  else if (value instanceof Date) seen.datetime = true;
  else if (value instanceof ExactNumber) seeExact(seen, value.text);
  else seen.container = true;
}

function seeString(seen: Seen, value: string): void {
  // An empty JSON text is a text: no other kind could give it back.
  if (seen.text) return;
  if (isDatetime(value)) seen.datetime = true;
  else if (isGuid(value)) seen.guid = true;
  else if (isDatetime(cutToTicks(value))) seen.precise = true;
  else seen.text = true;
}

function seeNumber(seen: Seen, value: number): void {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) seen.real = true;
  else widen(seen, (value | 0) === value ? 32 : 64);
}

/** A double beside it in the column would be no less rounded: so a fraction is real, whatever its digits. */
function seeExact(seen: Seen, text: string): void {
  if (isPlainInteger(text)) seePlainInteger(seen, text);
  else if (isPlainNumber(text)) seen.real = true;
  else seen.text = true;
}

const mostDecimal = 10n ** 34n;

function seeBigint(seen: Seen, value: bigint): void {
  if (value >= -(2n ** 31n) && value < 2n ** 31n) widen(seen, 32);
  else if (value >= longest64.least && value <= longest64.greatest) widen(seen, 64);
  else if (value > -mostDecimal && value < mostDecimal) widen(seen, 113);
  else seen.text = true;
}

function widen(seen: Seen, bits: 32 | 64 | 113): void {
  if (bits > seen.integer) seen.integer = bits;
}

function seeText(seen: Seen, value: unknown, given: ReadonlySet<string> | undefined): void {
  if (value === "") return;
  if (typeof value === "string" && given?.has(value)) {
    seen.nullTexts.add(value);
    return;
  }
  if (seen.text) return;
  if (typeof value !== "string") seeValue(seen, value);
  else if (!given && isUsualNullText(value)) seen.nullTexts.add(value);
  else if (isPlainInteger(value)) seePlainInteger(seen, value);
  else if (isPlainNumber(value) || isBarePoint(value)) seen.real = true;
  else if (isInfinityWord(value)) seen.infinity = true;
  else if (isBoolWord(value)) seen.bool = true;
  else seeString(seen, value);
}

/** A sign and the 34 digits that a decimal keeps; BigInt need not look at anything longer. */
const longestInteger = 35;

function seePlainInteger(seen: Seen, text: string): void {
  if (text.length > longestInteger) seen.text = true;
  else seeBigint(seen, BigInt(text));
}

/** @throws MillraceError BAD_OPTION for what is neither form. */
export function checkForm(what: string, from: unknown): void {
  if (from !== "json" && from !== "csv") throw badArgument(what, "from", from, '"json" or "csv"');
}
