// CRC-32 of gzip (RFC 1952, polynomial 0xedb88320 reflected), sixteen bytes a step: "slicing" (M. Kounavis, F. Berry,
// "Novel Table Lookup-Based Algorithms for High-Performance CRC Generation", IEEE Transactions on Computers, 2008).
// The sixteen tables (16 KiB) are filled when the module starts.

const TABLES: usize = memory.data(16 * 1024, 16);

fillTables();

/** Continues `crc` (0 at the start) over `length` bytes at `src`; zlib's convention. */
export function crc32(crc: u32, src: usize, length: usize): u32 {
  let state = ~crc;
  const end = src + length;
  while (end - src >= 16) {
    const first = load<u64>(src) ^ state;
    const second = load<u64>(src, 8);
    state =
      at(15, <u32>first) ^ at(14, <u32>(first >> 8)) ^ at(13, <u32>(first >> 16)) ^ at(12, <u32>(first >> 24)) ^
      at(11, <u32>(first >> 32)) ^ at(10, <u32>(first >> 40)) ^ at(9, <u32>(first >> 48)) ^ at(8, <u32>(first >> 56)) ^
      at(7, <u32>second) ^ at(6, <u32>(second >> 8)) ^ at(5, <u32>(second >> 16)) ^ at(4, <u32>(second >> 24)) ^
      at(3, <u32>(second >> 32)) ^ at(2, <u32>(second >> 40)) ^ at(1, <u32>(second >> 48)) ^ at(0, <u32>(second >> 56));
    src += 16;
  }
  while (src < end) state = at(0, state ^ load<u8>(src++)) ^ (state >> 8);
  return ~state;
}

/** Entry of the table for a byte that is followed by `behind` others in its step. */
function at(behind: usize, byte: u32): u32 {
  return load<u32>(TABLES + (behind << 10) + (<usize>(byte & 0xff) << 2));
}

function fillTables(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = (value >> 1) ^ (value & 1 ? 0xedb88320 : 0);
    store<u32>(TABLES + (<usize>byte << 2), value);
  }
  for (let behind: usize = 1; behind < 16; behind++) {
    for (let byte: u32 = 0; byte < 256; byte++) {
      const value = at(behind - 1, byte);
      store<u32>(TABLES + (behind << 10) + (<usize>byte << 2), at(0, value) ^ (value >> 8));
    }
  }
}
