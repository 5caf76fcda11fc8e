import { csvRow } from "./csv-row.ts";
import { rawReasons } from "./raw-reasons.ts";
import type { RowFormat } from "./row-format.ts";
import { type Kernel, memoryOf } from "./wasm.ts";

/**
 * Says where `bytes`, which begin with a row and will have more behind them, may be cut: behind the last row that surely
 * is over; 0 where none is. It finds the rows that `rawRows` finds, broken ones included, so that every raw chunk can be
 * checked by itself, by any subtask.
 */
export type RawCutter = (bytes: Uint8Array) => number;

/**
 * A row of NDJSON is a line. For CSV the quotes count, and this runs on the caller's thread: 0.36 ns a byte in WebAssembly
 * with both copies, 2.8 in JavaScript.
 *
 * @param start gives a kernel that nobody else is using at the time of a call, or undefined where there is none.
 */
export function rawCutter(format: RowFormat, maxBytes: number, start: () => Kernel | undefined): RawCutter {
  if (format === "ndjson") return (bytes) => bytes.lastIndexOf(newline) + 1;
  const kernel = start();
  return kernel ? wasmCutter(maxBytes, kernel) : (bytes) => cutCsv(bytes, maxBytes);
}

const newline = 0x0a;

function wasmCutter(maxBytes: number, kernel: Kernel): RawCutter {
  const memory = memoryOf(kernel);
  return (bytes) => {
    kernel.reserveChunk(0, 0, bytes.length);
    memory().set(bytes, kernel.textStart());
    return kernel.cutRaw(bytes.length, maxBytes);
  };
}

function cutCsv(bytes: Uint8Array, maxBytes: number): number {
  for (let row = 0; row < bytes.length; ) {
    const { reason, end } = csvRow(bytes, row, Math.min(bytes.length, row + maxBytes));
    if (reason === 0) {
      row = end;
      continue;
    }
    const isOpen = reason === rawReasons.quoteOpen || reason === rawReasons.tooLarge;
    // Its end, or what is wrong with it, may be in what follows.
    if (isOpen && bytes.length - row < maxBytes) return row;
    const next = bytes.indexOf(newline, row) + 1;
    if (next === 0) return row;
    row = next;
  }
  return bytes.length;
}
