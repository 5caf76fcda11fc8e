// Stands in for assembly/gzip.ts in the benches of the encoders alone: what is written comes out as it is. The rows are still made in a
// window, and the host still takes it window by window, so all that is missing is deflate and the checksum.
const CAPACITY: i32 = 131072;
/** Writers may touch some bytes behind the capacity, as in the deflate window. */
const WINDOW: usize = memory.data(131072 + 512, 64);

let written: i32 = 0;

export function gzipSegmentBegin(level: i32): void {
  written = 0;
}

export function gzipInput(): usize {
  return WINDOW;
}

export function gzipInputCapacity(): i32 {
  return CAPACITY;
}

export function gzipWrite(length: i32): void {
  written = length;
}

export function gzipSegmentGoOn(): void {}

export function gzipSegmentFinish(): void {}

export function gzipCrc(): u32 {
  return 0;
}

export function gzipOutput(): usize {
  return WINDOW;
}

export function gzipOutputLength(): i32 {
  return written;
}

export function gzipOutputConsume(): void {
  written = 0;
}
