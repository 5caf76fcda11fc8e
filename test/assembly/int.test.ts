import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileKernels, randomWords, seedOf, textOf } from "./compile-kernels.ts";

// The oracle is BigInt's toString.

const kernels = await compileKernels();
const out = kernels.arena();

const u32 = (v: number) => textOf(kernels, out, kernels.writeU32(out, v));
const i32 = (v: number) => textOf(kernels, out, kernels.writeI32(out, v));
const u64 = (v: bigint) => textOf(kernels, out, kernels.writeU64(out, v));
const i64 = (v: bigint) => textOf(kernels, out, kernels.writeI64(out, v));

/** The neighbourhood of every power of 2 and of 10 that a signed or unsigned 64-bit number can hold. */
function* edges(): Generator<bigint> {
  for (let power = 1n; power < 1n << 65n; power *= 2n) for (const d of [-1n, 0n, 1n]) yield power + d;
  for (let power = 1n; power < 1n << 65n; power *= 10n) for (const d of [-1n, 0n, 1n]) yield power + d;
}

test("edges of every width", () => {
  for (const v of edges()) {
    if (v <= 0xffffffffn) assert.equal(u32(Number(v)), v.toString());
    if (v < 1n << 64n) assert.equal(u64(v), v.toString());
    for (const signed of [v, -v]) {
      if (BigInt.asIntN(32, signed) === signed) assert.equal(i32(Number(signed)), signed.toString());
      if (BigInt.asIntN(64, signed) === signed) assert.equal(i64(signed), signed.toString());
    }
  }
});

test("every number of up to six digits", () => {
  for (let v = 0; v < 1_000_000; v++) {
    const text = u32(v);
    if (text !== String(v)) assert.equal(text, String(v));
  }
});

test("every reciprocal of the eight-digit split: each value of one half with the extremes of the other", () => {
  for (let half = 0; half < 10_000; half++) {
    for (const other of [0, 1, 99, 100, 9_900, 9_999]) {
      for (const v of [half * 10_000 + other, other * 10_000 + half]) {
        const text = u32(v);
        if (text !== String(v)) assert.equal(text, String(v));
      }
    }
  }
});

test("every reciprocal of the sixteen-digit split, in both of its halves", () => {
  const fixed = (v: number) => String(v).padStart(8, "0");
  const others = [0, 1, 99, 100, 9_900, 9_999];
  for (let half = 0; half < 10_000; half++) {
    for (const [i, other] of others.entries()) {
      const upper = half * 10_000 + other;
      const lower = others[5 - i]! * 10_000 + half;
      const text = textOf(kernels, out, kernels.writeSixteenDigits(out, BigInt(upper), BigInt(lower)));
      if (text !== fixed(upper) + fixed(lower)) assert.equal(text, fixed(upper) + fixed(lower));
    }
  }
});

test("200 000 random 64-bit words of every length", () => {
  const next = randomWords(seedOf());
  const count = 10_000;
  const values = out;
  const texts = out + 8 * count;
  for (let round = 0; round < 20; round++) {
    const inputs = new BigUint64Array(kernels.memory.buffer, values, count);
    for (let i = 0; i < count; i++) inputs[i] = ((BigInt(next()) << 32n) | BigInt(next())) >> BigInt(next() & 63);
    const expected = Array.from(inputs, (v) => `${v}\n`).join("");
    const length = kernels.writeU64Lines(values, count, texts);
    if (textOf(kernels, texts, texts + length) === expected) continue;
    for (const v of inputs.slice()) assert.equal(u64(v), v.toString());
    assert.fail("a line differs only within a line");
  }
});

test("signed numbers, as a property", () => {
  fc.assert(fc.property(fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }), (v) => i64(v) === v.toString()));
  fc.assert(fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (v) => i32(v) === String(v)));
});
