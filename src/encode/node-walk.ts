import { firstGuess, numberOf, rootGuess, rootGuesses } from "./node-keys.ts";
import { growNodes, headerWords, type NodeTape, nodeKind } from "./nodes.ts";

/**
 * Takes a value apart into nodes and returns the index of its header, or -1 where that is left to JSON.stringify: what has a toJSON or
 * a prototype of its own, what JSON has no form for, what is nested deeper than `deepest`, what could be over Kusto's limit, what
 * throws when it is read. The nodes are as they were then. What is packed here gives the JSON of JSON.stringify to the byte; only
 * a Number, Boolean or String object with members of its own that was given the prototype of plain objects would be taken for one.
 *
 * Every text is on `nodes.text`, one behind the other. None begins with the second half of a surrogate pair, so that all
 * are well-formed where that is; where it is not, the caller has to leave the value to JSON.stringify, which escapes halves.
 *
 * What the caller's thread takes for a record of the corpora earthquakes and dynamic, in us (suite pack), by JSON.stringify -> so:
 * Node 20 3.1 -> 1.3 and 3.8 -> 1.8, Node 24 1.8 -> 0.75 and 3.4 -> 1.8, Node 26 1.2 -> 1.1 and 3.8 -> 2.1. Writing the JSON in
 * WebAssembly then takes 0.4 more. On one thread alone that is a gain but on Node 26, whose JSON.stringify is three times as fast
 * as that of Node 20: NDJSON of earthquakes 1.2 -> 1.45 there (suite encode).
 */
export function packNodes(nodes: NodeTape, value: unknown, column: number): number {
  if (nodes.isShort) growNodes(nodes);
  const header = nodes.at;
  nodes.text = "";
  nodes.keys.misses = 0;
  const end = endOf(nodes, value, rootGuess - firstGuess + (column % rootGuesses), header + headerWords);
  if (end < 0) return -1;
  const { words, text } = nodes;
  if (end > words.length) {
    nodes.isShort = true;
    return -1;
  }
  let bound = unitBytes * text.length + (end - header - headerWords) * (wordBytes + nodes.keys.longest);
  if (bound > fewBytes) bound = unitBytes * text.length + nodeBytes(nodes, header + headerWords, end);
  if (bound > mostBytes) return -1;
  words[header] = text.length;
  words[header + 1] = bound;
  words[header + 2] = end;
  nodes.at = end;
  nodes.bound += bound;
  return header;
}

/** What a text unit and a word of nodes become at most: `\u0000`, and a comma and `"false"` behind its key, or a third of a double. */
const unitBytes = 6;
const wordBytes = 9;

/** Up to which the bound need not be near. */
const fewBytes = 16_384;
/** Kusto's limit for a dynamic: what may be over it JSON.stringify has to measure. */
const mostBytes = 1_048_576;
const deepest = 64;

function endOf(nodes: NodeTape, value: unknown, above: number, at: number): number {
  try {
    const end = put(nodes, value, 0, above, at, 0);
    // A loop over an object's keys has those of its prototype too. Looked for behind it: a getter might have put them there.
    return hasMembers(Object.prototype) ? -1 : end;
  } catch {
    // JSON.stringify will say what.
    return -1;
  }
}

function hasMembers(object: object): boolean {
  for (const _ in object) return true;
  return false;
}

/**
 * One value behind the word `at`; returns the word behind it, or -1. `key` is the word of its key, `above` the number of the key
 * under which it or its array stands. It writes over the end of the buffer without looking, which typed arrays let pass.
 */
function put(nodes: NodeTape, value: unknown, key: number, above: number, at: number, depth: number): number {
  if (typeof value === "string") {
    nodes.text += value;
    return putString(nodes, value, key, at);
  }
  return typeof value === "object" && value !== null
    ? putNested(nodes, value, key, above, at, depth)
    : putPlain(nodes, value, key, at);
}

/** Its text is the caller's to add: members gather theirs in a local variable, since each store to `nodes.text` is one more for the collector to look at. */
function putString({ words }: NodeTape, value: string, key: number, at: number): number {
  if ((value.charCodeAt(0) & 0xfc00) === 0xdc00) return -1;
  words[at] = key | nodeKind.string;
  words[at + 1] = value.length;
  return at + 2;
}

