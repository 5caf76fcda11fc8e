import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { crc32c } from "@aws-crypto/crc32c";
import { compileKernels, randomWords, seedOf } from "./compile-kernels.ts";

// The oracles are zlib's own crc32, and a crc32c byte by byte from elsewhere.

const kernels = await compileKernels();
const arena = kernels.arena();
const size = 300_000;
const bytes = new Uint8Array(kernels.memory.buffer, arena, size);
const next = randomWords(seedOf());
for (let i = 0; i < size; i++) bytes[i] = next();

/** The check value is that of "123456789"; folds begin at three tails, and at the second segment of the ring. */
const algorithms = [
  { name: "CRC-32", kernel: kernels.crc32, oracle: crc32, check: 0xcbf43926, folds: [3 * 137 * 16, (137 + 512) * 16] },
  {
    name: "CRC-32C",
    kernel: kernels.crc32c,
    oracle: crc32c,
    check: 0xe3069283,
    folds: [3 * 209 * 16, (209 + 512) * 16],
  },
];

for (const { name, kernel, oracle, check, folds } of algorithms) {
  const sum = (crc: number, from: number, length: number) => kernel(crc, arena + from, length) >>> 0;

  test(`${name}: the check value of the algorithm`, () => {
    const text = Buffer.from("123456789");
    const copy = new Uint8Array(kernels.memory.buffer, arena + size, text.length);
    copy.set(text);
    assert.equal(sum(0, size, text.length), check);
  });

  test(`${name}: every length up to 600, and those around which runs are folded, at every alignment`, () => {
    for (let from = 0; from < 17; from++) {
      const lengths = Array.from({ length: 601 }, (_, length) => length);
      for (const near of folds) for (let length = near - 125; length < near + 125; length++) lengths.push(length);
      for (const length of lengths) {
        const expected = oracle(bytes.subarray(from, from + length));
        if (sum(0, from, length) !== expected) assert.equal(sum(0, from, length), expected, `${from} ${length}`);
      }
    }
  });

  test(`${name}: long runs, and runs continued at any place`, () => {
    const expected = oracle(bytes);
    assert.equal(sum(0, 0, size), expected);
    for (let round = 0; round < 200; round++) {
      const cut = next() % (size + 1);
      assert.equal(sum(sum(0, 0, cut), cut, size - cut), expected, `cut at ${cut}`);
    }
  });

  test(`${name}: runs of zeros and of ones, which polynomials like to confuse`, () => {
    for (const value of [0x00, 0xff]) {
      const run = new Uint8Array(kernels.memory.buffer, arena + size, 70_000).fill(value);
      for (const length of [1, 16, 4096, 65_535, 70_000]) {
        assert.equal(sum(0, size, length), oracle(run.subarray(0, length)));
      }
    }
  });
}
