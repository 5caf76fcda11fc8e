import { tooComplex } from "../kql/text-bounds.ts";
import type { SyntaxNode } from "../kql/tree.ts";
import type { Span } from "./syntax.ts";

export interface ReplaceQueries {
  readonly drop: Span;
  readonly move: Span;
}

/** A string, a comment, or any other character. */
const token = /```[\s\S]*?```|[@hH]*"(?:[^"\\\n]|\\.)*"|[@hH]*'(?:[^'\\\n]|\\.)*'|\/\/[^\n]*|[\s\S]/y;

/** Where the two queries of `.replace extents in table T <| {...}, {...}` stand; undefined if the text is not of this form. */
export function replaceQueries(text: string): ReplaceQueries | undefined {
  if (!/^\s*\.replace\b/i.test(text)) return undefined;
  const braces: Span[] = [];
  let depth = 0;
  let from = 0;
  let isBehindArrow = false;
  token.lastIndex = 0;
  for (let found = token.exec(text); found; found = token.exec(text)) {
    if (found[0] === "<" && text[token.lastIndex] === "|" && depth === 0) isBehindArrow = true;
    if (!isBehindArrow) continue;
    if (found[0] === "{" && depth++ === 0) from = token.lastIndex;
    if (found[0] === "}" && --depth === 0) braces.push({ from, to: token.lastIndex - 1 });
  }
  const [drop, move, ...more] = braces;
  return depth === 0 && drop && move && more.length === 0 ? { drop, move } : undefined;
}

const standIn = "print 1";

/** The parser does not take a command as the first of the two queries: it is given queries of the same length instead. */
function withoutReplaceQueries(text: string): string {
  const queries = replaceQueries(text);
  if (!queries) return text;
  const { drop, move } = queries;
  if (drop.to - drop.from < standIn.length || move.to - move.from < standIn.length) return text;
  const other = (span: Span) => standIn + blank(text.slice(span.from + standIn.length, span.to));
  return text.slice(0, drop.from) + other(drop) + text.slice(drop.to, move.from) + other(move) + text.slice(move.to);
}

export const blank = (text: string) => text.replace(/[^\n]/g, " ");

/** `.move extents all`, which the parser knows without properties only. */
export const movesAll = (text: string) => /^\s*\.move\s+(?:async\s+)?extents\s+all\b/i.test(text);
const moveAllWith = /^(\s*\.move\s+(?:async\s+)?extents\s+)all(\s+from\s[^|<]*\bwith\s*\(.*\)\s*)$/is;

/** `.drop extents from tables (A, B)`, which the documentation shows and the parser does not know. */
const dropFromTables = /^(\s*\.drop(?:-pretend)?\s+extents\b[^<(]*\bfrom\s+)(tables\s*\(([^()]*)\))/i;

/** The tables of `.drop extents from tables (A, B)`, if the command is of this form. */
export function tablesToDropFrom(text: string): string[] | undefined {
  const list = dropFromTables.exec(text)?.[3];
  return list?.split(",").map((name) => name.trim().replace(/^\[\s*(['"])(.*)\1\s*\]$/, "$2"));
}

/** `.rename tables A = B ifexists, ...`: the parser does not know the word. */
const renameTables = /^\s*\.rename\s+tables\b/i;
export const isIfExistsBehind = (node: SyntaxNode, text: string) =>
  /^\s*ifexists\b/i.test(text.slice(node.TextStart + node.Width));

const scriptHead = /^\s*\.execute\s+database\s+script\b[^<]*<\|/i;
const scriptStandIn = "\n.show version";

/** The commands of `.execute database script`: each begins with a dot at the head of a line, outside of strings and comments. */
export function commandsOf(text: string): string[] {
  const head = scriptHead.exec(text)?.[0] ?? "";
  const script = text.slice(head.length);
  const starts: number[] = [];
  let isLineHead = true;
  token.lastIndex = 0;
  for (let found = token.exec(script); found; found = token.exec(script)) {
    if (found[0] === "." && isLineHead) starts.push(token.lastIndex - 1);
    isLineHead = found[0] === "\n" || (isLineHead && found[0].trim() === "");
  }
  if (starts.length > mostCommands) throw tooComplex(`the script has more than ${mostCommands} commands`);
  return starts.map((from, index) => withoutLastComments(script.slice(from, starts[index + 1])));
}

const mostCommands = 1_000;

/** Without the lines at its end that are empty or hold a comment alone: those stand before the next command. */
function withoutLastComments(command: string): string {
  const lines = command.split("\n");
  while (lines.length > 1 && /^\s*(\/\/|$)/.test(lines.at(-1)!)) lines.pop();
  return lines.join("\n").trim();
}

/** Longer texts are left as they are: the expressions behind it look at each place again and again. */
const longestRewritten = 65_536;

/**
 * The text as Kusto's parser can take it, each part at its own place: commands that the documentation has, and the
 * parser has not, or not in full. Whoever runs them looks at the text itself.
 */
export function forParser(text: string): string {
  if (/^\s*\.replace\b/i.test(text)) return withoutReplaceQueries(text);
  // Its commands are parsed one by one: an error in one of them is not one of the script.
  if (scriptHead.test(text)) return scriptHead.exec(text)![0] + scriptStandIn;
  if (renameTables.test(text)) return text.replace(/(?<=[\s\])}])ifexists(?=\s*(,|$))/gi, blank);
  if (dropFromTables.test(text))
    return text.replace(dropFromTables, (_, head: string, list: string) => head + "all tables".padEnd(list.length));
  if (text.length > longestRewritten) return text;
  if (moveAllWith.test(text))
    return `${text.replace(moveAllWith, (_, head: string, tail: string) => `${head}   ${tail}`)}(00000000-0000-0000-0000-000000000000)`;
  return text.replace(
    /^(\s*\.show\s+(?:table|tables|database|cluster)\b[^<|]*\bextents\b[^<|]*?\s)details(?=\s|$)/i,
    (_, head: string) => `${head}       `,
  );
}
