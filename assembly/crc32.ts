// CRC-32 of gzip (RFC 1952).
import { crc, fillTables, Gzip } from "./crc-fold";

const TABLES: usize = memory.data(16 * 1024, 16);

fillTables(TABLES, 0xedb88320);

/** Continues `sum` (0 at the start) over `length` bytes at `src`; zlib's convention. */
export function crc32(sum: u32, src: usize, length: usize): u32 {
  return crc<Gzip>(TABLES, sum, src, length);
}
