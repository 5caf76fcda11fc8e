/** A test of one text against another; both are SQL. */
type TextTest = (text: string, wanted: string) => string;

/** A term is a run of letters and digits; `has` finds whole terms. */
const edge = "[^\\p{L}\\p{N}]";

/**
 * A text without the term's letters cannot have the term, and looking for them is many times cheaper than the expression with its classes
 * of Unicode; and where the term differs from row to row, it spares DuckDB the compiling of most of the expressions.
 */
const withEdges = (before: string, after: string): TextTest => {
  return (text, wanted) =>
    `(contains(${text}, ${wanted}) AND regexp_matches(${text}, ${before}regexp_escape(${wanted})${after}))`;
};

const hasTerm = withEdges(`'(^|${edge})' || `, ` || '($|${edge})'`);
const hasStart = withEdges(`'(^|${edge})' || `, "");
const hasEnd = withEdges("", ` || '($|${edge})'`);
const contains: TextTest = (text, wanted) => `contains(${text}, ${wanted})`;
const startsWith: TextTest = (text, wanted) => `starts_with(${text}, ${wanted})`;
const endsWith: TextTest = (text, wanted) => `ends_with(${text}, ${wanted})`;
const equal: TextTest = (text, wanted) => `(${text} = ${wanted})`;

const anyCase =
  (test: TextTest): TextTest =>
  (text, wanted) =>
    test(`lower(${text})`, `lower(${wanted})`);
const not =
  (test: TextTest): TextTest =>
  (text, wanted) =>
    `(NOT ${test(text, wanted)})`;

function family(name: string, test: TextTest): Record<string, TextTest> {
  return {
    [`${name}Expression`]: anyCase(test),
    [`Not${name}Expression`]: not(anyCase(test)),
    [`${name}CsExpression`]: test,
    [`Not${name}CsExpression`]: not(test),
  };
}

/** String operators by the name of their node: without `Cs` the case does not matter. */
export const textTests: Readonly<Record<string, TextTest | undefined>> = {
  ...family("Has", hasTerm),
  ...family("HasPrefix", hasStart),
  ...family("HasSuffix", hasEnd),
  ...family("Contains", contains),
  ...family("StartsWith", startsWith),
  ...family("EndsWith", endsWith),
  EqualTildeExpression: anyCase(equal),
  BangTildeExpression: not(anyCase(equal)),
  MatchesRegexExpression: (text, wanted) => `regexp_matches(${text}, ${wanted})`,
};

/** Whether an operator of texts, by the name of its node, is the negation of another. */
export const isNegated = (kind: string) => /^(Not|Bang)/.test(kind);

export const hasTermAnyCase = anyCase(hasTerm);
export const equalAnyCase = anyCase(equal);
