import { xxHash64 } from "../emulator/engine/called/xxhash64.ts";
import { decimalText } from "../encode/decimal-text.ts";
import { datetimeText, parseDatetime, parseTimespan } from "../schema/datetime-text.ts";
import { stringifyExactly } from "../schema/exact-number.ts";
import type { Kind } from "../schema/kinds.ts";
import { quoteName } from "../schema/kql.ts";
import { RawJson } from "../schema/raw-json.ts";
import type { NamedColumn } from "../schema/table.ts";
import { lastTick, msTo1970, splitMs, type Ticks } from "../schema/ticks.ts";

/** A figure of a column, which a cluster and this program reckon alike, to the last digit and in any order of the rows. */
export interface Figure {
  /** `id: sum` */
  readonly what: string;
  /** KQL over the table's columns, by the names that the terms use; the figures of one column share them. */
  readonly values: Values;
  /** KQL over the values, which is computed once for all terms. */
  readonly derived: Values;
  /** KQL aggregates over both, whose results `ofAnswer` takes. */
  readonly terms: readonly string[];
  ofAnswer(values: readonly unknown[]): string;
  start(): Tally;
}

export type Values = Readonly<Record<string, string>>;

/** A figure over records, each given its value of the column: one that the sink takes, or null. */
export interface Tally {
  add(value: unknown): void;
  /** Undefined: it cannot be reckoned exactly for these values. */
  result(): string | undefined;
}

/**
 * What can be compared of a column of each kind. The figures of JSON values do not look into nested ones. In KQL the values are
 * named `alias`, or begin with it and `_`: the column's own name, which may be long, stands in a query once or twice.
 */
export function figuresOf({ name, kind }: NamedColumn, alias = "v"): Figure[] {
  return figuresOfKind[kind]({ name, column: quoteName(name), alias });
}

interface Build {
  readonly name: string;
  readonly column: string;
  readonly alias: string;
}

const figuresOfKind: Readonly<Record<Kind, (of: Build) => Figure[]>> = {
  bool: (of) => [there(of), counted(of, "true", of.alias, (value) => value === true)],
  int: (of) => [there(of), sum(of, "sum", tolong(of), asBigint)],
  long: (of) => [there(of), sum(of, "sum", own(of), asBigint)],
  string: (of) => [
    counted(of, "values", `isnotempty(${of.alias})`, (value) => textOf(value) !== ""),
    sizes(of, "bytes", `sum(string_size(${of.alias}))`, (value) => Buffer.byteLength(textOf(value))),
    checksum(of, `isnotempty(${of.alias})`, of.alias, (value) => textOf(value) || undefined),
  ],
  guid: (of) => [
    there(of),
    checksum(of, `isnotnull(${of.alias})`, `tostring(${of.alias})`, (value) => textOf(value).toLowerCase()),
  ],
  datetime: (of) => [
    there(of),
    ...extremes(of, "isnotnull", ticksOf, (answer) => ticksOf(answer), datetimeText),
    checksum(of, `isnotnull(${of.alias})`, `format_datetime(${of.alias}, 'yyyy-MM-dd HH:mm:ss.fffffff')`, (value) =>
      digitsOfDatetime(ticksOf(value)),
    ),
  ],
  // As doubles, which Kusto divides timespans to: beyond 28 years not to the tick, and alike on both sides.
  timespan: (of) => [there(of), sum(of, "sum", ticksIn(of), (value) => asLong(Number(spanOf(value))))],
  real: (of) => [
    there(of),
    counted(of, "NaN", `isnan(${of.alias})`, Number.isNaN),
    counted(of, "infinities", `isinf(${of.alias})`, (value) => Math.abs(value as number) === Number.POSITIVE_INFINITY),
    ...extremes(of, "isfinite", (value) => Number(value) + 0, Number, String),
    sum(of, "checksum", scaled(of, own(of)), (value) => scaledReal(value as number)),
  ],
  decimal: (of) => [there(of), decimalSum(of)],
  dynamic: (of) => [
    there(of),
    ...(["dictionary", "array", "string", "bool"] as const).map((type) =>
      typed(
        of,
        type,
        counted(of, named[type], isOf(of, type), (value) => typeOf(jsonOf(value)) === type),
      ),
    ),
    typed(
      of,
      "bool",
      counted(of, "true", `${isOf(of, "bool")} and tobool(${of.alias})`, (value) => jsonOf(value) === true),
    ),
    typed(
      of,
      "array",
      sizes(of, "elements", `sumif(array_length(${of.alias}), ${isOf(of, "array")})`, (value) =>
        lengthOf(jsonOf(value)),
      ),
    ),
    typed(
      of,
      "dictionary",
      sizes(of, "members", `sumif(array_length(bag_keys(${of.alias})), ${isOf(of, "dictionary")})`, (value) =>
        membersOf(jsonOf(value)),
      ),
    ),
    typed(
      of,
      "string",
      checksum(of, isOf(of, "string"), `tostring(${of.alias})`, (value) => {
        const json = jsonOf(value);
        return typeof json === "string" ? json : undefined;
      }),
    ),
    sum(of, "numbers", scaled(of, numberIn(of)), (value) => {
      const json = jsonOf(value);
      return typeof json === "number" ? scaledReal(json) : 0n;
    }),
  ],
};

