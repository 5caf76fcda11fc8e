import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { databaseOf } from "../../../src/emulator/engine/catalogue.ts";
import type { Database } from "../../../src/emulator/engine/entities.ts";
import { kindOf, type Language, loadLanguage } from "../../../src/emulator/kql/language.ts";
import { finalSql } from "../../../src/emulator/kql/relation.ts";
import { translated } from "../../../src/emulator/kql/run-query.ts";
import { childrenOf, type SyntaxNode } from "../../../src/emulator/kql/tree.ts";
import { type Engine, startEngine } from "./engine.ts";

/**
 * Nothing of a query may be dropped in silence. The oracle is Kusto's parser: it says which kinds of nodes and which
 * parameters there are, and whether a query from which a part was cut is still a query.
 */
let engine: Engine;
let language: Language;
let database: Database;

before(async () => {
  engine = await startEngine();
  await engine.table(
    "T",
    "s:string, l:long, i:int, r:real, t:datetime, g:timespan, m:decimal, d:dynamic, u:guid, b:bool",
    "x",
  );
  await engine.table("U", "l:long, k:string", "1,x");
  language = await loadLanguage();
  database = databaseOf(engine.catalogue, "demo");
});
after(() => engine.close());

/** What we ask Kusto's parser beside parsing. */
interface Parser {
  readonly KustoCode: { ParseAndAnalyze(text: string, globals: unknown): { readonly Syntax: SyntaxNode } };
  readonly GlobalState: { readonly Default: unknown };
  readonly Syntax: { readonly SyntaxKind: Readonly<Record<string, number>> };
  readonly QueryOperatorParameters: { readonly AllParameters: readonly { readonly Name: string }[] };
}

const parser = () => (globalThis as unknown as { Kusto: { Language: Parser } }).Kusto.Language;

/** What a query is translated to, and what an answer says beside its rows; the same moment for all. */
function translation(query: string): { root: SyntaxNode; result: string } {
  const { clock } = engine.catalogue;
  const catalogue = { ...engine.catalogue, clock: { ...clock, ticks: () => 638_000_000_000_000_000n } };
  const code = language.parse(query, catalogue, database);
  const relation = translated(code, catalogue, database);
  const shown = relation.columns.map(({ name, kind }) => [name, kind]);
  return { root: code.root, result: JSON.stringify([finalSql(relation), shown, relation.visualization ?? null]) };
}

function eachNode(node: SyntaxNode, act: (node: SyntaxNode, parent: SyntaxNode) => void): void {
  for (const child of childrenOf(node)) {
    act(child, node);
    eachNode(child, act);
  }
}

const textOperators = ["has", "hasprefix", "hassuffix", "contains", "startswith", "endswith"].flatMap((name) =>
  [name, `!${name}`, `${name}_cs`, `!${name}_cs`].map((operator) => `T | where s ${operator} 'a'`),
);

