// JSON text, byte by byte, as it comes: nothing of it is held but which brackets are open. What stands around the records of
// a file can be as long as the file itself, so it is not left to JSON.parse; the records are.

/** Space, tab, line feed, carriage return: JSON knows no other white space (RFC 8259, section 2). */
export function isJsonSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** A byte as a message shows it. */
export function shownByte(byte: number): string {
  if (byte > 0x20 && byte < 0x7f) return JSON.stringify(String.fromCharCode(byte));
  return `the byte 0x${byte.toString(16).padStart(2, "0")}`;
}

/** What may come next: between tokens, or within one. */
export type Expected =
  | "value"
  | "firstItem"
  | "firstKey"
  | "key"
  | "colon"
  | "afterItem"
  | "afterMember"
  | "end"
  | "string"
  | "escape"
  | "hexDigit"
  | "minus"
  | "zero"
  | "integer"
  | "point"
  | "fraction"
  | "exponent"
  | "exponentSign"
  | "exponentDigit"
  | "word";

export interface JsonText {
  expects: Expected;
  /** How many objects and arrays are open. */
  depth: number;
  /** By depth: 1 for an object. */
  brackets: Uint8Array;
  isKey: boolean;
  /** What is left of `true`, `false` or `null`, or how many hex digits of an escape. */
  rest: string;
  digitsLeft: number;
}

/** Deeper text is no data: each level costs a byte of memory. */
const mostDepth = 1_000_000;

/** @param openObjects go on behind a member of the innermost of so many objects; by default at the start of a text. */
export function jsonText(openObjects = 0): JsonText {
  return {
    expects: openObjects > 0 ? "afterMember" : "value",
    depth: openObjects,
    brackets: new Uint8Array(Math.max(64, openObjects)).fill(1, 0, openObjects),
    isKey: false,
    rest: "",
    digitsLeft: 0,
  };
}

/** Goes over one byte; returns what is wrong with it, if anything. */
export function nextByte(text: JsonText, byte: number): string | undefined {
  switch (text.expects) {
    case "string":
      if (byte === 0x22) text.expects = text.isKey ? "colon" : behindValue(text);
      else if (byte === 0x5c) text.expects = "escape";
      else if (byte < 0x20) return `${shownByte(byte)} stands unescaped in a string`;
      return undefined;
    case "escape":
      if (byte === 0x75) {
        text.digitsLeft = 4;
        text.expects = "hexDigit";
      } else if (escapes.has(byte)) text.expects = "string";
      else return `a backslash stands before ${shownByte(byte)} in a string`;
      return undefined;
    case "hexDigit":
      if (!isHexDigit(byte)) return `\\u has four hex digits, and here is ${shownByte(byte)}`;
      if (--text.digitsLeft === 0) text.expects = "string";
      return undefined;
    case "word":
      if (byte !== text.rest.charCodeAt(0)) return unexpected("true, false or null", byte);
      text.rest = text.rest.slice(1);
      if (text.rest === "") text.expects = behindValue(text);
      return undefined;
    case "minus":
      if (!isDigit(byte)) return unexpected("a digit", byte);
      text.expects = byte === 0x30 ? "zero" : "integer";
      return undefined;
    case "point":
    case "exponentSign":
      if (!isDigit(byte)) return unexpected("a digit", byte);
      text.expects = text.expects === "point" ? "fraction" : "exponentDigit";
      return undefined;
    case "exponent":
      if (byte === 0x2b || byte === 0x2d) text.expects = "exponentSign";
      else if (isDigit(byte)) text.expects = "exponentDigit";
      else return unexpected("an exponent", byte);
      return undefined;
    case "zero":
    case "integer":
    case "fraction":
    case "exponentDigit":
      return inNumber(text, byte);
    default:
      return isJsonSpace(byte) ? undefined : betweenTokens(text, byte);
  }
}

/** Is the text whole, if nothing more comes? */
export function isWhole({ expects, depth }: JsonText): boolean {
  return expects === "end" || (depth === 0 && numberEnds.has(expects));
}

const numberEnds: ReadonlySet<Expected> = new Set(["zero", "integer", "fraction", "exponentDigit"]);
const escapes: ReadonlySet<number> = new Set([...'"\\/bfnrt'].map((character) => character.charCodeAt(0)));

function inNumber(text: JsonText, byte: number): string | undefined {
  if (isDigit(byte) && text.expects !== "zero") return undefined;
  if (byte === 0x2e && (text.expects === "zero" || text.expects === "integer")) text.expects = "point";
  else if ((byte | 0x20) === 0x65 && text.expects !== "exponentDigit") text.expects = "exponent";
  else {
    text.expects = behindValue(text);
    return nextByte(text, byte);
  }
  return undefined;
}

function betweenTokens(text: JsonText, byte: number): string | undefined {
  switch (text.expects) {
    case "firstKey":
    case "key":
      if (byte === 0x7d && text.expects === "firstKey") return close(text);
      if (byte !== 0x22) return unexpected("a member's name", byte);
      text.isKey = true;
      text.expects = "string";
      return undefined;
    case "colon":
      if (byte !== 0x3a) return unexpected("a colon", byte);
      text.expects = "value";
      return undefined;
    case "afterMember":
      if (byte === 0x7d) return close(text);
      if (byte !== 0x2c) return unexpected("a comma or }", byte);
      text.expects = "key";
      return undefined;
    case "afterItem":
      if (byte === 0x5d) return close(text);
      if (byte !== 0x2c) return unexpected("a comma or ]", byte);
      text.expects = "value";
      return undefined;
    case "end":
      return unexpected("the end of the file", byte);
    default:
      if (byte === 0x5d && text.expects === "firstItem") return close(text);
      return begin(text, byte);
  }
}

function begin(text: JsonText, byte: number): string | undefined {
  if (byte === 0x7b || byte === 0x5b) {
    if (text.depth >= mostDepth) return `objects and arrays are nested deeper than ${mostDepth}`;
    if (text.depth === text.brackets.length) {
      const grown = new Uint8Array(2 * text.depth);
      grown.set(text.brackets);
      text.brackets = grown;
    }
    text.brackets[text.depth++] = byte === 0x7b ? 1 : 0;
    text.expects = byte === 0x7b ? "firstKey" : "firstItem";
  } else if (byte === 0x22) {
    text.isKey = false;
    text.expects = "string";
  } else if (byte === 0x2d) text.expects = "minus";
  else if (isDigit(byte)) text.expects = byte === 0x30 ? "zero" : "integer";
  else {
    const word = words.find((each) => each.charCodeAt(0) === byte);
    if (word === undefined) return unexpected("a value", byte);
    text.rest = word.slice(1);
    text.expects = "word";
  }
  return undefined;
}

const words = ["true", "false", "null"];

function close(text: JsonText): undefined {
  text.depth--;
  text.expects = behindValue(text);
}

function behindValue({ depth, brackets }: JsonText): Expected {
  if (depth === 0) return "end";
  return brackets[depth - 1] === 1 ? "afterMember" : "afterItem";
}

function unexpected(wanted: string, byte: number): string {
  return `expected ${wanted}, found ${shownByte(byte)}`;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isHexDigit(byte: number): boolean {
  const letter = byte | 0x20;
  return isDigit(byte) || (letter >= 0x61 && letter <= 0x66);
}