const named = { dictionary: "objects", array: "arrays", string: "texts", bool: "booleans" } as const;

/** KQL of a row's value under a name, with what it is made of. */
interface RowValue {
  readonly name: string;
  readonly values: Values;
  readonly derived: Values;
}

const own = ({ column, alias }: Build): RowValue => ({ name: alias, values: { [alias]: column }, derived: {} });

function valueBeside({ alias }: Build, suffix: string, kql: string): RowValue {
  const name = `${alias}_${suffix}`;
  return { name, values: { [name]: kql }, derived: {} };
}

const tolong = (of: Build) => valueBeside(of, "long", `tolong(${of.column})`);
const ticksIn = (of: Build) => valueBeside(of, "ticks", `tolong(${of.column} / 1tick)`);
const numberIn = (of: Build) =>
  valueBeside(of, "real", `iff(gettype(${of.column}) in ('long', 'double'), todouble(${of.column}), 0.0)`);

/** Derived: the function names its argument some 30 times, and an engine may compute it as often. */
function scaled({ alias }: Build, of: RowValue): RowValue {
  const name = `${alias}_scaled`;
  return { name, values: of.values, derived: { [name]: `scaled_real(${of.name})` } };
}

const isOf = ({ alias }: Build, type: string) => `${alias}_is_${type}`;

/** A figure whose terms ask whether a JSON value is of a type: gettype() reads the value, so it is called once. */
function typed(of: Build, type: string, figure: Figure): Figure {
  const name = `${of.alias}_type`;
  return {
    ...figure,
    values: { ...figure.values, [name]: `gettype(${of.column})` },
    derived: { [isOf(of, type)]: `${name} == '${type}'` },
  };
}

/** A figure of the column's own values. */
function figureOf(of: Build, what: string, terms: readonly string[]): Omit<Figure, "ofAnswer" | "start"> {
  const { values, derived } = own(of);
  return { what: `${of.name}: ${what}`, values, derived, terms };
}

/** How many values are not null. */
function there(of: Build): Figure {
  return counted(of, "values", `isnotnull(${of.alias})`, () => true);
}

function counted(of: Build, what: string, kql: string, holds: (value: unknown) => boolean): Figure {
  return {
    ...figureOf(of, what, [`countif(${kql})`]),
    ofAnswer: ([count]) => String(count ?? 0),
    start() {
      let count = 0;
      return {
        add(value) {
          if (value !== null && holds(value)) count++;
        },
        result: () => String(count),
      };
    },
  };
}

const low = "4294967295";
const high = 2n ** 32n;

/** A sum of longs, in two halves of 32 bits: one sum of them would leave 64 bits. */
function sum({ name }: Build, what: string, value: RowValue, of: (value: unknown) => bigint): Figure {
  const lower = `binary_and(${value.name}, ${low})`;
  return {
    what: `${name}: ${what}`,
    values: value.values,
    derived: value.derived,
    terms: [`sum(${lower})`, `sum((${value.name} - ${lower}) / ${high})`],
    ofAnswer: ([lower, upper]) => String(asBigint(lower ?? 0) + asBigint(upper ?? 0) * high),
    start() {
      let total = 0n;
      return {
        add(value) {
          if (value !== null) total += of(value);
        },
        result: () => String(total),
      };
    },
  };
}

