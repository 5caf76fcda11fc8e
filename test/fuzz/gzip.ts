import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import * as fflate from "fflate";
import type { Kernels } from "../assembly/compile-kernels.ts";
import { pack } from "../assembly/pack.ts";
import type { Subject } from "./subject.ts";

const longest = 400_000;
const input = new Uint8Array(longest);

/** Inputs of every nature, in writes of every size, at both levels, judged by zlib's inflate and fflate's. */
export function gzip(kernels: Kernels): Subject {
  return {
    name: "gzip",
    step(next) {
      const cases = 20;
      for (let i = 0; i < cases; i++) {
        const data = input.subarray(0, fill(next));
        const most = 1 + (next() % [8, 300, 5_000, 70_000][next() % 4]!);
        const packed = pack(kernels, data, () => 1 + (next() % most), 1 + (next() % 2));
        assert.ok(gunzipSync(packed).equals(data), "zlib reads back something else");
        assert.ok(Buffer.compare(fflate.gunzipSync(packed), data) === 0, "fflate reads back something else");
        assert.ok(packed.length <= data.length + 18 + 5 * (1 + Math.ceil(data.length / 16_384)), "it expands");
      }
      return cases;
    },
  };
}

/** Mostly short inputs, some that pass the window; returns the length. */
function fill(next: () => number): number {
  const length =
    (next() % [40, 400, 4_000, 40_000][next() % 4]!) + (next() % 200 === 0 ? next() % (longest - 40_000) : 0);
  natures[next() % natures.length]!(length, next);
  if (next() % 3 === 0) splice(length, next);
  return length;
}

type Nature = (length: number, next: () => number) => void;

const natures: Nature[] = [
  // Noise of an alphabet of any size: from one symbol to incompressible.
  (length, next) => {
    const range = 1 + (next() % 256);
    for (let i = 0; i < length; i++) input[i] = next() % range;
  },
  // A period of any length, with a flaw now and then.
  (length, next) => {
    const period = 1 + (next() % 35_000);
    for (let i = 0; i < length; i++) input[i] = i < period ? next() & 15 : input[i - period]!;
    for (let flaws = next() % 8; flaws > 0 && length > 0; flaws--) input[next() % length] = next();
  },
  // Copies of earlier pieces, at any distance and length around the limits of the format.
  (length, next) => {
    let at = 0;
    while (at < length) {
      const size = Math.min(length - at, 1 + (next() % [4, 12, 260, 600][next() % 4]!));
      const distance = 1 + (next() % Math.min(Math.max(at, 1), [4, 300, 33_000][next() % 3]!));
      const isCopy = at > 0 && next() % 4 > 0;
      for (let i = 0; i < size; i++) input[at + i] = isCopy ? input[at + i - distance]! : next();
      at += size;
    }
  },
  // Frequencies like Fibonacci numbers: codes as long as the limit lets them be.
  (length, next) => {
    for (let i = 0; i < length; i++) {
      let symbol = 0;
      while (symbol < 60 && next() % 21 < 8) symbol++;
      input[i] = symbol * 4;
    }
  },
  // Rows of text.
  (length, next) => {
    let at = 0;
    while (at < length) {
      const row = `2026-11-${10 + (next() % 20)}T00:00:00Z,device-${next() % 50},${next() / 2 ** 32},"a, b"\n`;
      for (let i = 0; i < row.length && at < length; i++) input[at++] = row.charCodeAt(i);
    }
  },
];

/** Puts noise, or a run, somewhere into the input. */
function splice(length: number, next: () => number): void {
  if (length === 0) return;
  const at = next() % length;
  const end = Math.min(length, at + (next() % 3_000));
  const isRun = next() % 2 === 0;
  for (let i = at; i < end; i++) input[i] = isRun ? 0 : next();
}
