// The table, as src/encode/layout.ts describes it once per encoder: 32-bit words, then the bytes of the NDJSON keys.

export const CSV: u32 = 0;

// The kinds, numbered as in src/schema/kinds.ts (test/encode/layout.test.ts compares them).
export const BOOL: u32 = 0;
export const DATETIME: u32 = 1;
export const DECIMAL: u32 = 2;
export const DYNAMIC: u32 = 3;
export const GUID: u32 = 4;
export const INT: u32 = 5;
export const LONG: u32 = 6;
export const REAL: u32 = 7;
export const STRING: u32 = 8;
export const TIMESPAN: u32 = 9;

/** Bytes that may be touched behind a row or a text: whole 16-byte blocks are copied, and numbers spill by up to 48. */
export const SLACK: usize = 64;

const HEADER_BYTES: usize = 24;
const COLUMN_BYTES: usize = 16;

let descriptor: usize = 0;

export let format: u32 = 0;
export let columns: i32 = 0;
export let stride: usize = 0;
/** Of a row: where the lengths of its texts begin, and how many bytes they take. */
export let lengthsOffset: usize = 0;
export let lengthsBytes: usize = 0;
/** The most bytes that a row takes without its texts. */
export let fixedBytes: usize = 0;
/** The most bytes that a UTF-16 unit of text becomes: three of UTF-8, or in JSON the six of `\u0000`. */
export let bytesPerUnit: usize = 3;

/** Room for the descriptor; to be called once in the life of an instance. */
export function reserveDescriptor(bytes: i32): usize {
  descriptor = heap.alloc(<usize>bytes + SLACK);
  return descriptor;
}

export function readDescriptor(): void {
  format = load<u32>(descriptor);
  columns = load<i32>(descriptor, 4);
  stride = load<u32>(descriptor, 8);
  fixedBytes = load<u32>(descriptor, 12);
  lengthsOffset = load<u32>(descriptor, 16);
  lengthsBytes = load<u32>(descriptor, 20) << 2;
  bytesPerUnit = format == CSV ? 3 : 6;
}

/** The columns' entries follow each other, COLUMN_BYTES apart. */
export function firstColumn(): usize {
  return descriptor + HEADER_BYTES;
}

export function nextColumn(column: usize): usize {
  return column + COLUMN_BYTES;
}

export function kindOf(column: usize): u32 {
  return load<u32>(column);
}

export function offsetOf(column: usize): usize {
  return load<u32>(column, 4);
}

/** The key as it is written, `,"name":`. */
export function keyOf(column: usize): usize {
  return descriptor + load<u32>(column, 8);
}

export function keyLengthOf(column: usize): usize {
  return load<u32>(column, 12);
}
