import type { RawJson } from "./raw-json.ts";

/**
 * Kusto's ten scalar types, and what JavaScript value each takes.
 *
 * | kind       | accepted                                                          | in Kusto |
 * |------------|-------------------------------------------------------------------|----------|
 * | `bool`     | boolean                                                           | bool |
 * | `datetime` | `Date`; ISO 8601 text, up to 7 fraction digits; number = milliseconds since 1970; bigint = ticks | 100 ns ticks, years 0001-9999 |
 * | `decimal`  | text, number (finite), bigint, ExactNumber; up to 34 significant digits | decimal |
 * | `dynamic`  | whatever `JSON.stringify` takes; JSON text as `rawJson(text)`     | dynamic |
 * | `guid`     | text of 32 hex digits in the 8-4-4-4-12 form                      | guid |
 * | `int`      | integer number or bigint of 32 bits                               | int |
 * | `long`     | safe integer number, or bigint of 64 bits                         | long |
 * | `real`     | number, with NaN, infinities and -0; ExactNumber                  | real |
 * | `string`   | string                                                            | string; Kusto has no null string: missing and empty are one |
 * | `timespan` | text `[-][d.]hh:mm:ss[.fffffff]`; number = milliseconds; bigint = ticks | 100 ns ticks, 64 bits |
 *
 * A tick is Kusto's own unit, 100 ns; a datetime's ticks count from 0001-01-01T00:00:00Z.
 */
export const kinds = [
  "bool",
  "datetime",
  "decimal",
  "dynamic",
  "guid",
  "int",
  "long",
  "real",
  "string",
  "timespan",
] as const;

/** The name of one of the ten kinds. */
export type Kind = (typeof kinds)[number];

export function isKind(text: unknown): text is Kind {
  return (kinds as readonly unknown[]).includes(text);
}

/** What `dynamic` takes: JSON, with the freedom of optional members. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined };

/** The JavaScript values accepted by each kind. */
export interface ValueOf {
  bool: boolean;
  datetime: Date | string | number | bigint;
  decimal: string | number | bigint;
  /** null only where the column is optional: in Kusto it is the null of the column, not a value. */
  dynamic: Exclude<Json, null> | RawJson;
  guid: string;
  int: number | bigint;
  long: number | bigint;
  real: number;
  string: string;
  timespan: string | number | bigint;
}
