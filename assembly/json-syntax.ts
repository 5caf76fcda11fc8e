// Is a line a JSON object (RFC 8259)? A table says which token may come in which state; strings are gone over 16 bytes at a
// time. Nothing is built and nothing copied: the line is sent as it stands. src/encode/json-syntax.ts is the twin.
//
// The line ends in a newline, which no token may hold, so nothing here looks at an end of its own.
import { toEscape } from "./json-text";
import { CONTROL_IN_STRING, ESCAPE_UNKNOWN, LITERAL_UNKNOWN, NESTED_TOO_DEEP, NUMBER_BROKEN, OBJECT_MISSING, STRING_OPEN } from "./reasons";

/** The deepest nesting that is followed; a row beyond it is refused. */
const MOST_DEPTH: i32 = 1024;

// Classes of bytes: what a token may begin with.
const OTHER: u8 = 0;
const OPEN_OBJECT: u8 = 1;
const CLOSE_OBJECT: u8 = 2;
const OPEN_ARRAY: u8 = 3;
const CLOSE_ARRAY: u8 = 4;
const COLON: u8 = 5;
const COMMA: u8 = 6;
const QUOTE: u8 = 7;
const NUMBER: u8 = 8;
const LITERAL: u8 = 9;
const END: u8 = 10;
const SPACE: u8 = 11;

const CLASSES: usize = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 11, 10, 0, 0, 11, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  11, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 8, 0, 0, // space " , -
  8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 5, 0, 0, 0, 0, 0, // digits :
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 4, 0, 0, // [ ]
  0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 9, 0, // f n
  0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, // t { }
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
]);

// What the next token must be. The reason of a refusal is OBJECT_MISSING plus the state.
const ROW: i32 = 0;
const FIRST_KEY: i32 = 1;
const KEY: i32 = 2;
const AFTER_KEY: i32 = 3;
const VALUE: i32 = 4;
const FIRST_ITEM: i32 = 5;
const AFTER_MEMBER: i32 = 6;
const AFTER_ITEM: i32 = 7;
const DONE: i32 = 8;

/** By state and class: may this token come here? A bit per class. */
const ALLOWED: usize = memory.data<u16>([
  0x0002, // ROW: {
  0x0084, // FIRST_KEY: " }
  0x0080, // KEY: "
  0x0020, // AFTER_KEY: :
  0x038a, // VALUE: { [ " number literal
  0x039a, // FIRST_ITEM: the same and ]
  0x0044, // AFTER_MEMBER: , }
  0x0050, // AFTER_ITEM: , ]
  0x0400, // DONE: the end
]);

/** For each open object or array, the state behind it. */
const OUTER: usize = memory.data(1024, 16);

/** Where the line breaks the rules, after checkJsonObject() has given a reason. */
export let jsonErrorAt: usize = 0;
/** What is wrong with the token that was gone over last and came out as 0. */
let tokenError: u32 = 0;

/** 0 for a JSON object and nothing else up to the newline, or the reason why it is none. */
export function checkJsonObject(at: usize): u32 {
  return checkJson(at, ROW);
}

/** The same for any JSON value. */
export function checkJsonValue(at: usize): u32 {
  return checkJson(at, VALUE);
}

/**
 * Telemetry rows take 0.9 ns a byte, and 1.06 where each comma and colon goes through the table and digits are gone over one by
 * one; long strings 0.45. What is left is latency: where a token begins is known when the one before it has ended.
 */
