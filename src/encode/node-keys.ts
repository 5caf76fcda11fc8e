import type { RowFormat } from "./row-format.ts";

/**
 * The keys of nested objects, each written out once for a chunk. A key's number is the index of its entry in `words`: its
 * length in bytes, then `"key":` as JSON has it, for CSV with its quotes doubled, filled up to a whole word.
 */
export interface NodeKeys {
  readonly words: Int32Array<ArrayBuffer>;
  /** Of the words; the first one is no entry, because 0 says that a node has no key. */
  used: number;
  /** Bytes of the longest one. */
  longest: number;
  /** Keys that had to be looked up since it was set to 0. */
  misses: number;
  /** A key found no room. */
  isFull: boolean;
  /** By number. */
  readonly names: (string | undefined)[];
  readonly numbers: Map<string, number>;
  /**
   * By number, the key that came behind it last; from `firstGuess` on, by the key of an object, its first one; from `rootGuess` on, by column,
   * the first one of the whole value. Objects of one sort have theirs in one order.
   */
  readonly guesses: Int32Array<ArrayBuffer>;
  readonly format: RowFormat;
}

/** Some 1 500 keys. They are copied with every chunk. */
const mostWords = 8_192;
export const firstGuess = mostWords;
export const rootGuess = 2 * mostWords;
/** Columns that are that far from each other share one. */
export const rootGuesses = 256;
const longestKey = 1_024;

const utf8 = new TextEncoder();

export function nodeKeys(format: RowFormat, hasKeys: boolean): NodeKeys {
  const most = hasKeys ? mostWords : 0;
  return {
    words: new Int32Array(most),
    used: 1,
    longest: 0,
    misses: 0,
    isFull: false,
    // The first one is no key, and must not be taken for the key "".
    names: [undefined],
    numbers: new Map(),
    guesses: new Int32Array(hasKeys ? rootGuess + rootGuesses : 0),
    format,
  };
}

/** The key's number, also of one that was not there; -1 where there is no room for it. */
export function numberOf(keys: NodeKeys, name: string): number {
  keys.misses++;
  return keys.numbers.get(name) ?? addKey(keys, name);
}

function addKey(keys: NodeKeys, name: string): number {
  if (name.length > longestKey) return -1;
  // JSON.stringify escapes halves of surrogate pairs, so this is well-formed.
  const json = `${JSON.stringify(name)}:`;
  const bytes = utf8.encode(keys.format === "csv" ? json.replaceAll('"', '""') : json);
  if (bytes.length > longestKey) return -1;
  const number = keys.used;
  const end = number + 1 + Math.ceil(bytes.length / 4);
  if (end > keys.words.length) {
    keys.isFull = true;
    return -1;
  }
  keys.words[number] = bytes.length;
  new Uint8Array(keys.words.buffer).set(bytes, 4 * (number + 1));
  // Without holes, or the engine would make a dictionary of the array.
  while (keys.names.length < number) keys.names.push(undefined);
  keys.names.push(name);
  keys.numbers.set(name, number);
  keys.longest = Math.max(keys.longest, bytes.length);
  keys.used = end;
  return number;
}

/** Begins anew when it was full: other keys may have come into use. For the time when no node refers to one. */
export function forgetKeysIfFull(keys: NodeKeys): void {
  if (!keys.isFull) return;
  keys.isFull = false;
  keys.used = 1;
  keys.longest = 0;
  keys.names.length = 1;
  keys.numbers.clear();
  keys.guesses.fill(0);
}

/** The keys of a chunk by their numbers, each with its colon: `"key":`. */
export function keyTexts(words: Int32Array, format: RowFormat): ReadonlyMap<number, string> {
  const texts = new Map<number, string>();
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  for (let number = 1; number < words.length; ) {
    const length = words[number]!;
    const start = 4 * (number + 1);
    const text = fromUtf8.decode(bytes.slice(start, start + length));
    texts.set(number, format === "csv" ? text.replaceAll('""', '"') : text);
    number += 1 + Math.ceil(length / 4);
  }
  return texts;
}

const fromUtf8 = new TextDecoder("utf-8", { ignoreBOM: true });
