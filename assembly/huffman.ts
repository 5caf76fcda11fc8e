// Length-limited canonical Huffman codes, for deflate (RFC 1951, 3.2.2), over memory that the caller owns.
//
// Lengths: the in-place algorithm of A. Moffat and J. Katajainen ("In-Place Calculation of Minimum-Redundancy Codes",
// 1995) over the symbols sorted by frequency. Codes longer than the limit are shortened to it, and the space that this
// takes too much is bought back one unit at a time, each time by lengthening the longest code that still may grow (zlib
// does likewise): a complete code always; at 14 and 15 bits within half a percent of the best even for Fibonacci frequencies.

const MAX_LENGTH: i32 = 15;

/** Used symbols as `frequency << 9 | symbol`, sorted: the least frequent first. Frequencies must stay below 2^23. */
const SORTED: usize = memory.data(4 * 288, 16);
/** The working array of the in-place algorithm. */
const WORK: usize = memory.data(4 * 288, 16);
/** How many codes there are of each length. */
const LENGTH_COUNTS: usize = memory.data(4 * 16, 16);
const NEXT_CODES: usize = memory.data(4 * 16, 16);

/**
 * Lengths (one byte a symbol, at `lengths`) for `count` frequencies (u32, at `frequencies`): 0 for a symbol that is not used, else
 * 1 to `limit`. The code is complete: where fewer than two symbols are used, unused ones get a length too, since some inflaters
 * refuse a code of one.
 */
export function buildLengths(frequencies: usize, count: i32, limit: i32, lengths: usize): void {
  memory.fill(lengths, 0, count);
  let used = 0;
  for (let symbol = 0; symbol < count; symbol++) {
    const frequency = load<u32>(frequencies + (symbol << 2));
    if (frequency != 0) store<u32>(SORTED + (used++ << 2), (frequency << 9) | symbol);
  }
  if (used < 2) {
    const only = used == 1 ? load<u32>(SORTED) & 511 : 0;
    store<u8>(lengths + only, 1);
    store<u8>(lengths + (only == 0 ? 1 : 0), 1);
    return;
  }
  sortAscending(used);
  for (let i = 0; i < used; i++) store<u32>(WORK + (i << 2), load<u32>(SORTED + (i << 2)) >> 9);
  minimumRedundancy(used);
  limitLengths(used, limit);
  let next = 0;
  for (let length = limit; length > 0; length--) {
    for (let n = load<u32>(LENGTH_COUNTS + (length << 2)); n > 0; n--) {
      store<u8>(lengths + (load<u32>(SORTED + (next++ << 2)) & 511), length);
    }
  }
}

/** Shell sort: 286 nearly sorted keys at most, once a block. Gaps: M. Ciura, 2001. */
function sortAscending(used: i32): void {
  for (let gap = 132; gap > 0; gap = nextGap(gap)) {
    for (let i = gap; i < used; i++) {
      const key = load<u32>(SORTED + (i << 2));
      let at = i;
      while (at >= gap) {
        const other = load<u32>(SORTED + ((at - gap) << 2));
        if (other <= key) break;
        store<u32>(SORTED + (at << 2), other);
        at -= gap;
      }
      store<u32>(SORTED + (at << 2), key);
    }
  }
}

function nextGap(gap: i32): i32 {
  if (gap == 132) return 57;
  if (gap == 57) return 23;
  if (gap == 23) return 10;
  if (gap == 10) return 4;
  return gap == 4 ? 1 : 0;
}

function work(i: i32): i32 {
  return load<i32>(WORK + (i << 2));
}

function setWork(i: i32, value: i32): void {
  store<i32>(WORK + (i << 2), value);
}

/** WORK[0..n), n >= 2: ascending frequencies become the lengths of their codes. Names as in the paper. */
function minimumRedundancy(n: i32): void {
  // Left to right: pair up; an internal node's slot ends up holding its parent's index.
  setWork(0, work(0) + work(1));
  let root = 0;
  let leaf = 2;
  for (let next = 1; next < n - 1; next++) {
    let sum = 0;
    for (let child = 0; child < 2; child++) {
      if (leaf >= n || (root < next && work(root) < work(leaf))) {
        sum += work(root);
        setWork(root++, next);
      } else {
        sum += work(leaf++);
      }
    }
    setWork(next, sum);
  }
  // Right to left: parents become depths of the internal nodes.
  setWork(n - 2, 0);
  for (let next = n - 3; next >= 0; next--) setWork(next, work(work(next)) + 1);
  // Right to left: depths of internal nodes become depths of leaves.
  let available = 1;
  let depth = 0;
  root = n - 2;
  let next = n - 1;
  while (available > 0) {
    let internal = 0;
    while (root >= 0 && work(root) == depth) {
      internal++;
      root--;
    }
    while (available > internal) {
      setWork(next--, depth);
      available--;
    }
    available = 2 * internal;
    depth++;
  }
}

/** Counts the lengths in WORK[0..n), none longer than `limit`, such that the code stays complete. */
function limitLengths(n: i32, limit: i32): void {
  memory.fill(LENGTH_COUNTS, 0, 64);
  const full = 1 << limit;
  let space = 0; // in units of one code of `limit` bits
  for (let i = 0; i < n; i++) {
    const length = min(work(i), limit);
    addToCount(length, 1);
    space += full >> length;
  }
  for (; space > full; space--) {
    let length = limit - 1;
    while (load<i32>(LENGTH_COUNTS + (length << 2)) == 0) length--;
    // A leaf becomes a node with two leaves: its own symbol, and one taken from the longest.
    addToCount(length, -1);
    addToCount(length + 1, 2);
    addToCount(limit, -1);
  }
}

function addToCount(length: i32, n: i32): void {
  const slot = LENGTH_COUNTS + (length << 2);
  store<i32>(slot, load<i32>(slot) + n);
}

/**
 * Canonical codes for `count` lengths: at `codes`, one u32 a symbol, `code << 8 | length` with the code's bits in the order in which
 * deflate sends them (the first bit lowest).
 */
export function buildCodes(lengths: usize, count: i32, codes: usize): void {
  memory.fill(LENGTH_COUNTS, 0, 64);
  for (let symbol = 0; symbol < count; symbol++) addToCount(load<u8>(lengths + symbol), 1);
  store<u32>(LENGTH_COUNTS, 0);
  let code: u32 = 0;
  for (let length = 1; length <= MAX_LENGTH; length++) {
    code = (code + load<u32>(LENGTH_COUNTS + ((length - 1) << 2))) << 1;
    store<u32>(NEXT_CODES + (length << 2), code);
  }
  for (let symbol = 0; symbol < count; symbol++) {
    const length = <u32>load<u8>(lengths + symbol);
    if (length == 0) {
      store<u32>(codes + (symbol << 2), 0);
      continue;
    }
    const slot = NEXT_CODES + (length << 2);
    const next = load<u32>(slot);
    store<u32>(slot, next + 1);
    store<u32>(codes + (symbol << 2), (reverse16(next) >> (16 - length) << 8) | length);
  }
}

/** The sixteen bits of v in the opposite order. */
function reverse16(v: u32): u32 {
  v = ((v & 0x5555) << 1) | ((v >> 1) & 0x5555);
  v = ((v & 0x3333) << 2) | ((v >> 2) & 0x3333);
  v = ((v & 0x0f0f) << 4) | ((v >> 4) & 0x0f0f);
  return ((v & 0x00ff) << 8) | (v >> 8);
}
