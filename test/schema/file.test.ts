import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readSchema, writeCslSchema, writeSchemaJson, writeSchemaKql } from "../../src/schema/file.ts";
import { kinds } from "../../src/schema/kinds.ts";
import { type NamedColumn, tableOf } from "../../src/schema/table.ts";

const name = fc
  .oneof(
    fc.string({ unit: "binary", minLength: 1, maxLength: 8 }),
    fc.constantFrom("a b", "it's", 'q"q', "a\\b", "]", "__proto__", "é", "create", "x)", "7", "2001", "007"),
  )
  .filter((s) => s.isWellFormed() && !/[\u0000-\u001f\u007f]/.test(s));

const columns: fc.Arbitrary<NamedColumn[]> = fc.uniqueArray(
  fc.record({ name, kind: fc.constantFrom(...kinds), isOptional: fc.boolean() }, { noNullPrototype: true }),
  { selector: (c) => c.name, minLength: 1, maxLength: 5 },
);

test("a schema file reads back as it was written, in both forms", () => {
  fc.assert(
    fc.property(name, columns, (tableName, list) => {
      const table = tableOf(tableName, list);
      const renames = [{ field: "$", column: list[0]!.name }];
      assert.deepEqual(readSchema(writeSchemaJson(table, renames), "s.json"), {
        name: tableName,
        columns: list,
        renames,
      });
      const optional = list.map((c) => ({ ...c, isOptional: true }));
      assert.deepEqual(readSchema(writeSchemaKql(table), "s.kql"), { name: tableName, columns: optional, renames: [] });
      assert.deepEqual(readSchema(writeCslSchema(list), "s.kql").columns, optional);
    }),
    { numRuns: 500 },
  );
});

test("schemas as people and the service write them", () => {
  const kindsOf = (text: string) => Object.fromEntries(readSchema(text, "s").columns.map((c) => [c.name, c.kind]));
  const expected = { ts: "datetime", "a b": "long", d: "dynamic" };
  assert.deepEqual(kindsOf("ts:datetime,['a b']:long,d:dynamic"), expected);
  assert.deepEqual(
    kindsOf(`// mine\n.create table Events (ts : datetime, ["a b"]: long , d:dynamic) with (folder = "x;y")`),
    expected,
  );
  assert.deepEqual(kindsOf("(ts:System.DateTime, ['a b']:System.Int64, d:System.Object)"), expected);
  assert.deepEqual(kindsOf('\ufeff{"columns":{"ts":"date","a b":"long","d":"dynamic"}}'), expected);
  assert.equal(readSchema(".create-merge table ['My T'] (a:int)", "s").name, "My T");
  assert.equal(readSchema("a:int", "s").name, undefined);
});

const broken: [text: string, message: RegExp][] = [
  ["", /no columns/],
  ["{", /not JSON/],
  ["{}", /no "columns"/],
  ['{"columns":[]}', /no "columns"/],
  ['{"columns":{"a":"integer"}}', /column a has the type "integer"; it takes bool/],
  ['{"columns":[{"type":"int"}]}', /item 1 of "columns" has no "name"/],
  ['{"columns":["a"]}', /item 1 of "columns" has no "name"/],
  ['{"columns":[{"name":"a"}]}', /column a has no "type"/],
  ['{"columns":{"a":null}}', /column a has no "type"/],
  ['{"columns":{"a":{}}}', /column a has no "type"/],
  ['{"columns":{"a":"int","7":"int"}}', /column 7 is named like an array index, .* make "columns" a list/],
  ["a", /ends where ":" is expected/],
  ["a int", /expected ":" at "int" \(character 3\)/],
  ["a:int b:int", /expected "," at "b"/],
  ["(a:int", /ends where "\)" is expected/],
  ["a:int)", /expected the end/],
  [".drop table T", /\.drop is no command/],
  [".create table T", /columns in parentheses/],
  ["a:int, a:long", /two columns named a/],
  ["a:int; b:int", /character 6 is not understood/],
];

for (const [text, message] of broken)
  test(`refused: ${JSON.stringify(text)}`, () => {
    assert.throws(
      () => readSchema(text, "s.kql"),
      (error: { code?: string; message: string }) => {
        assert.equal(error.code, "BAD_SCHEMA");
        assert.match(error.message, message);
        return true;
      },
    );
  });
