// Texts of doubles that were written before: readings repeat (a temperature, a percentage, an hour in minutes), and to copy a text is three to
// five times as fast as to find it. V8 keeps such a cache too, which is why `${x}` by hand was as fast as all of this encoder
// on the corpus flights, whose 200 000 times of day are 1 311.
//
// One place per hash, 64 KiB in all. It is asked only while it knows more than half, and tried again after a while: where doubles do
// not repeat it costs 3 %, and with every double looked for and kept it would be far more.

/** Of an entry: the bits, 23 bytes of text, and its length. */
const ENTRY_BYTES: usize = 32;
const TEXT: usize = 8;
const LENGTH: usize = 31;
const MOST_TEXT: usize = 23;

const HASH_BITS: u64 = 11;
const ENTRIES: usize = memory.data(32 * 2048, 16);

const FIRST_BALANCE: i32 = 64;
/** How much more was known than not, lately. */
let balance: i32 = FIRST_BALANCE;
const MOST_BALANCE: i32 = 512;
/** Doubles that are still to be written without a look. */
let untried: i32 = 0;
const PAUSE: i32 = 16384;

/** Where the double of these bits would be, or 0 where it is not worth a look. Empty entries hold 0, which is no fraction. */
export function entryOf(bits: u64): usize {
  if (untried > 0) {
    if (--untried == 0) balance = FIRST_BALANCE;
    return 0;
  }
  return ENTRIES + (<usize>((bits * 0x9e3779b97f4a7c15) >> (64 - HASH_BITS)) * ENTRY_BYTES);
}

/** Writes the text at `out` and returns the position behind it, or 0 where the entry is another's. May spill up to `out + 24`. */
export function recall(out: usize, entry: usize, bits: u64): usize {
  if (load<u64>(entry) != bits) {
    if (--balance < 0) untried = PAUSE;
    return 0;
  }
  balance = min(balance + 1, MOST_BALANCE);
  v128.store(out, v128.load(entry, TEXT));
  store<u64>(out, load<u64>(entry, TEXT + 16), 16);
  return out + load<u8>(entry, LENGTH);
}

export function keep(entry: usize, bits: u64, text: usize, end: usize): void {
  const length = end - text;
  if (length > MOST_TEXT) return;
  store<u64>(entry, bits);
  v128.store(entry, v128.load(text), TEXT);
  store<u64>(entry, load<u64>(text, 16), TEXT + 16);
  store<u8>(entry, <u8>length, LENGTH);
}
