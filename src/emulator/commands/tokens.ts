import { positionText } from "../kql/tree.ts";
import { syntaxError } from "../kusto-error.ts";

/** A piece of a command that Kusto's parser does not carry. */
export interface Token {
  readonly kind: "word" | "string" | "symbol";
  /** Of a string, what it stands for. */
  readonly text: string;
  readonly at: number;
}

/** Words may have dashes within, as in `.ingest-from-storage-queued`. */
const shape =
  /(?<blank>\s+|\/\/[^\n]*)|(?<fence>```[\s\S]*?```)|h?@(?<verbatim>"(?:[^"]|"")*"|'(?:[^']|'')*')|h?(?<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?<word>(?<![\w)\]])\.[a-z][\w-]*|\w[\w-]*(?:\.\d+)?)|(?<symbol><\||[()=,.[\]|])/iy;

/** @throws KustoError with the position of what cannot be read. */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  shape.lastIndex = 0;
  while (shape.lastIndex < text.length) {
    const at = shape.lastIndex;
    const groups = shape.exec(text)?.groups;
    if (!groups)
      throw syntaxError(`SYN0002: unexpected character ${JSON.stringify(text[at])} ${positionText(text, at)}`);
    const { fence, verbatim, quoted, word, symbol } = groups;
    if (fence !== undefined) tokens.push({ kind: "string", text: fence.slice(3, -3), at });
    else if (verbatim !== undefined) tokens.push({ kind: "string", text: undoubled(verbatim), at });
    else if (quoted !== undefined) tokens.push({ kind: "string", text: unescaped(quoted.slice(1, -1)), at });
    else if (word !== undefined) tokens.push({ kind: "word", text: word, at });
    else if (symbol !== undefined) tokens.push({ kind: "symbol", text: symbol, at });
  }
  return tokens;
}

const undoubled = (literal: string) => literal.slice(1, -1).replaceAll(literal[0]!.repeat(2), literal[0]!);

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", "0": "\0" };

const unescaped = (text: string) => text.replaceAll(/\\(.)/g, (_, char: string) => escapes[char] ?? char);

/** Reads tokens from left to right. */
export interface TokenReader {
  readonly isAtEnd: boolean;
  /** The next token, if it is this word or symbol, in any case; it is taken then. */
  accept(...texts: string[]): boolean;
  expect(...texts: string[]): void;
  /** The next token of this kind. */
  take(kind: Token["kind"], what: string): string;
  peek(): Token | undefined;
  /** @throws KustoError */
  refuse(why: string): never;
}

export function tokenReader(text: string): TokenReader {
  const tokens = tokensOf(text);
  let next = 0;
  const refuse = (why: string): never => {
    throw syntaxError(`SYN0002: ${why} ${positionText(text, tokens[next]?.at ?? text.length)}`);
  };
  const isNext = (wanted: readonly string[]) =>
    wanted.every((each, index) => {
      const token = tokens[next + index];
      return token !== undefined && token.kind !== "string" && token.text.toLowerCase() === each.toLowerCase();
    });
  const accept = (...wanted: string[]) => {
    if (!isNext(wanted)) return false;
    next += wanted.length;
    return true;
  };
  return {
    get isAtEnd() {
      return next >= tokens.length;
    },
    accept,
    expect(...wanted) {
      for (const each of wanted) if (!accept(each)) refuse(`Expected: ${each}`);
    },
    take(kind, what) {
      const token = tokens[next];
      if (token?.kind !== kind) return refuse(`Expected: ${what}`);
      next++;
      return token.text;
    },
    peek: () => tokens[next],
    refuse,
  };
}
