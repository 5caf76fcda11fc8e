import { ticksPerDay, ticksPerSecond, unixEpoch } from "../../../values/ticks.ts";
import { converted, isNumber } from "../convert.ts";
import { stringLiteral } from "../literals.ts";
import { once } from "../once.ts";
import { calledAs, calledSql, type Functions, type ScalarFunction } from "./call.ts";

const ticks = (n: bigint) => `CAST(${n} AS BIGINT)`;

/** A part of a datetime by its name in Kusto, and the function of SQL that gives it from a timestamp. */
const part =
  (name: string, sqlName?: string): ScalarFunction =>
  ({ args: [value], result }) => {
    if (value!.kind !== "datetime") return undefined;
    if (!sqlName) return calledSql("datetime_part", [stringLiteral(name), value!], result);
    return converted({ sql: `${sqlName}(${timestampSql(value!.sql)})`, kind: "long" }, result);
  };

/** Ticks as DuckDB's timestamp, which has microseconds; its parts cost a hundredth of a call of JavaScript. */
const timestampSql = (sql: string) => `make_timestamp(${sql} // 10 - ${ticks(unixEpoch / 10n)})`;

const unixTime =
  (ticksEach: bigint): ScalarFunction =>
  ({ args: [value] }) => {
    if (!isNumber(value!.kind)) return undefined;
    if (value!.kind === "int" || value!.kind === "long")
      return `(${converted(value!, "long")} * ${ticksEach} + ${ticks(unixEpoch)})`;
    return `(CAST(round(${converted(value!, "real")} * ${ticksEach}) AS BIGINT) + ${ticks(unixEpoch)})`;
  };

/** Of nanoseconds, what a tick can hold. */
const unixNanoseconds: ScalarFunction = ({ args: [value] }) =>
  `(${converted(value!, "long")} // 100 + ${ticks(unixEpoch)})`;

/** The day's beginning without an offset is one division. */
const startOfDay: ScalarFunction = (call) =>
  call.args.length === 1
    ? once(call.args[0]!.sql, (sql) => `(${sql} - ${sql} % ${ticks(ticksPerDay)})`)
    : calledSql("startofday", call.args, call.result);

/** Days since the last Sunday, as a timespan. */
const dayOfWeek: ScalarFunction = ({ args: [value] }) =>
  `((((${value!.sql} // ${ticks(ticksPerDay)}) + 1) % 7) * ${ticks(ticksPerDay)})`;

const sqlParts: Readonly<Record<string, string>> = { MM: "%m", dd: "%d", HH: "%H", mm: "%M", ss: "%S" };

/** The parts that DuckDB writes alike, within a format that the query writes out; anything else goes by JavaScript. */
const formatted: ScalarFunction = ({ args, result }) => {
  const exact = calledSql("format_datetime", args, result);
  const format = args[1]?.literal;
  if (typeof format !== "string" || !/^(yyyy|MM|dd|HH|mm|ss|[ :./_-])*$/.test(format)) return exact;
  const sqlFormat = format.replaceAll(/yyyy|MM|dd|HH|mm|ss/g, (part) => sqlParts[part] ?? "%Y");
  // Years of fewer than four digits come without their zeros.
  const isLong = (t: string) => `${t} >= ${ticks(ticksOf1000)}`;
  return once(
    args[0]!.sql,
    (t) => `CASE WHEN ${isLong(t)} THEN strftime(${timestampSql(t)}, '${sqlFormat}') ELSE ${exact} END`,
    "f",
  );
};

/** The year 1000 begins. */
const ticksOf1000 = 315_253_728_000_000_000n;

/** Datetimes and timespans are both counts of ticks. */
export const datetimes: Functions = {
  ...calledAs(
    "datetime_add",
    "datetime_diff",
    "datetime_local_to_utc",
    "datetime_part",
    "datetime_utc_to_local",
    "endofday",
    "endofmonth",
    "endofweek",
    "endofyear",
    "format_timespan",
    "make_datetime",
    "make_timespan",
    "startofmonth",
    "startofweek",
    "startofyear",
  ),
  ago: ({ args, now }) => `(${ticks(now)} - ${args[0]!.sql})`,
  dayofmonth: part("day", "day"),
  dayofweek: dayOfWeek,
  dayofyear: part("dayofyear", "dayofyear"),
  format_datetime: formatted,
  getmonth: part("month", "month"),
  getyear: part("year", "year"),
  hourofday: part("hour", "hour"),
  monthofyear: part("month", "month"),
  now: ({ args, now }) => (args[0] ? `(${ticks(now)} + ${args[0].sql})` : ticks(now)),
  startofday: startOfDay,
  unixtime_microseconds_todatetime: unixTime(10n),
  unixtime_milliseconds_todatetime: unixTime(10_000n),
  unixtime_nanoseconds_todatetime: unixNanoseconds,
  unixtime_seconds_todatetime: unixTime(ticksPerSecond),
  week_of_year: part("week_of_year"),
  weekofyear: part("week_of_year"),
};
