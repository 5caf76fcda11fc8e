// Checked by `tsc --noEmit`: a wrong type here is a compile error, and a @ts-expect-error without an error is one too.
import { test } from "node:test";
import type { Json } from "../../src/schema/kinds.ts";
import type { RawJson } from "../../src/schema/raw-json.ts";
import { type Infer, k, type Table, table, tableOf } from "../../src/schema/table.ts";

/** True only for the very same type, so that `any`, a wider or a narrower one does not pass. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function expectType<_ extends true>(): void {}

const everything = table("Everything", {
  bool: k.bool(),
  datetime: k.datetime(),
  decimal: k.decimal(),
  dynamic: k.dynamic(),
  guid: k.guid(),
  int: k.int(),
  long: k.long(),
  real: k.real(),
  string: k.string(),
  timespan: k.timespan(),
});

expectType<
  Same<
    Infer<typeof everything>,
    {
      bool: boolean;
      datetime: Date | string | number | bigint;
      decimal: string | number | bigint;
      dynamic: Exclude<Json, null> | RawJson;
      guid: string;
      int: number | bigint;
      long: number | bigint;
      real: number;
      string: string;
      timespan: string | number | bigint;
    }
  >
>();

const readings = table("Readings", { device: k.string(), value: k.real().optional() });
type Reading = Infer<typeof readings>;

expectType<Same<Reading, { device: string; value?: number | null | undefined }>>();
// A test of the tests: Same tells an optional member from a required one.
// @ts-expect-error
expectType<Same<Reading, { device: string; value: number | null | undefined }>>();

export const accepted: Reading[] = [
  { device: "a" },
  { device: "a", value: null },
  { device: "a", value: undefined },
  { device: "a", value: 1 },
];

export const refused: Reading[] = [
  // @ts-expect-error a required column is missing
  { value: 1 },
  // @ts-expect-error a required column is null
  { device: null },
  // @ts-expect-error text in a real column
  { device: "a", value: "1" },
  // @ts-expect-error no such column
  { device: "a", valeu: 1 },
];

export const neverRun = [
  // @ts-expect-error there is no such kind
  () => k.integer(),
  // @ts-expect-error a kind is a function
  () => table("T", { a: k.int }),
];

// optional() twice is optional once.
const twice = table("T", { a: k.int().optional().optional() });
expectType<Same<Infer<typeof twice>, { a?: number | bigint | null | undefined }>>();

// A table made at run time, and any table, have records whose members are not known.
const loose: Table = tableOf("T", [{ name: "a", kind: "int", isOptional: false }]);
export const anyRecord: Infer<typeof loose> = { a: 1, b: "x" };
export const anyTable: Table = everything;

test("the types of Infer<> are checked by tsc", () => {});