function checkJson(at: usize, state: i32): u32 {
  /** The state behind a value that ends in the innermost object or array. */
  let after = DONE;
  let depth = 0;
  while (true) {
    const kind = load<u8>(CLASSES + <usize>load<u8>(at));
    if (kind == SPACE) {
      at++;
      continue;
    }
    if (((<u32>load<u16>(ALLOWED + (<usize>state << 1)) >> kind) & 1) == 0) return refuse(at, OBJECT_MISSING + state);
    switch (kind) {
      case QUOTE: {
        at = endOfString(at + 1);
        if (at == 0) return tokenError;
        if (state == FIRST_KEY || state == KEY) {
          // Nearly always the colon follows at once.
          if (load<u8>(at) == 0x3a) {
            at++;
            state = VALUE;
          } else state = AFTER_KEY;
          continue;
        }
        state = after;
        break;
      }
      case NUMBER: {
        at = endOfNumber(at);
        if (at == 0) return tokenError;
        state = after;
        break;
      }
      case LITERAL: {
        const length = literalLength(at);
        if (length == 0) return refuse(at, LITERAL_UNKNOWN);
        at += length;
        state = after;
        break;
      }
      case OPEN_OBJECT:
      case OPEN_ARRAY: {
        if (depth == MOST_DEPTH) return refuse(at, NESTED_TOO_DEEP);
        store<u8>(OUTER + depth++, after);
        after = kind == OPEN_OBJECT ? AFTER_MEMBER : AFTER_ITEM;
        state = kind == OPEN_OBJECT ? FIRST_KEY : FIRST_ITEM;
        at++;
        continue;
      }
      case COLON: {
        at++;
        state = VALUE;
        continue;
      }
      case COMMA: {
        at++;
        state = state == AFTER_MEMBER ? KEY : VALUE;
        continue;
      }
      case END:
        return 0;
      default: {
        // A closing bracket; that it is the right one was seen from the state.
        after = load<u8>(OUTER + --depth);
        state = after;
        at++;
      }
    }
    // A value has ended, and nearly always the comma follows at once.
    if (load<u8>(at) == 0x2c && state != DONE) {
      at++;
      state = state == AFTER_MEMBER ? KEY : VALUE;
    }
  }
}

function refuse(at: usize, reason: u32): u32 {
  jsonErrorAt = at;
  return reason;
}

function brokenToken(at: usize, reason: u32): usize {
  jsonErrorAt = at;
  tokenError = reason;
  return 0;
}

/** Behind the closing quote of the string whose text begins at `at`; 0 where it is broken. */
function endOfString(at: usize): usize {
  while (true) {
    const stops = toEscape(v128.load(at));
    if (stops == 0) {
      at += 16;
      continue;
    }
    at += <usize>ctz(stops);
    const byte = load<u8>(at);
    if (byte == 0x22) return at + 1;
    if (byte != 0x5c) return brokenToken(at, byte == 0x0a ? STRING_OPEN : CONTROL_IN_STRING);
    const length = escapeLength(at);
    if (length == 0) return brokenToken(at, ESCAPE_UNKNOWN);
    at += length;
  }
}

/** Bytes of the escape that begins at `at` with its backslash; 0 where there is no such escape. */
function escapeLength(at: usize): usize {
  switch (load<u8>(at, 1)) {
    case 0x22:
    case 0x2f:
    case 0x5c:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return 2;
    case 0x75: {
      for (let i: usize = 2; i < 6; i++) if (!isHexDigit(load<u8>(at + i))) return 0;
      return 6;
    }
    default:
      return 0;
  }
}

function isHexDigit(byte: u8): bool {
  return isDigit(byte) || <u32>((byte | 0x20) - 0x61) < 6;
}

function isDigit(byte: u8): bool {
  return <u32>(byte - 0x30) < 10;
}

/** Behind the number that begins at `at`; 0 where it is broken. */
function endOfNumber(at: usize): usize {
  if (load<u8>(at) == 0x2d) at++;
  if (load<u8>(at) == 0x30) at++;
  else at = endOfDigits(at);
  if (at != 0 && load<u8>(at) == 0x2e) at = endOfDigits(at + 1);
  if (at == 0 || (load<u8>(at) | 0x20) != 0x65) return at;
  const sign = load<u8>(++at);
  if (sign == 0x2b || sign == 0x2d) at++;
  return endOfDigits(at);
}

/** One digit at least. */
function endOfDigits(at: usize): usize {
  const start = at;
  while (true) {
    const isDigit = i8x16.lt_u(i8x16.sub(v128.load(at), i8x16.splat(0x30)), i8x16.splat(10));
    const others = i8x16.bitmask(isDigit) ^ 0xffff;
    if (others == 0) {
      at += 16;
      continue;
    }
    at += <usize>ctz(others);
    return at > start ? at : brokenToken(at, NUMBER_BROKEN);
  }
}

function literalLength(at: usize): usize {
  const four = load<u32>(at);
  if (four == 0x65757274 || four == 0x6c6c756e) return 4; // true, null
  return four == 0x736c6166 && load<u8>(at, 4) == 0x65 ? 5 : 0; // false
}
