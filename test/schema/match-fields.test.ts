import assert from "node:assert/strict";
import { test } from "node:test";
import { matchFields } from "../../src/schema/match-fields.ts";
import type { Rename } from "../../src/schema/names.ts";
import { tableOf } from "../../src/schema/table.ts";

const cases: [
  what: string,
  columns: string[],
  fields: string[],
  given: Rename[],
  renames: string[],
  unknown: string[],
][] = [
  ["the same names", ["a", "b"], ["b", "a"], [], [], []],
  ["a name that Kusto does not take", ["Cost _"], ["Cost $"], [], ["Cost $ -> Cost _"], []],
  ["letter case", ["Id", "b"], ["ID", "B"], [], ["ID -> Id", "B -> b"], []],
  ["letter case, twice in the data", ["Id"], ["ID", "id"], [], [], ["ID", "id"]],
  ["letter case, twice in the table", ["Id", "ID"], ["id"], [], [], ["id"]],
  ["letter case, and the column has its own field", ["id"], ["id", "ID"], [], [], ["ID"]],
  ["a rename that was given", ["a"], ["x", "A"], [{ field: "x", column: "a" }], ["x -> a"], ["A"]],
  [
    "the column's own name, where a rename was given",
    ["a"],
    ["x", "a"],
    [{ field: "x", column: "a" }],
    ["x -> a"],
    ["a"],
  ],
  ["a rename to a column that is not there", ["a"], ["x"], [{ field: "x", column: "z" }], ["x -> z"], []],
  ["nothing fits", ["a"], ["x", "__proto__", "constructor"], [], [], ["x", "__proto__", "constructor"]],
];

for (const [what, columns, fields, given, renames, unknown] of cases)
  test(`fields to columns: ${what}`, () => {
    const table = tableOf(
      "T",
      columns.map((name) => ({ name, kind: "string" as const, isOptional: true })),
    );
    const match = matchFields(fields, table, given);
    assert.deepEqual(
      match.renames.map(({ field, column }) => `${field} -> ${column}`),
      renames,
    );
    assert.deepEqual(match.unknown, unknown);
  });
