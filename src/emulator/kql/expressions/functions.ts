import type { Kind } from "../../../schema/kinds.ts";
import { ticksPerDay, ticksPerHour, ticksPerMinute, ticksPerSecond, unixEpoch } from "../../engine/ticks.ts";
import type { Scalar } from "../relation.ts";
import { converted, isNumber, isTicks, textSql } from "./convert.ts";
import { extentFunctions } from "./extents.ts";

/** What a function is translated with: its arguments, the type that the binder gave it, and the query's moment. */
export interface Call {
  readonly args: readonly Scalar[];
  readonly result: Kind;
  readonly now: bigint;
  /** The hidden column with the extent of the row, where the row lies in one. */
  readonly extent: string | undefined;
}

/** SQL of a call, or undefined where these arguments are not carried. */
export type ScalarFunction = (call: Call) => string | undefined;

const as =
  (kind: Kind): ScalarFunction =>
  ({ args }) =>
    converted(args[0]!, kind);

const text = (value: Scalar | undefined) => (value ? textSql(value) : "''");
const long = (value: Scalar) => converted(value, "long");
const onReal =
  (name: string): ScalarFunction =>
  ({ args }) =>
    `${name}(${converted(args[0]!, "real")})`;

const conversions: Readonly<Record<string, ScalarFunction>> = {
  tobool: as("bool"),
  toboolean: as("bool"),
  todatetime: as("datetime"),
  todecimal: as("decimal"),
  todouble: as("real"),
  todynamic: as("dynamic"),
  toguid: as("guid"),
  toint: as("int"),
  tolong: as("long"),
  toreal: as("real"),
  tostring: as("string"),
  totimespan: as("timespan"),
  parse_json: ({ args }) => parsed(args[0]!),
  parsejson: ({ args }) => parsed(args[0]!),
};

const parsed = (value: Scalar) =>
  value.kind === "string" ? `k_to_dynamic(encode(${value.sql}))` : converted(value, "dynamic");

const nulls: Readonly<Record<string, ScalarFunction>> = {
  isnull: ({ args }) => (args[0]!.kind === "string" ? "false" : `(${args[0]!.sql} IS NULL)`),
  isnotnull: ({ args }) => (args[0]!.kind === "string" ? "true" : `(${args[0]!.sql} IS NOT NULL)`),
  isempty: ({ args }) => `(${text(args[0])} = '')`,
  isnotempty: ({ args }) => `(${text(args[0])} <> '')`,
  notempty: ({ args }) => `(${text(args[0])} <> '')`,
  notnull: ({ args }) => (args[0]!.kind === "string" ? "true" : `(${args[0]!.sql} IS NOT NULL)`),
  coalesce: ({ args, result }) => {
    const values = args.map((value) => converted(value, result));
    return `coalesce(${(result === "string" ? values.map((value) => `nullif(${value}, '')`) : values).join(", ")}${result === "string" ? ", ''" : ""})`;
  },
  iff: ({ args, result }) => iff(args, result),
  iif: ({ args, result }) => iff(args, result),
  case: ({ args, result }) => {
    const arms: string[] = [];
    for (let index = 0; index + 1 < args.length; index += 2)
      arms.push(`WHEN ${args[index]!.sql} THEN ${converted(args[index + 1]!, result)}`);
    return `CASE ${arms.join(" ")} ELSE ${converted(args.at(-1)!, result)} END`;
  },
  not: ({ args }) => `(NOT ${converted(args[0]!, "bool")})`,
};

const iff = ([test, yes, no]: readonly Scalar[], result: Kind) =>
  `CASE WHEN ${converted(test!, "bool")} THEN ${converted(yes!, result)} ELSE ${converted(no!, result)} END`;

const strings: Readonly<Record<string, ScalarFunction>> = {
  strcat: ({ args }) => `concat(${args.map(text).join(", ")})`,
  strlen: ({ args }) => `length(${text(args[0])})`,
  string_size: ({ args }) => `strlen(${text(args[0])})`,
  tolower: ({ args }) => `lower(${text(args[0])})`,
  toupper: ({ args }) => `upper(${text(args[0])})`,
  substring: ({ args: [value, start, length] }) =>
    `substring(${text(value)}, CAST(${long(start!)} AS BIGINT) + 1${length ? `, greatest(0, ${long(length)})` : ""})`,
  replace_string: ({ args }) => `replace(${text(args[0])}, ${text(args[1])}, ${text(args[2])})`,
  reverse: ({ args }) => `reverse(${text(args[0])})`,
  indexof: ({ args }) =>
    args.length === 2 ? `CAST(instr(${text(args[0])}, ${text(args[1])}) - 1 AS BIGINT)` : undefined,
  trim: ({ args }) =>
    `regexp_replace(regexp_replace(${text(args[1])}, '^(' || ${text(args[0])} || ')+', ''), '(' || ${text(args[0])} || ')+$', '')`,
};

