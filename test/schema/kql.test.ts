import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import fc from "fast-check";
import { kinds } from "../../src/schema/kinds.ts";
import {
  createMergeTableCommand,
  createOrAlterMappingCommand,
  ingestionMapping,
  jsonPath,
  quoteName,
  quoteString,
} from "../../src/schema/kql.ts";
import { k, type NamedColumn, table, tableOf } from "../../src/schema/table.ts";

// The judge is Kusto's own parser, transpiled from C#: it hangs itself on globalThis.
const require = createRequire(import.meta.url);
require("@kusto/language-service-next/bridge.min.js");
require("@kusto/language-service-next/Kusto.Language.Bridge.min.js");
// biome-ignore lint/suspicious/noExplicitAny: the package's types describe another entry point
const Kusto = (globalThis as any).Kusto;

/** What Kusto sees in a command: complaints about its form, bracketed names, literals, all in order of the text. */
function read(command: string): { complaints: string[]; names: string[]; literals: string[] } {
  const code = Kusto.Language.KustoCode.ParseAndAnalyze(command);
  const diagnostics = code.GetDiagnostics();
  const complaints: string[] = [];
  for (let i = 0; i < diagnostics.Count; i++) {
    const message: string = diagnostics.getItem(i).Message;
    // The parser knows no database here, so a table that has to exist is unknown to it. That is no matter of form.
    if (!/does not refer to any known table/.test(message)) complaints.push(message);
  }
  assert.equal(code.Kind, "Command");
  return { complaints, ...partsOf(code.Syntax) };
}

// biome-ignore lint/suspicious/noExplicitAny: the transpiled syntax tree
function partsOf(root: any): { names: string[]; literals: string[] } {
  const names: string[] = [];
  const literals: string[] = [];
  const { BracketedName, LiteralExpression } = Kusto.Language.Syntax;
  // biome-ignore lint/suspicious/noExplicitAny: a node of the transpiled syntax tree
  const walk = (node: any): void => {
    if (node instanceof BracketedName) {
      names.push(node.SimpleName);
      return;
    }
    if (node instanceof LiteralExpression) literals.push(node.Token.ValueText);
    for (let i = 0; i < node.ChildCount; i++) {
      const child = node.GetChild(i);
      if (child) walk(child);
    }
  };
  walk(root);
  return { names, literals };
}

/** Names that table() takes, with a liking for what hurts. */
const name = fc
  .oneof(
    fc.string({ unit: "binary", minLength: 1, maxLength: 12 }),
    fc.string({
      unit: fc.constantFrom("'", '"', "\\", "[", "]", "(", ")", ":", ",", " ", "`", "a", "\u2028", "é", "💧", "//"),
      minLength: 1,
    }),
    fc.constantFrom("where", "1day", "T | drop", "'] , ['x", "\\'", "--", "```", "@'"),
  )
  .filter((text) => text.isWellFormed() && !/[\u0000-\u001f\u007f]/.test(text) && text.length <= 1024);

const columns: fc.Arbitrary<NamedColumn[]> = fc.uniqueArray(
  fc.record({ name, kind: fc.constantFrom(...kinds), isOptional: fc.boolean() }),
  { selector: (c) => c.name, minLength: 1, maxLength: 6 },
);

test("Kusto's parser reads every command as it was meant", () => {
  fc.assert(
    fc.property(
      name,
      columns,
      fc.string({ unit: "binary" }),
      fc.constantFrom("csv", "json"),
      (tableName, list, mappingName, kind) => {
        const t = tableOf(tableName, list);

        const create = read(createMergeTableCommand(t));
        assert.deepEqual(create.complaints, []);
        assert.deepEqual(create.names, [tableName, ...list.map((c) => c.name)]);

        const alter = read(createOrAlterMappingCommand(t, kind as "csv" | "json", mappingName));
        assert.deepEqual(alter.complaints, []);
        assert.deepEqual(alter.names, [tableName]);
        assert.equal(alter.literals[0], mappingName);
        assert.deepEqual(JSON.parse(alter.literals[1] ?? ""), ingestionMapping(t, kind as "csv" | "json"));
      },
    ),
    // Kusto's parser takes 70 ms for a command (1 ms for a query), so the runs are few.
    { numRuns: 40 },
  );
});

test("a string literal keeps every text, and is well-formed even where the text is not", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const code = Kusto.Language.KustoCode.ParseAndAnalyze(`print x = ${quoteString(text)}`);
      assert.equal(code.GetDiagnostics().Count, 0);
      assert.deepEqual(partsOf(code.Syntax).literals, [text]);
    }),
  );
  const halves = quoteString("a\ud800b");
  assert.ok(halves.isWellFormed());
  assert.equal(halves, "'a\\ud800b'");
});

test("commands have the documented form", () => {
  const t = table("My table", { "a b": k.int(), c: k.dynamic().optional() });
  assert.equal(createMergeTableCommand(t), ".create-merge table ['My table'] (['a b']:int, ['c']:dynamic)");
  assert.equal(quoteName("it's"), "['it\\'s']");
  assert.deepEqual(ingestionMapping(t, "csv"), [
    { Column: "a b", DataType: "int", Properties: { Ordinal: "0" } },
    { Column: "c", DataType: "dynamic", Properties: { Ordinal: "1" } },
  ]);
  assert.deepEqual(
    ingestionMapping(t, "json").map((m) => m.Properties),
    [{ Path: "$['a b']" }, { Path: "$['c']" }],
  );
  assert.match(
    createOrAlterMappingCommand(t, "csv", "m"),
    /^\.create-or-alter table \['My table'\] ingestion csv mapping 'm' '\[\{/,
  );
});

test("a JSON path uses the quote that the name leaves free", () => {
  assert.equal(jsonPath("it's"), `$["it's"]`);
  assert.equal(jsonPath('say "hi"'), `$['say "hi"']`);
  assert.equal(jsonPath(`both ' and "`), `$['both \\' and "']`);
  assert.equal(jsonPath("a\\b"), "$['a\\\\b']");
});