function putPlain(nodes: NodeTape, value: unknown, key: number, at: number): number {
  const { words } = nodes;
  if (typeof value === "number") {
    if ((value | 0) !== value) return putDouble(nodes, value, key, at);
    words[at] = key | nodeKind.int;
    words[at + 1] = value;
    return at + 2;
  }
  if (value === null) words[at] = key | nodeKind.null;
  else if (value === true) words[at] = key | nodeKind.true;
  else if (value === false) words[at] = key | nodeKind.false;
  else return -1;
  return at + 1;
}

function putNested(nodes: NodeTape, value: object, key: number, above: number, at: number, depth: number): number {
  if (depth === deepest || (value as { toJSON?: unknown }).toJSON !== undefined) return -1;
  return Array.isArray(value)
    ? putArray(nodes, value, key, above, at, depth + 1)
    : putObject(nodes, value as Readonly<Record<string, unknown>>, key, above, at, depth + 1);
}

function putDouble(nodes: NodeTape, value: number, key: number, at: number): number {
  if (!Number.isFinite(value)) {
    nodes.words[at] = key | nodeKind.null;
    return at + 1;
  }
  nodes.words[at] = key | nodeKind.double;
  const aligned = (at + 2) & ~1;
  nodes.doubles[aligned >> 1] = value;
  return aligned + 2;
}

function putArray(
  nodes: NodeTape,
  value: readonly unknown[],
  key: number,
  above: number,
  start: number,
  depth: number,
): number {
  const { words } = nodes;
  const { length } = value;
  // A proxy may say anything.
  if (length >>> 0 !== length) return -1;
  if (start + length >= words.length) return tooShort(nodes);
  words[start] = key | nodeKind.array;
  let at = start + 1;
  let text = "";
  for (let i = 0; i < length; i++) {
    const element = value[i];
    if (typeof element === "string") {
      text += element;
      at = putString(nodes, element, 0, at);
    } else if (typeof element === "object" && element !== null) {
      if (text !== "") nodes.text += text;
      text = "";
      at = putNested(nodes, element, 0, above, at, depth);
    } else at = putPlain(nodes, element === undefined ? null : element, 0, at);
    if (at < 0) return -1;
  }
  if (text !== "") nodes.text += text;
  words[at] = nodeKind.arrayEnd;
  return at + 1;
}

function putObject(
  nodes: NodeTape,
  value: Readonly<Record<string, unknown>>,
  key: number,
  above: number,
  start: number,
  depth: number,
): number {
  const prototype: unknown = Object.getPrototypeOf(value);
  // What JSON.rawJSON() makes has no prototype.
  if (prototype !== Object.prototype && (prototype !== null || value.rawJSON !== undefined)) return -1;
  const { words, keys } = nodes;
  const { names, guesses } = keys;
  if (start >= words.length) return tooShort(nodes);
  words[start] = key | nodeKind.object;
  let at = start + 1;
  let text = "";
  // The number of a key is guessed from the one before it: a guess that is right costs a comparison of pointers, a look-up 15 ns.
  const first = firstGuess + above;
  let place = first;
  for (const name in value) {
    const member = value[name];
    if (member === undefined) continue;
    let number = guesses[place]!;
    if (names[number] !== name) {
      number = numberOf(keys, name);
      if (number < 0) return -1;
      guesses[place] = number;
    }
    place = number;
    if (typeof member === "string") {
      text += member;
      at = putString(nodes, member, number << 4, at);
    } else if (typeof member === "object" && member !== null) {
      if (text !== "") nodes.text += text;
      text = "";
      at = putNested(nodes, member, number << 4, number, at, depth);
    } else at = putPlain(nodes, member, number << 4, at);
    if (at < 0) return -1;
  }
  if (text !== "") nodes.text += text;
  if (place === first && Object.prototype.toString.call(value) !== "[object Object]") return -1;
  words[at] = nodeKind.objectEnd;
  return at + 1;
}

function tooShort(nodes: NodeTape): number {
  nodes.isShort = true;
  return -1;
}

/** Bytes that the nodes take at most, all but their texts. */
function nodeBytes({ words, keys }: NodeTape, from: number, end: number): number {
  let bytes = 0;
  for (let at = from; at < end; ) {
    const word = words[at++]!;
    // A comma, the key, and what takes the most of the sorts that have no case of their own: `false`.
    bytes += 6 + (word >= 16 ? keys.words[word >> 4]! : 0);
    switch (word & 15) {
      case nodeKind.string:
      case nodeKind.int:
        bytes += 6;
        at++;
        break;
      case nodeKind.double:
        bytes += 20;
        at = ((at + 1) & ~1) + 2;
    }
  }
  return bytes;
}