/** A sum of sizes: they are below 2^31, and so no table's sum leaves 64 bits. */
function sizes(of: Build, what: string, kql: string, sizeOf: (value: unknown) => number): Figure {
  return {
    ...figureOf(of, what, [kql]),
    ofAnswer: ([total]) => String(total ?? 0),
    start() {
      let total = 0n;
      return {
        add(value) {
          if (value !== null) total += BigInt(sizeOf(value));
        },
        result: () => String(total),
      };
    },
  };
}

/** A sum of 32 bits of each text's xxHash64. */
function checksum(build: Build, predicate: string, kql: string, of: (value: unknown) => string | undefined): Figure {
  return {
    ...figureOf(build, "checksum", [`sumif(binary_and(hash_xxhash64(${kql}), ${low}), ${predicate})`]),
    ofAnswer: ([value]) => String(value ?? 0),
    start() {
      const hash = cachedHash();
      let total = 0n;
      return {
        add(value) {
          const text = value === null ? undefined : of(value);
          if (text !== undefined) total += hash(text);
        },
        result: () => String(total),
      };
    },
  };
}

/** Texts whose hashes are remembered: real columns repeat theirs, and one costs some microseconds. */
const mostHashes = 10_000;
const longestCached = 100;

function cachedHash(): (text: string) => bigint {
  const known = new Map<string, bigint>();
  return (text) => {
    const cached = known.get(text);
    if (cached !== undefined) return cached;
    const hash = xxHash64(Buffer.from(text)) & (high - 1n);
    if (known.size < mostHashes && text.length <= longestCached) known.set(text, hash);
    return hash;
  };
}

/** The least and the greatest value, of those that `predicate` holds for. */
function extremes<V extends number | bigint>(
  build: Build,
  predicate: "isnotnull" | "isfinite",
  of: (value: unknown) => V,
  ofAnswer: (answer: unknown) => V,
  shown: (value: V) => string,
): Figure[] {
  const isNumber = predicate === "isfinite";
  const { alias } = build;
  const extreme = (what: string, aggregate: string, isBeyond: (a: V, b: V) => boolean): Figure => ({
    ...figureOf(build, what, [`${aggregate}(${alias}, ${predicate}(${alias}))`]),
    ofAnswer: ([value]) => (value === null || value === undefined || value === "" ? "none" : shown(ofAnswer(value))),
    start() {
      let found: V | undefined;
      return {
        add(given) {
          if (given === null || (isNumber && !Number.isFinite(given))) return;
          const value = of(given);
          if (found === undefined || isBeyond(value, found)) found = value;
        },
        result: () => (found === undefined ? "none" : shown(found)),
      };
    },
  });
  return [extreme("least", "minif", (a, b) => a < b), extreme("greatest", "maxif", (a, b) => a > b)];
}

/** Digits that every implementation of a decimal sums exactly. */
const safeDigits = 28;

function decimalSum(of: Build): Figure {
  return {
    ...figureOf(of, "sum", [`tostring(sum(${of.alias}))`]),
    ofAnswer: ([value]) => normalDecimal(String(value ?? "0")),
    start() {
      let scale = 0;
      let total = 0n;
      /** Of their sizes: no sum on the way, in whatever order, is larger. */
      let bound = 0n;
      return {
        add(value) {
          if (value === null) return;
          const { digits, exponent } = decimalParts(String(value));
          if (Math.abs(exponent) > mostScale) {
            scale = Number.POSITIVE_INFINITY;
            return;
          }
          if (scale === Number.POSITIVE_INFINITY) return;
          if (-exponent > scale) {
            const by = 10n ** BigInt(-exponent - scale);
            total *= by;
            bound *= by;
            scale = -exponent;
          }
          const scaled = digits * 10n ** BigInt(scale + exponent);
          total += scaled;
          bound += scaled < 0n ? -scaled : scaled;
        },
        result: () =>
          Number.isFinite(scale) && String(bound).length <= safeDigits
            ? normalDecimal(`${total}e${-scale}`)
            : undefined,
      };
    },
  };
}

/** Beyond it nothing is reckoned: a power of ten costs as much as it has digits. */
const mostScale = 100;

function decimalParts(source: string): { digits: bigint; exponent: number } {
  const parsed = decimalText(source);
  const text = "text" in parsed ? parsed.text : source;
  const [, sign = "", whole = "0", fraction = "", exponent = "0"] =
    /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  return {
    digits: BigInt(`${sign === "-" ? "-" : ""}${whole}${fraction}`),
    exponent: Number(exponent) - fraction.length,
  };
}

