import { type NodeKeys, nodeKeys } from "./node-keys.ts";
import type { RowFormat } from "./row-format.ts";
import { type SharedBytes, sharedBuffer } from "./shared-buffer.ts";

/**
 * The nodes: `dynamic` values of a chunk taken apart, so that JSON is written where the rows are, not on the caller's
 * thread. 32-bit words; a value is
 *
 * | words | what |
 * |-------|------|
 * | 1     | UTF-16 units of its texts, which stand in the chunk's text where the column's text would |
 * | 1     | bytes that its JSON takes at most, in CSV with its quotes doubled |
 * | 1     | index of the word behind its last node |
 * | ...   | its nodes |
 *
 * and a node is one word, its key's number times 16 (0: it has none) plus what it is; behind it an int and a string have a word,
 * the value and the length in units, a double has its eight bytes on the next multiple of eight.
 *
 * Behind the nodes of a chunk stand its keys as they are written (see `node-keys.ts`), so that a chunk says all by itself.
 * The slot of a column whose value is here holds the bitwise complement of the value's index: a negative number.
 */
export const nodeKind = {
  string: 1,
  int: 2,
  double: 3,
  true: 4,
  false: 5,
  null: 6,
  object: 7,
  array: 8,
  objectEnd: 9,
  arrayEnd: 10,
} as const;

export const headerWords = 3;

/** The nodes of the chunk being filled. The two views lie over one buffer and are replaced together. */
export interface NodeTape {
  words: Int32Array<SharedBytes>;
  doubles: Float64Array<SharedBytes>;
  /** The next free word. */
  at: number;
  /** The texts of the value that was packed last. */
  text: string;
  /** Bytes that the values packed since it was set to 0 take at most. */
  bound: number;
  /** There was no room; the next value finds more. */
  isShort: boolean;
  /** Whoever packs the row looks for halves of surrogate pairs in all its texts together. */
  isCheckedByRow: boolean;
  /** For whoever packs the row: where the nodes of the columns at hand begin. */
  partAt: number;
  readonly keys: NodeKeys;
}

const noBuffer = new ArrayBuffer(0);

/** For a table without a `dynamic` column nothing is reserved. */
export function nodeTape(format: RowFormat, hasNodes: boolean): NodeTape {
  const nodes = {
    words: new Int32Array(noBuffer),
    doubles: new Float64Array(noBuffer),
    at: 0,
    text: "",
    bound: 0,
    isShort: false,
    isCheckedByRow: false,
    partAt: 0,
    keys: nodeKeys(format, hasNodes),
  };
  if (hasNodes) setNodes(nodes, sharedBuffer(smallestNodes));
  return nodes;
}

/** Bytes of a buffer of nodes. One that is short is doubled, up to what the 1 MiB of JSON that Kusto takes can hardly fill. */
const smallestNodes = 65_536;
const largestNodes = 2_097_152;
/** One grown beyond it for a single value is not kept. */
const largestSpareNodes = 524_288;
/** Words from which on a chunk is full, so that it stays of a size that is cheap to hand over. */
export const fullNodes = 65_536;

function setNodes(nodes: NodeTape, buffer: SharedBytes): void {
  nodes.words = new Int32Array(buffer);
  nodes.doubles = new Float64Array(buffer);
}

/** A larger buffer with what is there. */
export function growNodes(nodes: NodeTape): void {
  nodes.isShort = false;
  if (nodes.words.byteLength >= largestNodes) return;
  const { words } = nodes;
  setNodes(nodes, sharedBuffer(2 * words.byteLength));
  nodes.words.set(words.subarray(0, nodes.at));
}

/** What a chunk has of nodes. */
export interface ChunkNodes {
  readonly nodes: SharedBytes;
  /** Its keys included. */
  readonly nodesBytes: number;
  /** Where they begin, in bytes. */
  readonly keysAt: number;
}

/** The nodes of a full chunk, whose buffer is then the caller's; the next ones go into the spare one. */
export function takeNodes(nodes: NodeTape, spare: SharedBytes | undefined): ChunkNodes {
  const { keys, at } = nodes;
  // Nothing to hand over: the buffer stays.
  if (at === 0) return { nodes: noBuffer, nodesBytes: 0, keysAt: 0 };
  let { words } = nodes;
  if (at + keys.used > words.length) {
    words = new Int32Array(sharedBuffer(4 * (at + keys.used)));
    words.set(nodes.words.subarray(0, at));
  }
  words.set(keys.words.subarray(0, keys.used), at);
  const isUsable = spare !== undefined && spare.byteLength > 0 && spare.byteLength <= largestSpareNodes;
  setNodes(nodes, isUsable ? spare : sharedBuffer(Math.min(nodes.words.byteLength, largestSpareNodes)));
  nodes.at = 0;
  nodes.isShort = false;
  return { nodes: words.buffer, nodesBytes: 4 * (at + keys.used), keysAt: 4 * at };
}
