// CRC-32C of the log's frames (Castagnoli; RFC 3720, appendix B.4).
import { Castagnoli, crc, fillTables } from "./crc-fold";

const TABLES: usize = memory.data(16 * 1024, 16);

fillTables(TABLES, 0x82f63b78);

/** Continues `sum` (0 at the start) over `length` bytes at `src`. */
export function crc32c(sum: u32, src: usize, length: usize): u32 {
  return crc<Castagnoli>(TABLES, sum, src, length);
}
