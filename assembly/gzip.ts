// One gzip member at a time over fixed memory. First form: stored blocks.
import { crc32 } from "./crc32";

const WINDOW_BYTES: i32 = 131072;
const WINDOW: usize = memory.data(131072 + 64, 16);
const OUTPUT: usize = memory.data(262144, 16);

let outputLength: i32 = 0;
let crc: u32 = 0;
let rawLength: u64 = 0;

export function gzipReset(level: i32): void {
  store<u64>(OUTPUT, 0x00088b1f);
  store<u16>(OUTPUT, 0xff04, 8);
  outputLength = 10;
  crc = 0;
  rawLength = 0;
}

export function gzipInput(): usize {
  return WINDOW;
}

export function gzipInputCapacity(): i32 {
  return WINDOW_BYTES;
}

export function gzipWrite(length: i32): void {
  crc = crc32(crc, WINDOW, length);
  rawLength += length;
  for (let at = 0; at < length; at += 65535) {
    const part = min(65535, length - at);
    const out = OUTPUT + outputLength;
    store<u8>(out, 0);
    store<u16>(out, <u16>part, 1);
    store<u16>(out, <u16>~part, 3);
    memory.copy(out + 5, WINDOW + at, part);
    outputLength += part + 5;
  }
}

export function gzipFinish(): void {
  const out = OUTPUT + outputLength;
  store<u16>(out, 0x0003);
  store<u32>(out, crc, 2);
  store<u32>(out, <u32>rawLength, 6);
  outputLength += 10;
}

export function gzipOutput(): usize {
  return OUTPUT;
}

export function gzipOutputLength(): i32 {
  return outputLength;
}

export function gzipOutputConsume(): void {
  outputLength = 0;
}

export function gzipRawLength(): f64 {
  return <f64>rawLength;
}
