import { badArgument, checkObject, checkText } from "../arguments.ts";
import { MillraceError } from "../errors.ts";
import { refuseUnknownOptions } from "../option-names.ts";
import { cutToTicks } from "./datetime-text.ts";
import { ExactNumber } from "./exact-number.ts";
import type { ExcessPrecision } from "./excess-precision.ts";
import type { Kind } from "./kinds.ts";
import { columnNames, type Rename } from "./names.ts";
import { isUsualNullText, nullTextsOf } from "./null-texts.ts";
import { emptyTally, isSurelyText, noteFirst, rareOthers, type Sort, sorts, type Tally } from "./sort-tally.ts";
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
  /** String columns that would be of another kind without a few of their values. */
  readonly exceptions: readonly KindException[];
  /** As it was given, for `coerce(table, form, inferred)`. */
  readonly nullTexts?: readonly string[];
  /** As it was given. */
  readonly excessPrecision?: ExcessPrecision;
}

/** Why a column is a string, although all but a few of its values are of one other kind: at most 20, and under 5 %. */
export interface KindException {
  readonly column: string;
  /** The first value of another kind; a long text is cut. */
  readonly value: string;
  /** Where it stands, if `observe()` was told. */
  readonly place?: string;
  /** How many such values there are. */
  readonly count: number;
  /** The kind of the others, and how many there are. Nulls are not counted. */
  readonly kind: Kind;
  readonly others: number;
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
  /** `place` says where the sample comes from; it is called only for the first value of a sort in each column. */
  observe(sample: Readonly<Record<string, unknown>>, place?: () => string): void;
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
  const see = (seen: Seen, value: unknown, place: (() => string) | undefined): void => {
    const text = isCut && typeof value === "string" ? cutToTicks(value) : value;
    const sort = from === "csv" ? seeText(seen, text, given) : seeValue(seen, text);
    if (sort !== undefined && seen.tally.counts[sort]!++ === 0) noteFirst(seen.tally, sort, samples, value, place);
  };
  let samples = 0;
  return {
    observe(sample, place) {
      checkObject(what, `sample ${samples}`, sample, "a record: an object of values by the names of fields");
      samples++;
      for (const field of Object.keys(sample)) {
        let seen = seenOf.get(field);
        if (!seen) {
          if (seenOf.size === maxColumns) throw tooManyFields(maxColumns, field);
          seen = nothingSeen();
          seenOf.set(field, seen);
        }
        see(seen, sample[field], place);
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
        exceptions: list.flatMap(({ name: column }, i) => exceptionOf(column, seen[i]!) ?? []),
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
  readonly tally: Tally;
}

function nothingSeen(): Seen {
  return {
    ...{ bool: false, integer: 0, real: false, datetime: false, guid: false, text: false, container: false },
    ...{ infinity: false, precise: false, nullTexts: new Set(), tally: emptyTally() },
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

/** Undefined: the column is no string, or its values are of no one kind. */
function exceptionOf(column: string, seen: Seen): KindException | undefined {
  if (kindOf(seen) !== "string" || isTooPrecise(seen)) return undefined;
  const found = rareOthers(seen.tally);
  if (!found) return undefined;
  const { sort, first, count, others } = found;
  const alone = { ...seen, text: false, precise: false };
  const { number, bool, datetime, guid } = sorts;
  const kind = kindOf({
    ...alone,
    ...{ bool: sort === bool, datetime: sort === datetime, guid: sort === guid },
    ...(sort !== number && { integer: 0 as const, real: false, infinity: false }),
  });
  if (kind === "string") return undefined;
  return { column, value: first.value, ...(first.place !== undefined && { place: first.place }), count, kind, others };
}

function isTooPrecise(seen: Seen): boolean {
  return seen.precise && kindOf({ ...seen, precise: false, datetime: true }) === "datetime";
}

function seeValue(seen: Seen, value: unknown): Sort | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === "string") return seeString(seen, value);
  if (typeof value === "number") return seeNumber(seen, value);
  if (typeof value === "boolean") return seeBool(seen);
  if (typeof value === "bigint") return seeBigint(seen, value);
  if (value instanceof Date) return seeDatetime(seen);
  if (value instanceof ExactNumber) return seeExact(seen, value.text);
  seen.container = true;
  return undefined;
}

function seeString(seen: Seen, value: string): Sort | undefined {
  // An empty JSON text is a text: no other kind could give it back.
  if (isSurelyText(seen.tally)) return undefined;
  if (isDatetime(value)) return seeDatetime(seen);
  if (isGuid(value)) {
    seen.guid = true;
    return sorts.guid;
  }
  if (!isDatetime(cutToTicks(value))) return seePlainText(seen);
  seen.precise = true;
  return sorts.precise;
}

function seeNullText(seen: Seen, value: string): undefined {
  seen.nullTexts.add(value);
}

function seePlainText(seen: Seen): Sort {
  seen.text = true;
  return sorts.text;
}

function seeBool(seen: Seen): Sort {
  seen.bool = true;
  return sorts.bool;
}

function seeDatetime(seen: Seen): Sort {
  seen.datetime = true;
  return sorts.datetime;
}

function seeReal(seen: Seen): Sort {
  seen.real = true;
  return sorts.number;
}

function seeNumber(seen: Seen, value: number): Sort {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) return seeReal(seen);
  return widen(seen, (value | 0) === value ? 32 : 64);
}

/** A double beside it in the column would be no less rounded: so a fraction is real, whatever its digits. */
function seeExact(seen: Seen, text: string): Sort {
  if (isPlainInteger(text)) return seePlainInteger(seen, text);
  return isPlainNumber(text) ? seeReal(seen) : seePlainText(seen);
}

const mostDecimal = 10n ** 34n;

function seeBigint(seen: Seen, value: bigint): Sort {
  if (value >= -(2n ** 31n) && value < 2n ** 31n) return widen(seen, 32);
  if (value >= longest64.least && value <= longest64.greatest) return widen(seen, 64);
  if (value > -mostDecimal && value < mostDecimal) return widen(seen, 113);
  return seePlainText(seen);
}

function widen(seen: Seen, bits: 32 | 64 | 113): Sort {
  if (bits > seen.integer) seen.integer = bits;
  return sorts.number;
}

function seeText(seen: Seen, value: unknown, given: ReadonlySet<string> | undefined): Sort | undefined {
  if (value === "") return undefined;
  if (typeof value !== "string") return seeValue(seen, value);
  if (given?.has(value)) return seeNullText(seen, value);
  if (isSurelyText(seen.tally)) return undefined;
  if (!given && isUsualNullText(value)) return seeNullText(seen, value);
  if (isPlainInteger(value)) return seePlainInteger(seen, value);
  if (isPlainNumber(value) || isBarePoint(value)) return seeReal(seen);
  if (isInfinityWord(value)) {
    seen.infinity = true;
    return sorts.number;
  }
  return isBoolWord(value) ? seeBool(seen) : seeString(seen, value);
}

/** A sign and the 34 digits that a decimal keeps; BigInt need not look at anything longer. */
const longestInteger = 35;

function seePlainInteger(seen: Seen, text: string): Sort {
  return text.length > longestInteger ? seePlainText(seen) : seeBigint(seen, BigInt(text));
}

/** @throws MillraceError BAD_OPTION for what is neither form. */
export function checkForm(what: string, from: unknown): void {
  if (from !== "json" && from !== "csv") throw badArgument(what, "from", from, '"json" or "csv"');
}
