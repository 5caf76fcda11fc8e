/** A test of one text against another; both are SQL. `isFixed`: the wanted text is the same for all rows. */
type TextTest = (text: string, wanted: string, isFixed: boolean) => string;

/** A term is a run of letters and digits; `has` finds whole terms. */
const edge = "[^\\p{L}\\p{N}]";

const edgeOrMark = "[^\\p{L}\\p{N}\\x02]";

/**
 * A text at the edges of terms. Before the expression with its classes of Unicode comes a look for the letters alone, which is many times
 * cheaper. An expression that differs from row to row is compiled for each of them, which took 1.4 ms: where the wanted text is one term,
 * as it mostly is, blanks in place of what stands between terms do instead.
 */
const withEdges =
  (isAtStart: boolean, isAtEnd: boolean): TextTest =>
  (text, wanted, isFixed) => {
    const [before, after] = [isAtStart ? `'(^|${edge})' || ` : "", isAtEnd ? ` || '($|${edge})'` : ""];
    const matches = `(contains(${text}, ${wanted}) AND regexp_matches(${text}, ${before}regexp_escape(${wanted})${after}))`;
    if (isFixed) return matches;
    const spaced = `(' ' || regexp_replace(${text}, '${edge}', ' ', 'g') || ' ')`;
    const found = `contains(${spaced}, ${isAtStart ? "' ' || " : ""}${wanted}${isAtEnd ? " || ' '" : ""})`;
    // Of several terms: a mark in the place of each find, unless finds overlap or the text has the mark itself.
    const marked = `replace(${text}, ${wanted}, chr(2))`;
    const isMarked = `regexp_matches(${marked}, '${isAtStart ? `(^|${edgeOrMark})` : ""}\\x02${isAtEnd ? `($|${edgeOrMark})` : ""}')`;
    const isFound = `CASE WHEN ${isMarked} AND NOT contains(${text}, chr(2)) THEN true ELSE ${matches} END`;
    return `CASE WHEN NOT contains(${text}, ${wanted}) THEN false WHEN regexp_full_match(${wanted}, '[\\p{L}\\p{N}]+') THEN ${found} WHEN ${wanted} = '' THEN ${matches} ELSE ${isFound} END`;
  };

const hasTerm = withEdges(true, true);
const hasStart = withEdges(true, false);
const hasEnd = withEdges(false, true);
const contains: TextTest = (text, wanted) => `contains(${text}, ${wanted})`;
const startsWith: TextTest = (text, wanted) => `starts_with(${text}, ${wanted})`;
const endsWith: TextTest = (text, wanted) => `ends_with(${text}, ${wanted})`;
const equal: TextTest = (text, wanted) => `(${text} = ${wanted})`;

const anyCase =
  (test: TextTest): TextTest =>
  (text, wanted, isFixed) =>
    test(`lower(${text})`, `lower(${wanted})`, isFixed);
const not =
  (test: TextTest): TextTest =>
  (text, wanted, isFixed) =>
    `(NOT ${test(text, wanted, isFixed)})`;

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