const numbers: Readonly<Record<string, ScalarFunction>> = {
  abs: ({ args }) => (args[0]!.kind === "decimal" ? `ltrim(${args[0]!.sql}, '-')` : `abs(${args[0]!.sql})`),
  ceiling: onReal("ceil"),
  exp: onReal("exp"),
  floor: ({ args, result }) => bin(args, result),
  isfinite: ({ args }) => `isfinite(${converted(args[0]!, "real")})`,
  isinf: ({ args }) => `isinf(${converted(args[0]!, "real")})`,
  isnan: ({ args }) => `isnan(${converted(args[0]!, "real")})`,
  log: ({ args }) => positiveOnly("ln", converted(args[0]!, "real")),
  log10: ({ args }) => positiveOnly("log10", converted(args[0]!, "real")),
  log2: ({ args }) => positiveOnly("log2", converted(args[0]!, "real")),
  pow: ({ args }) => `pow(${converted(args[0]!, "real")}, ${converted(args[1]!, "real")})`,
  round: ({ args }) => `round(${converted(args[0]!, "real")}${args[1] ? `, CAST(${long(args[1])} AS INTEGER)` : ""})`,
  sign: ({ args }) => `CAST(sign(${converted(args[0]!, "real")}) AS INTEGER)`,
  sqrt: ({ args }) => positiveOnly("sqrt", converted(args[0]!, "real")),
  bin: ({ args, result }) => bin(args, result),
  max_of: ({ args, result }) => extreme("greatest", args, result),
  min_of: ({ args, result }) => extreme("least", args, result),
};

/** DuckDB refuses what Kusto answers with NaN. */
const positiveOnly = (name: string, value: string) =>
  `CASE WHEN ${value} < 0 THEN 'NaN'::DOUBLE WHEN ${value} = 0 THEN ${name === "sqrt" ? "0.0" : "'-Infinity'"}::DOUBLE ELSE ${name}(${value}) END`;

const extreme = (name: string, args: readonly Scalar[], result: Kind) =>
  result === "decimal" ? undefined : `${name}(${args.map((value) => converted(value, result)).join(", ")})`;

/** The multiple of the second below the first; negative values go down, too. */
function bin([value, step]: readonly Scalar[], result: Kind): string | undefined {
  if (result === "decimal") return undefined;
  if (result === "real")
    return `(floor(${converted(value!, "real")} / ${converted(step!, "real")}) * ${converted(step!, "real")})`;
  const [a, b] = [isTicks(value!.kind) ? value!.sql : long(value!), isTicks(step!.kind) ? step!.sql : long(step!)];
  return `(${a} - (((${a} % ${b}) + ${b}) % ${b}))`;
}

const ticks = (n: bigint) => `CAST(${n} AS BIGINT)`;

/** A part of a datetime by DuckDB's name, over microseconds, which hold every whole second exactly. */
const datePart =
  (name: string): ScalarFunction =>
  ({ args, result }) =>
    args[0]!.kind === "datetime"
      ? `CAST(date_part('${name}', ${timestamp(args[0]!)}) AS ${result === "int" ? "INTEGER" : "BIGINT"})`
      : undefined;

const timestamp = ({ sql }: Scalar) => `make_timestamp((${sql} - ${ticks(unixEpoch)}) // 10)`;

const startOf =
  (unit: string): ScalarFunction =>
  ({ args }) =>
    args.length === 1 && args[0]!.kind === "datetime"
      ? `(epoch_us(CAST(date_trunc('${unit}', ${timestamp(args[0]!)}) AS TIMESTAMP)) * 10 + ${ticks(unixEpoch)})`
      : undefined;

const perUnit: Readonly<Record<string, bigint>> = {
  day: ticksPerDay,
  hour: ticksPerHour,
  minute: ticksPerMinute,
  second: ticksPerSecond,
  millisecond: 10_000n,
};

const unixTime =
  (ticksEach: bigint): ScalarFunction =>
  ({ args }) =>
    isNumber(args[0]!.kind)
      ? `(CAST(round(${converted(args[0]!, "real")} * ${ticksEach}) AS BIGINT) + ${ticks(unixEpoch)})`
      : undefined;

const datetimes: Readonly<Record<string, ScalarFunction>> = {
  now: ({ args, now }) => (args[0] ? `(${ticks(now)} + ${args[0].sql})` : ticks(now)),
  ago: ({ args, now }) => `(${ticks(now)} - ${args[0]!.sql})`,
  startofday: startOf("day"),
  startofmonth: startOf("month"),
  startofyear: startOf("year"),
  getyear: datePart("year"),
  getmonth: datePart("month"),
  monthofyear: datePart("month"),
  dayofmonth: datePart("day"),
  dayofyear: datePart("doy"),
  hourofday: datePart("hour"),
  dayofweek: ({ args }) => `(CAST(date_part('dow', ${timestamp(args[0]!)}) AS BIGINT) * ${ticks(ticksPerDay)})`,
  unixtime_seconds_todatetime: unixTime(ticksPerSecond),
  unixtime_milliseconds_todatetime: unixTime(10_000n),
  unixtime_microseconds_todatetime: unixTime(10n),
  datetime_diff: ({ args: [unit, a, b] }) => {
    const each = perUnit[(unit!.sql.match(/^'(\w+)'$/)?.[1] ?? "").toLowerCase()];
    return each === undefined ? undefined : `((${a!.sql} // ${each}) - (${b!.sql} // ${each}))`;
  },
};

const dynamics: Readonly<Record<string, ScalarFunction>> = {
  array_length: ({ args }) => `k_dynamic_length(${converted(args[0]!, "dynamic")})`,
};

/** Scalar functions by name. */
export const scalarFunctions: Readonly<Record<string, ScalarFunction | undefined>> = {
  ...conversions,
  ...nulls,
  ...strings,
  ...numbers,
  ...datetimes,
  ...dynamics,
  ...extentFunctions,
};
