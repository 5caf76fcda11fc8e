// The chunk in memory: the tape's rows, behind them the nodes of nested values, and the texts. One region holds all; it grows and is
// used again.
//
// The region must stay the last block of the stub allocator: only the last one grows in place, any other would leave its
// old bytes behind for good. So everything else is reserved before the first chunk comes.
import { SLACK, stride } from "./layout";
import { bytesOfUnits } from "./utf8";

let region: usize = 0;
let regionBytes: usize = 0;

let tape: usize = 0;
let nodes: usize = 0;
let keys: usize = 0;
let text: usize = 0;
let textBytes: usize = 0;
let isAscii: bool = false;
let rows: i32 = 0;

/** The row to be written next, and where its texts begin. */
let row: i32 = 0;
let cursor: usize = 0;

/** Makes room for a chunk and returns where the tape is to be put; `nodesStart()` and `textStart()` tell where the rest is. */
export function reserveChunk(tapeBytes: i32, nodesBytes: i32, bytes: i32): usize {
  const needed = <usize>tapeBytes + <usize>nodesBytes + <usize>bytes + 3 * SLACK;
  if (needed > regionBytes) {
    region = region == 0 ? heap.alloc(needed) : heap.realloc(region, needed);
    regionBytes = needed;
  }
  tape = region;
  nodes = region + ((<usize>tapeBytes + 15) & ~15);
  // Keys are read in whole blocks.
  text = nodes + ((<usize>nodesBytes + SLACK + 15) & ~15);
  textBytes = bytes;
  return tape;
}

export function nodesStart(): usize {
  return nodes;
}

export function textStart(): usize {
  return text;
}

/** The chunk's bytes are in place: begins at its first row. */
export function beginChunk(chunkRows: i32, textUnits: i32, keysAt: i32): void {
  keys = nodes + <usize>keysAt;
  rows = chunkRows;
  isAscii = <usize>textUnits == textBytes;
  // Looking for the end of the last character must stop at the end of the texts.
  store<u8>(text + textBytes, 0);
  row = 0;
  cursor = text;
}

export function hasRow(): bool {
  return row < rows;
}

export function nextRow(): void {
  row++;
}

/** Every byte of text was used: if not, packer and encoder disagree about the layout. */
export function endsWell(): bool {
  return row == rows && cursor == text + textBytes;
}

export function currentRow(): usize {
  return tape + <usize>row * stride;
}

/** The null bits of the row from column `i` on, the lowest one its own; `before` are those from the column before it on. */
export function nullBitsFrom(row: usize, i: i32, before: u32): u32 {
  return (i & 31) == 0 ? load<u32>(row + (<usize>i >> 3), 4) : before >> 1;
}

export function textCursor(): usize {
  return cursor;
}

export function setTextCursor(at: usize): void {
  cursor = at;
}

/** A word of the nodes. */
export function nodeAt(index: usize): usize {
  return nodes + (index << 2);
}

/** The entry of a key: its length, and behind that word its bytes as they are written. */
export function keyAt(number: usize): usize {
  return keys + (number << 2);
}

/** Moves the cursor over a text of so many UTF-16 units; returns how many bytes it has. */
export function takeText(units: usize): usize {
  const bytes = isAscii ? units : bytesOfUnits(cursor, units);
  cursor += bytes;
  return bytes;
}