/** Queries that the emulator answers. */
const carried = [
  ...textOperators,
  "T | as X | union X",
  "T | count",
  "T | count as n",
  "T | distinct s, l",
  "U | distinct *",
  "T | extend a = l + 1, z = s, l = 2",
  "T | extend (p, q) = array_sort_asc(d, d)",
  "T | filter l > 1",
  "T | getschema",
  "let f = (x:(l:long), y:long = 3) { x | where l > y }; T | project l | invoke f(4)",
  "let f = (x:(*), y:long) { x | take y }; T | invoke f(4)",
  "let f = (y:long = 3, z:string = 'a') { strcat(z, y) }; print f(z = 'b')",
  "let V = view () { T }; union V, U",
  "let x = 1; let Y = T | where l > x; Y",
  "declare query_parameters(a:long = 1, b:string = 'x'); T | where l > a and s == b",
  "T | lookup kind=inner (U) on $left.l == $right.l",
  "T | join kind=inner (U) on l, $left.s == $right.k",
  "T | join (U) on $left.l == $right.l and $left.s == $right.k",
  "T | mv-expand kind=array d",
  "T | mv-expand with_itemindex=n z = d to typeof(long) limit 3",
  "T | mv-apply with_itemindex=n z = d to typeof(long) limit 3 on (top 1 by z)",
  "T | parse kind=regex flags=Ui s with 'a' x:long 'b' y:string",
  "T | parse s with * 'a' x:long 'b'",
  "T | parse-where kind=relaxed s with 'a' x:long 'b' y",
  "print a = 1, 2",
  "T | project s, z = l, l + 1",
  "T | project-away s, l*",
  "T | project-by-names dynamic(['l', 's'])",
  "T | project-keep l, u*",
  "T | project-rename z = l, y = s",
  "T | project-reorder t, * asc, s",
  "T | project-reorder * granny-desc",
  "range x from 1 to 10 step 2",
  "T | sample 3",
  "T | sample-distinct 3 of l",
  "T | serialize n = row_number(1, s != prev(s, 1, 'q'))",
  "T | sort by l asc nulls last, s nulls first",
  "T | top 3 by l asc nulls last",
  "T | summarize c = count(), sum(l) by s, bin(t, 1d)",
  "T | summarize arg_max(l, s, r), arg_min(t, *) by b",
  "T | summarize make_list(l, 3), make_set(s, 4), make_bag(d, 5), percentile(l, 50), take_any(s, l)",
  "T | summarize percentiles(l, 5, 95), percentilesw(l, i, 5, 95), percentiles_array(l, dynamic([1, 2]))",
  "T | summarize countif(l > 1), sumif(l, s == 'a'), make_list_if(l, b, 3)",
  "T | take 3",
  "union withsource=src isfuzzy=true T, (T | project l), Nope",
  "T | union kind=inner (U)",
  "T | search kind=case_sensitive 'foo' and l > 3 or s:'bar'",
  "search in (T) 'foo*'",
  "search *",
  "T | where * has 'x' and * == 3",
  "T | render timechart with (series=s, ycolumns=l, i)",
  "T | render timechart title='b' with (ytitle='x')",
  "T | where l between (1 .. 2) and t !between (datetime(2020-01-01) .. 1d)",
  "T | where l in (1, 2) or s !in ('a', 'b') or s in~ ('x') or s !in~ ('y')",
  "T | where s has_any ('a', 'b') and s has_all ('c', 'd')",
  "T | where l in ((U | project l))",
  "T | where d.a.b[0]['c'] == 1 and d[-1] == 2",
  "print dynamic({'a': [1, 2.5, datetime(2020-01-01), null], \"b\": -1})",
  "print -2, not(true), bag_has_key(dynamic({'a': 1}), 'a')",
  "print + 2, (1)",
  "print int(1), long(2), real(3.5), decimal(4.5), guid(74be27de-1e4e-49d9-b579-fe0b331d3642), 1h, 2.5, true",
  "print 'a' 'b' \"c\"",
  "print toscalar(T | count)",
  "T | where d.['a b'] == 1 or ['s'] == 'a'",
  "let X = materialize(T | where l > 1); X",
  "database('demo').T",
  "datatable(a:long, b:string)[1, 'x', 2, 'y']",
  "T | where s =~ 'a' or s !~ 'b' or s matches regex 'c'",
  "T | where l == 1 or l < 2 or l <= 3 or l >= 4 or l != 5",
  "T | extend x = l + 1 - 2 * 3 / 4 % 5",
  "T | project pack_array(*), pack_all(true), bag_pack_columns(l, s)",
  "union T*, U",
];

/** Parts whose loss changes nothing, and why. */
const empty: readonly [kind: string, text: RegExp, why: string][] = [
  ["PlusToken", /^\+$/, "a number with a plus is the number"],
  ["DefaultValueDeclaration", /^= /, "this call gives the argument"],
  ["ViewKeyword", /^view$/, "a view is one by a wildcard, not by name"],
  ["SeparatedElement", /^, Nope|^Nope/, "a fuzzy union goes on without it"],
  ["NameReference", /^Nope$/, "a fuzzy union goes on without it"],
];

