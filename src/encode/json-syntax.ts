/**
 * Is a text JSON (RFC 8259)? A table says which token may come in which state; nothing is built, so it costs less than
 * `JSON.parse` and leaves no garbage. The twin of assembly/json-syntax.ts, from which it differs in that it reads UTF-16.
 */
export interface JsonFault {
  readonly reason: JsonReason;
  /** The character it is about, from 0. */
  readonly at: number;
}

/** What a text may be: any value, or an object, as a row of NDJSON must be. */
export type JsonForm = "value" | "object";

/** The first nine by the state that was not satisfied. */
export const jsonReasons = [
  "the object is missing",
  'a key or "}" is missing',
  "a key is missing",
  'a ":" is missing',
  "a value is missing",
  'a value or "]" is missing',
  'a "," or "}" is missing',
  'a "," or "]" is missing',
  "the text should end",
  "a control character stands in a string",
  "an escape is unknown",
  "a string is not closed",
  "a number is broken",
  "a word is neither true, false nor null",
  "it is nested too deep",
] as const;

export type JsonReason = (typeof jsonReasons)[number];

const controlInString = 9;
const escapeUnknown = 10;
const stringOpen = 11;
const numberBroken = 12;
const wordUnknown = 13;
const nestedTooDeep = 14;

/** The deepest nesting that is followed. */
export const mostDepth = 1024;

// Classes of characters: what a token may begin with.
const other = 0;
const openObject = 1;
const openArray = 3;
const colon = 5;
const comma = 6;
const quote = 7;
const number = 8;
const word = 9;
const end = 10;
const space = 11;

const classes = new Uint8Array(128);
for (const [characters, kind] of [
  ["{", openObject],
  ["}", 2],
  ["[", openArray],
  ["]", 4],
  [":", colon],
  [",", comma],
  ['"', quote],
  ["-0123456789", number],
  ["tfn", word],
  [" \t\n\r", space],
] as const)
  for (const character of characters) classes[character.charCodeAt(0)] = kind;

// What the next token must be; an index of `jsonReasons`.
const rowObject = 0;
const firstKey = 1;
const key = 2;
const afterKey = 3;
const value = 4;
const firstItem = 5;
const afterMember = 6;
const afterItem = 7;
const done = 8;

/** By state: a bit for each class that may come. */
const allowed = [0x0002, 0x0084, 0x0080, 0x0020, 0x038a, 0x039a, 0x0044, 0x0050, 0x0400];

/** For each open object or array, the state behind it. One scan runs at a time, and none is left half-way. */
const outer = new Uint8Array(mostDepth);

/** Undefined for JSON of that form with white space around it, or what is wrong with the text. */
export function jsonFault(text: string, form: JsonForm): JsonFault | undefined {
  let state = form === "object" ? rowObject : value;
  let after = done;
  let depth = 0;
  for (let at = 0; ; ) {
    const unit = text.charCodeAt(at);
    // Past the end there is NaN.
    const kind = unit < 128 ? classes[unit]! : unit >= 128 ? other : end;
    if (kind === space) {
      at++;
      continue;
    }
    if (((allowed[state]! >> kind) & 1) === 0) return fault(state, at);
    if (kind === quote) {
      at = endOfString(text, at + 1);
      if (broken >= 0) return fault(broken, at);
      state = state === firstKey || state === key ? afterKey : after;
    } else if (kind === colon) {
      at++;
      state = value;
    } else if (kind === comma) {
      at++;
      state = state === afterMember ? key : value;
    } else if (kind === number) {
      at = endOfNumber(text, at);
      if (broken >= 0) return fault(broken, at);
      state = after;
    } else if (kind === openObject || kind === openArray) {
      if (depth === mostDepth) return fault(nestedTooDeep, at);
      outer[depth++] = after;
      after = kind === openObject ? afterMember : afterItem;
      state = kind === openObject ? firstKey : firstItem;
      at++;
    } else if (kind === word) {
      const found = words.find((one) => text.startsWith(one, at));
      if (found === undefined) return fault(wordUnknown, at);
      at += found.length;
      state = after;
    } else if (kind === end) {
      return undefined;
    } else {
      // A closing bracket; that it is the right one was seen from the state.
      after = outer[--depth]!;
      state = after;
      at++;
    }
  }
}

const words = ["true", "false", "null"];

function fault(reason: number, at: number): JsonFault {
  return { reason: jsonReasons[reason]!, at };
}

/** What is wrong with the token that was gone over last; -1 for nothing. */
let broken = -1;

function brokenAt(at: number, reason: number): number {
  broken = reason;
  return at;
}

/** Behind the closing quote of the string whose text begins at `at`, or where it is broken. */
function endOfString(text: string, at: number): number {
  for (;;) {
    const unit = text.charCodeAt(at);
    if (unit === 0x22) {
      broken = -1;
      return at + 1;
    }
    if (unit === 0x5c) {
      const length = escapeLength(text, at);
      if (length === 0) return brokenAt(at, escapeUnknown);
      at += length;
    } else if (unit >= 0x20) at++;
    else return brokenAt(at, at < text.length ? controlInString : stringOpen);
  }
}

/** Characters of the escape that begins at `at` with its backslash; 0 where there is no such escape. */
function escapeLength(text: string, at: number): number {
  const unit = text.charCodeAt(at + 1);
  if (unit !== 0x75) return '"\\/bfnrt'.includes(text.charAt(at + 1) || "?") ? 2 : 0;
  for (let i = at + 2; i < at + 6; i++) if (!isHexDigit(text.charCodeAt(i))) return 0;
  return 6;
}

function isHexDigit(unit: number): boolean {
  const letter = unit | 0x20;
  return isDigit(unit) || (letter >= 0x61 && letter <= 0x66);
}

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}

/** Behind the number that begins at `at`, or where it is broken. */
function endOfNumber(text: string, from: number): number {
  broken = -1;
  let at = from;
  if (text.charCodeAt(at) === 0x2d) at++;
  if (text.charCodeAt(at) === 0x30) at++;
  else at = endOfDigits(text, at);
  if (broken < 0 && text.charCodeAt(at) === 0x2e) at = endOfDigits(text, at + 1);
  if (broken >= 0 || (text.charCodeAt(at) | 0x20) !== 0x65) return at;
  const sign = text.charCodeAt(++at);
  if (sign === 0x2b || sign === 0x2d) at++;
  return endOfDigits(text, at);
}

/** One digit at least. */
function endOfDigits(text: string, from: number): number {
  let at = from;
  while (isDigit(text.charCodeAt(at))) at++;
  return at > from ? at : brokenAt(at, numberBroken);
}