/** One text for equal decimals: digits without zeros at the end, and an exponent. */
function normalDecimal(source: string): string {
  const { digits, exponent } = decimalParts(source);
  if (digits === 0n) return "0";
  const text = String(digits);
  const significant = text.replace(/0+$/, "");
  const power = exponent + text.length - significant.length;
  return power === 0
    ? significant
    : power > 0 && power < safeDigits
      ? significant + "0".repeat(power)
      : `${significant}e${power}`;
}

/** `a, b`: reals of at least 2^a are multiplied by 2^b, and so become integers below 2^62 that keep their digits. */
const bands: readonly (readonly [number, number])[] = [
  [90, -60],
  [60, -28],
  ...Array.from({ length: 10 }, (_, i) => [50 - i * 10, 2 + i * 10] as const),
  [-70, 102],
  [-100, 132],
  [-130, 162],
];

/** From here on a product could leave 62 bits. Such reals, and those nearer to zero than the last band, count as zero. */
const tooLarge = 122;

/**
 * A real as a long, which sums exactly in any order as no real does. Between 2^-40 and 2^60 every bit counts, beyond that 32.
 * A multiplication by a power of two is exact.
 */
export const scaledRealFunction = `let scaled_real = (value: real) { case(abs(value) >= ${literal(tooLarge)}, tolong(0), ${bands
  .map(([from, by]) => `abs(value) >= ${literal(from)}, tolong(value * ${literal(by)})`)
  .join(", ")}, tolong(0)) };`;

function literal(power: number): string {
  return power < 0 ? String(2 ** power) : `${2n ** BigInt(power)}.0`;
}

function scaledReal(value: number): bigint {
  const size = Math.abs(value);
  if (!(size < 2 ** tooLarge)) return 0n;
  const band = bands.find(([from]) => size >= 2 ** from);
  return band ? BigInt(Math.trunc(value * 2 ** band[1])) : 0n;
}

function textOf(value: unknown): string {
  return String(value);
}

function asBigint(value: unknown): bigint {
  return BigInt(value as number | bigint | string);
}

function asLong(value: number): bigint {
  return value < 2 ** 63 ? BigInt(value) : 0n; // Kusto has null for it, which a sum leaves out
}

const ticks: Ticks = { ms: 0, rest: 0 };

function ticksOf(value: unknown): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "string") parseDatetime(value, ticks);
  else {
    splitMs(Number(value), ticks);
    ticks.ms += msTo1970;
  }
  return BigInt(ticks.ms) * 10_000n + BigInt(ticks.rest);
}

/** As `yyyy-MM-dd HH:mm:ss.fffffff` makes it. */
function digitsOfDatetime(sinceYear1: bigint): string {
  const at = sinceYear1 > lastTick ? lastTick : sinceYear1;
  const iso = new Date(Number(at / 10_000n) - msTo1970).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 23)}${String(at % 10_000n).padStart(4, "0")}`;
}

function spanOf(value: unknown): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "string") parseTimespan(value, ticks);
  else splitMs(Number(value), ticks);
  return BigInt(ticks.ms) * 10_000n + BigInt(ticks.rest);
}

let lastValue: unknown;
let lastJson: unknown;

/** What becomes of a dynamic value on its way: JSON. The figures of a column ask for the same value one after the other. */
function jsonOf(value: unknown): unknown {
  if (typeof value !== "object") return value;
  if (value !== lastValue) {
    lastJson = readJson(value);
    lastValue = value;
  }
  return lastJson;
}

function readJson(value: unknown): unknown {
  if (value instanceof RawJson) return JSON.parse(value.text!);
  return Array.isArray(value) ? value : JSON.parse(stringifyExactly(value)!);
}

function typeOf(json: unknown): string {
  if (Array.isArray(json)) return "array";
  if (typeof json === "object" && json !== null) return "dictionary";
  return typeof json === "boolean" ? "bool" : typeof json;
}

function lengthOf(json: unknown): number {
  return Array.isArray(json) ? json.length : 0;
}

function membersOf(json: unknown): number {
  return typeOf(json) === "dictionary" ? Object.keys(json as object).length : 0;
}