/** Queries that are refused, and by which name. */
const refused: readonly [query: string, name: RegExp][] = [
  ["T | evaluate bag_unpack(d) : (x:long)", /operator 'evaluate'/],
  ["T | evaluate bag_unpack(d) : (*, x:long)", /operator 'evaluate'/],
  ["T | assert-schema (l:long)", /operator 'assert-schema'/],
  ["T | consume", /operator 'consume'/],
  ["T | __executeAndCache", /operator '__executeAndCache'/],
  ["T | facet by s with (take 1)", /operator 'facet'/],
  ["T | facet by s with take 1", /operator 'facet'/],
  ["find in (T, U) where l == 1 project l, s:string, pack(*)", /operator 'find'/],
  ["find datascope=all in (T) where l == 1", /operator 'find'/],
  ["T | fork a = (take 1) (take 2)", /operator 'fork'/],
  ["T | make-graph s --> s with U on k", /operator 'make-graph'/],
  ["T | make-graph s --> s with_node_id=n", /operator 'make-graph'/],
  ["T | make-graph s --> s with_node_id=n | graph-match (a)-[e*1..3]->(b) where a.n == '' project x = a.n", /graph/],
  ["T | make-graph s --> s with_node_id=n | graph-shortest-paths (a)-[e*1..3]->(b) project x = a.n", /graph/],
  ["T | make-graph s --> s with_node_id=n | graph-to-table nodes as N", /graph/],
  ["T | make-graph s --> s with_node_id=n | graph-mark-components", /graph/],
  ["T | make-graph s --> s with_node_id=n | graph-where-nodes true", /graph/],
  ["T | make-graph s --> s with_node_id=n | graph-where-edges true", /graph/],
  [
    "T | make-series c = count() default=0 on t from datetime(2020-01-01) to datetime(2020-01-02) step 1h by s",
    /operator 'make-series'/,
  ],
  [
    "T | make-series c = count() on t in range(datetime(2020-01-01), datetime(2020-01-02), 1h)",
    /operator 'make-series'/,
  ],
  ["T | make-series c = count() on l step 1", /operator 'make-series'/],
  ["T | mv-apply z = d id dynamic(1) on (count)", /'id dynamic\(1\)' of mv-apply/],
  ["T | partition by s (top 1 by l)", /operator 'partition'/],
  ["T | partition by s { T | top 1 by l }", /operator 'partition'/],
  ["T | __partitionby s (top 1 by l)", /operator '__partitionby'/],
  ["T | __partitionby s id dynamic(1) (top 1 by l)", /operator '__partitionby'/],
  ["T | parse-kv s as (a:string) with (pair_delimiter=' ')", /operator 'parse-kv'/],
  ["T | reduce by s with threshold=0.5", /operator 'reduce'/],
  [
    "T | scan order by l partition by s declare (x:long = 1) with (step a output=last: l > 1 => x = 2;)",
    /operator 'scan'/,
  ],
  ["T | top-hitters 3 of s by l", /operator 'top-hitters'/],
  ["T | top-nested 3 of s with others='x' by count()", /operator 'top-nested'/],
  ["T | join (U) where $left.l == $right.l", /'where/],
  ["externaldata (a:string) ['https://x'] with (format='csv')", /operator 'externaldata'/],
  ["T | where s like 'a%'", /operator in/],
  ["T | where s likecs 'a%' or s notlikecs 'b'", /operator in/],
  ["T | where s notlike 'a%'", /operator in/],
  ["T | where s:'a'", /operator in/],
  ["T | where * !has 'a'", /'\*' before this operator in '\* !has 'a''; write not/],
  ["T | where * !contains 'a'", /'\*' before this operator/],
  ["T | where * !~ 'a'", /'\*' before this operator/],
  ["T | where * : 'a'", /'\*' before this operator/],
  ["alias database X = cluster('a').database('demo'); T", /statement 'AliasStatement'/],
  ["restrict access to (T); T", /statement 'RestrictStatement'/],
  ["declare pattern P = (a:string)[b:string] { ('x').['y'] = { T }; }; P('x').y", /statement 'PatternStatement'/],
  ["set query_take_max_records = 1; T", /option 'query_take_max_records'/],
  ["set query_now = datetime(2020-01-01); print now()", /option 'query_now'/],
  ["print 1; print 2", /second tabular statement/],
  ["T | getschema kind=csl", /parameter 'kind=csl'/],
  ["datatable()[1]", /datatable without columns/],
  ["macro-expand entity_group [database('demo')] as X (X.T)", /operator 'macro-expand'/],
  ["T datascope=hotcache | count", /'T/],
  ["restrict access to (T) with (AllowManagedIdentityAuthentication=true); T", /statement 'RestrictStatement'/],
  ["inline_external_table (a:long) kind=storage dataformat=csv ('https://x')", /'inline_external_table'/],
  ["T | render timechart by l", /parameter 'by l'/],
  ["totable(T)", /operator 'totable'/],
];

/** Kinds of nodes that no query holds. */
const outside: Readonly<Record<string, readonly string[]>> = {
  "they belong to commands": [
    "BadCommand",
    "CommandAndSkippedTokens",
    "CommandBlock",
    "CommandWithPropertyListClause",
    "CommandWithValueClause",
    "CustomCommand",
    "CustomNode",
    "PartialCommand",
    "UnknownCommand",
  ],
  "they are mistakes, and the parser reports them": ["BadQueryOperator", "SkippedTokens"],
  "the parser makes none of them": ["BinLegacy", "HintDotNumPartitions", "None"],
  "the parser refuses them: parameters of clients, directives of editors": [
    "AtExpression",
    "BracedName",
    "Directive",
    "DirectiveBlock",
  ],
  "what holds them is refused as a whole": [
    "BracketedWildcardedName",
    "ContextualDataTableExpression",
    "DateTimePattern",
    "ExternalDataUriList",
    "InlineExternalTablePartitionClause",
    "InlineExternalTablePathFormatClause",
    "InlineExternalTablePathFormatPartitionColumnReference",
    "MakeGraphPartitionedByClause",
    "MaterializedViewCombineClause",
    "MaterializedViewCombineExpression",
    "PartitionColumnDeclaration",
    "PartitionScope",
  ],
};

test("every kind of node that Kusto's parser knows is in a query here, carried or refused", () => {
  const met = new Set<string>();
  for (const query of [...carried, ...refused.map(([each]) => each)]) {
    const { Syntax } = parser().KustoCode.ParseAndAnalyze(query, parser().GlobalState.Default);
    met.add(kindOf(Syntax));
    eachNode(Syntax, (node) => met.add(kindOf(node)));
  }
  const kinds = Object.keys(parser().Syntax.SyntaxKind).filter(
    (name) => typeof parser().Syntax.SyntaxKind[name] === "number" && !/(Keyword|Token|Trivia)$/.test(name),
  );
  const excused = Object.values(outside).flat();
  assert.deepEqual(
    kinds.filter((name) => !met.has(name) && !excused.includes(name)),
    [],
    "kinds that no query here holds",
  );
  assert.deepEqual(
    excused.filter((name) => met.has(name) || !kinds.includes(name)),
    [],
    "kinds that are excused and need not be",
  );
});

for (const query of carried)
  test(`every part counts: ${query}`, () => {
    const whole = translation(query);
    const lost: string[] = [];
    const tried = new Set<string>();
    eachNode(whole.root, (node, parent) => {
      const { TextStart: from, Width: width } = node;
      const text = query.slice(from, from + width);
      // Punctuation alone is no part of a query, and a name is one however many nodes it is.
      if (width === 0 || /^[|();:,.[\]{}]$/.test(text) || tried.has(`${from} ${width}`)) return;
      tried.add(`${from} ${width}`);
      const kind = kindOf(node);
      if (empty.some(([known, shape]) => known === kind && shape.test(text))) return;
      let rest: string | undefined;
      try {
        rest = translation(`${query.slice(0, from)} ${query.slice(from + width)}`).result;
      } catch {
        return; // No query without it, or one that is refused.
      }
      if (rest === whole.result) lost.push(`${kindOf(parent)} > ${kind} '${text}'`);
    });
    assert.deepEqual(lost, []);
  });

for (const [query, name] of refused)
  test(`refused by name: ${query}`, async () => {
    const { message } = await engine.refusal(query);
    assert.match(message, / is not supported by this emulator/);
    assert.match(message, name);
  });

test("every parameter of every operator is read, refused, or a hint", () => {
  const names = parser().QueryOperatorParameters.AllParameters.map(({ Name }) => Name);
  assert.ok(names.includes("kind") && names.includes("hint.strategy"), names.join());
  const values = ["1", "x", "true", "'x'", "inner", "bag", "default", "hotcache"];
  const lost: string[] = [];
  for (const [before, after] of operatorsWithParameters) {
    const plain = translation(`${before} ${after}`).result;
    for (const name of [...names, "made_up"].filter((each) => !each.startsWith("hint.")))
      for (const value of values) {
        let result: string;
        try {
          result = translation(`${before} ${name}=${value} ${after}`).result;
        } catch {
          continue; // The parser refuses it, or the emulator does.
        }
        const isDefault = meansTheDefault.some(
          ([operator, text]) => before.endsWith(operator) && `${name}=${value}` === text,
        );
        if (result === plain && !isDefault) lost.push(`${before} ${name}=${value}`);
      }
  }
  assert.deepEqual(lost, []);
});

/** Operators cut in two where their parameters stand. */
const operatorsWithParameters: readonly [before: string, after: string][] = [
  ["T | as", "X"],
  ["T | count", ""],
  ["T | distinct", "s"],
  ["T | extend", "x = l + 1"],
  ["T | where", "(l > 1)"],
  ["T | getschema", ""],
  ["T | join", "(U) on l"],
  ["T | lookup", "(U) on l"],
  ["T | mv-apply", "d on (take 1)"],
  ["T | mv-expand", "d"],
  ["T | parse", "s with 'a' x:long"],
  ["T | parse-where", "s with 'a' x:long"],
  ["T | project", "s"],
  ["T | render timechart", ""],
  ["T | sample", "3"],
  ["T | sample-distinct", "3 of l"],
  ["T | search", "'a'"],
  ["T | serialize", ""],
  ["T | sort", "by l"],
  ["T | summarize", "count() by s"],
  ["T | take", "3"],
  ["T | top", "3 by l"],
  ["T | union", "U"],
  ["datatable", "(a:long)[1]"],
];

/** Values that an operator has anyway. */
const meansTheDefault: readonly [operator: string, parameter: string][] = [
  ["mv-expand", "kind=bag"],
  ["mv-expand", "bagexpansion=bag"],
  ["search", "kind=default"],
  ["union", "isfuzzy=true"],
];
