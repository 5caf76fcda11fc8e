import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { compileKernels, randomWords, seedOf } from "./compile-kernels.ts";

// The oracle is zlib's own crc32.

const kernels = await compileKernels();
const arena = kernels.arena();
const size = 300_000;
const bytes = new Uint8Array(kernels.memory.buffer, arena, size);
const next = randomWords(seedOf());
for (let i = 0; i < size; i++) bytes[i] = next();

const sum = (crc: number, from: number, length: number) => kernels.crc32(crc, arena + from, length) >>> 0;

test("the check value of the algorithm", () => {
  const text = Buffer.from("123456789");
  const copy = new Uint8Array(kernels.memory.buffer, arena + size, text.length);
  copy.set(text);
  assert.equal(sum(0, size, text.length), 0xcbf43926);
});

test("every length up to 600, and those around which runs are folded, at every alignment", () => {
  for (let from = 0; from < 17; from++) {
    const lengths = Array.from({ length: 601 }, (_, length) => length);
    for (let length = 6500; length < 6700; length++) lengths.push(length);
    for (let length = 10_300; length < 10_500; length++) lengths.push(length);
    for (const length of lengths) {
      const expected = crc32(bytes.subarray(from, from + length));
      if (sum(0, from, length) !== expected) assert.equal(sum(0, from, length), expected, `${from} ${length}`);
    }
  }
});

test("long runs, and runs continued at any place", () => {
  const expected = crc32(bytes);
  assert.equal(sum(0, 0, size), expected);
  for (let round = 0; round < 200; round++) {
    const cut = next() % (size + 1);
    assert.equal(sum(sum(0, 0, cut), cut, size - cut), expected, `cut at ${cut}`);
  }
});

test("runs of zeros and of ones, which polynomials like to confuse", () => {
  for (const value of [0x00, 0xff]) {
    const run = new Uint8Array(kernels.memory.buffer, arena + size, 70_000).fill(value);
    for (const length of [1, 16, 4096, 65_535, 70_000]) {
      assert.equal(sum(0, size, length), crc32(run.subarray(0, length)));
    }
  }
});
