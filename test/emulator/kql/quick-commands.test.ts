import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import {
  quickenCommands,
  quickenLists,
  quickenOperators,
  quickenOrigins,
} from "../../../src/emulator/kql/quick-commands.ts";
import { type SyntaxNode, textOf } from "../../../src/emulator/kql/tree.ts";

const require = createRequire(import.meta.url);
require("@kusto/language-service-next/bridge.min.js");
require("@kusto/language-service-next/Kusto.Language.Bridge.min.js");

interface Tree {
  readonly ChildCount: number;
  readonly Kind: number;
  readonly NameInParent: string | null;
  readonly ReferencedSymbol?: { readonly Name: string } | null;
  readonly ResultType?: { readonly Name: string } | null;
  GetChild(index: number): Tree | null;
  ToString(): string;
}

// biome-ignore lint/suspicious/noExplicitAny: the package has no types that could be loaded
const kusto = (globalThis as any).Kusto.Language;

function parsed(text: string): string {
  const code = kusto.KustoCode.ParseAndAnalyze(text, kusto.GlobalState.Default);
  const found = code.GetDiagnostics();
  const diagnostics = Array.from({ length: found.Count }, (_, index) => {
    const { Code, Message, Start } = found.getItem(index);
    return { Code, Message, Start };
  });
  const tree = (node: Tree | null): unknown =>
    node && [
      node.Kind,
      node.NameInParent,
      node.ReferencedSymbol?.Name,
      node.ResultType?.Name,
      node.ChildCount === 0 ? node.ToString() : "",
      ...Array.from({ length: node.ChildCount }, (_, index) => tree(node.GetChild(index))),
    ];
  return JSON.stringify([tree(code.Syntax), diagnostics]);
}

const texts = [
  ".show table T extents where tags has 'x'",
  ".show table T extents where tags has 'x' | project ExtentId | count",
  ".create table T (a:string, b:long) with (hidden=true, folder='x')",
  ".create-merge tables A (a:string), B (b:long)",
  ".move extents from table A to table B (11111111-2222-3333-4444-555555555555)",
  ".alter table S policy merge '{\"AllowMerge\":false}'",
  ".drop table ['S'] ifexists",
  ".set-or-append T with (tags='[\"a\"]') <| A | where x == 1 | take 5",
  ".ingest inline into table T with (format='csv') <|\n1,2\n3,4",
  ".execute database script <|\n.create table A (a:int)\n\n.create table B (b:int)",
  ".create function F(a:long) { T | where b == a }",
  // Texts that are no whole command: here the nearest one is searched for, as ever.
  ".show table T extents where tags",
  ".create table",
  ".nonsense words",
  ".show tables and more",
  ".show tables | nonsense",
  "let t0 = print x = 1, y = 2; let t1 = union t0, t0; let t2 = union t1, t1; t2 | project z = x + y, x | summarize count() by x",
  ".",
  ...operatorTexts(),
];

/** Every operator between values of all types, literals and columns: with what the parser says where it does not take them. */
function operatorTexts(): string[] {
  const values = [
    "true",
    "datetime(2024-01-01)",
    "decimal(1)",
    "dynamic([1])",
    "guid(null)",
    "int(1)",
    "1",
    "1.5",
    "'a'",
    "1h",
  ];
  const operators = [
    "==",
    "!=",
    "<",
    ">=",
    "+",
    "-",
    "*",
    "/",
    "%",
    "and",
    "or",
    "has",
    "contains",
    "=~",
    "startswith",
    "matches regex",
  ];
  const columns = values.map((value, i) => `c${i} = ${value}`).join(", ");
  const pairs = (left: (i: number) => string) =>
    operators.flatMap((sign) =>
      values.flatMap((_, i) => values.map((right, j) => `${left(i)} ${sign} ${j % 2 ? right : `c${j}`}`)),
    );
  return [
    ...pairs((i) => `c${i}`).map((pair) => `print ${columns} | project x = ${pair}`),
    `print ${columns} | project ${values.map((value, i) => `n${i} = -c${i}, m${i} = -(${value})`).join(", ")}`,
    `print ${columns} | where * has 'a' and * == 1`,
    `print ${columns} | where c8 in ('a', 'b') and c6 between (1 .. 2) and c1 between (c1 .. c9) and c3.a == 1 and c3[0] + 1 == nothing`,
  ];
}

test("the parser gives the same trees and complaints, quickened or not", () => {
  const before = texts.map(parsed);
  const search = kusto.Parsing.PartialParser.ScanPartialBest;
  quickenCommands(kusto.Parsing);
  quickenLists(kusto.Utils);
  quickenOrigins(kusto.Symbols);
  quickenOperators(kusto);
  assert.notEqual(kusto.Parsing.PartialParser.ScanPartialBest, search);
  texts.forEach((text, index) => {
    assert.equal(parsed(text), before[index], text);
  });
});

test("the text of a node is what the parser itself writes of it", () => {
  let compared = 0;
  const visit = (node: SyntaxNode) => {
    assert.equal(textOf(node), node.ToString().trim());
    compared++;
    for (let index = 0; index < node.ChildCount; index++) {
      const child = node.GetChild(index);
      if (child) visit(child);
    }
  };
  for (const text of [
    ...texts,
    "  T // so\n | where  ['a b'] == 'x'  and y in (1,\t2) | project dynamic({ \"a\" : [1 , 2] })",
  ])
    visit(kusto.KustoCode.ParseAndAnalyze(text, kusto.GlobalState.Default).Syntax as SyntaxNode);
  assert.ok(compared > 300, `${compared}`);
});
