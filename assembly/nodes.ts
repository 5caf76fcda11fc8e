// Nested values that the packer took apart (the layout: src/encode/nodes.ts), written as the JSON that JSON.stringify makes of them. One
// pass over a flat list: the nodes of an object or array stand between its begin and its end, so there is no stack, and writing can stop
// before any node and go on.
import { copyText } from "./copy";
import { writeF64 } from "./float";
import { writeI32 } from "./int";
import { copyEscaping } from "./json-text";
import { CSV, format } from "./layout";
import { keyAt, nodeAt, takeText, textCursor } from "./tape";

// Numbered as in src/encode/nodes.ts; test/encode/nodes.test.ts compares what comes of them.
const STRING: u32 = 1;
const INT: u32 = 2;
const DOUBLE: u32 = 3;
const TRUE: u32 = 4;
const FALSE: u32 = 5;
const OBJECT: u32 = 7;
const ARRAY: u32 = 8;
const OBJECT_END: u32 = 9;
const ARRAY_END: u32 = 10;

const HEADER_BYTES: usize = 12;

/** The next node of the value at hand, and where its nodes end. */
let node: usize = 0;
let nodesEnd: usize = 0;
/** A comma stands before the next value: 1, or 0. */
let comma: usize = 0;

/** Units of the text before which `writeNodes` stopped because it is long; 0 where it did not. */
export let longText: usize = 0;

/** Was the value of this slot taken apart? Else the slot has the length of its JSON. */
export function isTakenApart(slot: usize): bool {
  return load<i32>(slot) < 0;
}

function headerOf(slot: usize): usize {
  return nodeAt(<usize>~load<i32>(slot));
}

/** UTF-16 units of the value's texts. */
export function unitsOf(slot: usize): usize {
  return load<u32>(headerOf(slot));
}

/** The most bytes that the value takes, but for the quotes of a CSV field. */
export function boundOf(slot: usize): usize {
  return load<u32>(headerOf(slot), 4);
}

export function beginNodes(slot: usize): void {
  const header = headerOf(slot);
  node = header + HEADER_BYTES;
  nodesEnd = nodeAt(load<u32>(header, 8));
  comma = 0;
}

export function hasNodes(): bool {
  return node < nodesEnd;
}

/** Does the value stand between quotes in CSV? It does if its JSON has a quote or a comma: a key, a text, or two values side by side. */
export function nodesNeedQuotes(): bool {
  let values = 0;
  for (let at = node; at < nodesEnd; ) {
    const word = load<u32>(at);
    const kind = word & 15;
    at += 4;
    if (kind == OBJECT_END || kind == ARRAY_END) {
      values = 1;
      continue;
    }
    if (word >= 16 || kind == STRING || values != 0) return true;
    values = <i32>(kind != OBJECT && kind != ARRAY);
    if (kind == INT) at += 4;
    else if (kind == DOUBLE) at = ((at + 7) & ~7) + 8;
  }
  return false;
}

/** The whole value; the room was seen to. */
export function writeNested(out: usize, slot: usize): usize {
  beginNodes(slot);
  if (format != CSV || !nodesNeedQuotes()) return writeNodes(out, usize.MAX_VALUE, usize.MAX_VALUE);
  store<u8>(out, 0x22);
  out = writeNodes(out + 1, usize.MAX_VALUE, usize.MAX_VALUE);
  store<u8>(out, 0x22);
  return out + 1;
}

/**
 * Writes nodes up to the end of the value, or to `limit`, which the last one may pass, or to a text of more than `longest` units. That
 * one is left to the caller, quotes and all.
 */
export function writeNodes(out: usize, limit: usize, longest: usize): usize {
  const extraQuotes: usize = format == CSV ? 1 : 0;
  const end = nodesEnd;
  let at = node;
  let commas = comma;
  longText = 0;
  while (at < end && out <= limit) {
    const word = load<u32>(at);
    const kind = word & 15;
    at += 4;
    if (kind >= OBJECT_END) {
      store<u8>(out++, kind == OBJECT_END ? 0x7d : 0x5d);
      commas = 1;
      continue;
    }
    store<u8>(out, 0x2c);
    out += commas;
    commas = 1;
    if (word >= 16) {
      const key = keyAt(word >> 4);
      const bytes = load<u32>(key);
      // Nearly all keys: how long one is then costs no branch.
      v128.store(out, v128.load(key + 4));
      v128.store(out + 16, v128.load(key + 20));
      if (bytes > 32) copyText(out, key + 4, bytes);
      out += bytes;
    }
    switch (kind) {
      case STRING: {
        const units = load<u32>(at);
        at += 4;
        if (units > longest) {
          longText = units;
          node = at;
          comma = 1;
          return out;
        }
        out = writeQuote(out, extraQuotes);
        const from = textCursor();
        out = copyEscaping(out, from, takeText(units), extraQuotes);
        out = writeQuote(out, extraQuotes);
        break;
      }
      case INT:
        out = writeI32(out, load<i32>(at));
        at += 4;
        break;
      case DOUBLE:
        at = (at + 7) & ~7;
        out = writeF64(out, load<f64>(at));
        at += 8;
        break;
      case OBJECT:
      case ARRAY:
        store<u8>(out++, kind == OBJECT ? 0x7b : 0x5b);
        commas = 0;
        break;
      default:
        out = writeLiteral(out, kind);
    }
  }
  node = at;
  comma = commas;
  return out;
}

/** The quote at either end of a text, in CSV doubled. */
export function writeQuote(out: usize, extraQuotes: usize): usize {
  store<u16>(out, 0x2222);
  return out + 1 + extraQuotes;
}

function writeLiteral(out: usize, kind: u32): usize {
  if (kind == FALSE) {
    store<u64>(out, 0x65736c6166);
    return out + 5;
  }
  store<u32>(out, kind == TRUE ? 0x65757274 : 0x6c6c756e);
  return out + 4;
}
