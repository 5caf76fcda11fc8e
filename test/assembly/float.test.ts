import assert from "node:assert/strict";
import { test } from "node:test";
import { compileKernels, randomWords, seedOf, textOf } from "./compile-kernels.ts";

// The oracle is String(x) of the engine that runs the test; the table's is BigInt.
// MILLRACE_RANDOM_DOUBLES sets how many random bit patterns are tried; a campaign of 20 million takes some minutes.

const kernels = await compileKernels();
const out = kernels.arena();
const bits = new DataView(new ArrayBuffer(8));

function text(v: number): string {
  return textOf(kernels, out, kernels.writeF64(out, v));
}

function fromBits(pattern: bigint): number {
  bits.setBigUint64(0, pattern);
  return bits.getFloat64(0);
}

function bitsOf(v: number): bigint {
  bits.setFloat64(0, v);
  return bits.getBigUint64(0);
}

/** The value, its sign, and its neighbours on both sides. */
function assertAround(v: number, reach = 2n): void {
  const pattern = bitsOf(Math.abs(v));
  for (let d = -reach; d <= reach; d++) {
    const neighbour = fromBits(pattern + d < 0n ? 0n : pattern + d);
    if (!Number.isFinite(neighbour)) continue;
    assert.equal(text(neighbour), String(neighbour));
    if (neighbour !== 0) assert.equal(text(-neighbour), String(-neighbour));
  }
}

/** Doubles in, their lines out, compared as one string. */
function assertLines(count: number, make: () => bigint): void {
  const values = new BigUint64Array(kernels.memory.buffer, out, count);
  for (let i = 0; i < count; i++) {
    let pattern = make();
    while (((pattern >> 52n) & 0x7ffn) === 0x7ffn) pattern = make();
    values[i] = pattern;
  }
  const doubles = new Float64Array(kernels.memory.buffer, out, count);
  const texts = out + 8 * count;
  const length = kernels.writeF64Lines(out, count, texts);
  const actual = textOf(kernels, texts, texts + length);
  let expected = "";
  for (const v of doubles) expected += Object.is(v, -0) ? "-0\n" : `${v}\n`;
  if (actual === expected) return;
  const lines = actual.split("\n");
  doubles.forEach((v, i) => {
    if (!Object.is(v, -0)) assert.equal(lines[i], String(v), `bits ${bitsOf(v).toString(16)}`);
  });
}

test("zeros keep their sign", () => {
  assert.equal(text(0), "0");
  assert.equal(text(-0), "-0");
});

test("the powers of ten that scale, against BigInt", () => {
  for (let power = -292; power <= 324; power++) {
    const wide = power >= 0 ? (10n ** BigInt(power)) << 2000n : (1n << 4000n) / 10n ** BigInt(-power);
    const expected = (wide >> BigInt(wide.toString(2).length - 128)) + 1n;
    const entry = (BigInt.asUintN(64, kernels.powerHigh(power)) << 64n) | BigInt.asUintN(64, kernels.powerLow(power));
    assert.equal(entry, BigInt.asUintN(128, expected), `10^${power}`);
  }
});

test("every power of two and its neighbours, down through the subnormals", () => {
  for (let exponent = -1074; exponent <= 1023; exponent++) assertAround(2 ** exponent, 3n);
});

test("every power of ten, and each digit of it, and their neighbours", () => {
  for (let exponent = -324; exponent <= 308; exponent++) {
    for (let digit = 1; digit <= 9; digit++) assertAround(Number(`${digit}e${exponent}`));
  }
});

test("the ends of the range, and where the layout changes", () => {
  for (const v of [
    Number.MAX_VALUE,
    Number.MIN_VALUE,
    2.2250738585072014e-308,
    2.225073858507201e-308,
    2 ** 53,
    2 ** 53 - 1,
    2 ** 63,
    2 ** 64,
    1e20,
    1e21,
    999999999999999900000,
    1e-6,
    1e-7,
    0.000001234567890123456,
    123456789012345680000,
    0.1 + 0.2,
  ]) {
    assertAround(v, 20n);
  }
});

test("every length of decimals at every place of the point", () => {
  const digits = "12345678901234567";
  for (let length = 1; length <= 17; length++) {
    for (let exponent = -30; exponent <= 30; exponent++) {
      assertAround(Number(`${digits.slice(0, length)}e${exponent}`));
      assertAround(Number(`${"9".repeat(length)}e${exponent}`));
      assertAround(Number(`1${"0".repeat(length - 1)}1e${exponent}`));
    }
  }
});

test("numbers known to be hard: halfway between two shortest texts, or nearly", () => {
  const hard = `5e-324 4.9406564584124654e-324 9.5367431640625e-7 5.684341886080802e-14 2.0522684006491881e18
    4.708356024711512e18 9.409340012568248e18 8.41e21 2.0919495182368195e19 9007199254740993e1 1.7800590868057611e-307
    2.8480945388892175e-306 2.446494580089078e-296 4.8929891601781557e-296 2.989102097996e-312 9.0608011534336e15
    4.294967298e9 1.3076622631878654e65 1.2345678901234567e22 6.02214076e23 1.8531501765868567e21 3.347727380279489e33
    7.2057594037927933e16 3.5844466002796428e298 6.9294956446009195e15`;
  for (const v of hard.split(/\s+/)) assertAround(Number(v));
});

test("2^53 and above, where halves of ten are exact ties", () => {
  const next = randomWords(seedOf());
  for (let exponent = 50; exponent <= 75; exponent++) {
    for (let i = 0; i < 400; i++) {
      const mantissa = (BigInt(next() & 0xfffff) << 32n) | BigInt(next());
      assertAround(fromBits((BigInt(exponent + 1023) << 52n) | mantissa), 0n);
    }
  }
});

test("numbers that come again, among others that do not, in every share", () => {
  const next = randomWords(seedOf());
  const bitPattern = () => (BigInt(next()) << 32n) | BigInt(next());
  for (const known of [1, 40, 2_000, 20_000]) {
    // Texts of 23 characters are kept, longer ones are not.
    const pool = Array.from({ length: known }, (_, i) => (i % 2 === 0 ? bitPattern() : bitsOf((next() % 1e6) / 360)));
    pool[0] = bitsOf(-0.000001234567890123456);
    for (const share of [0.2, 0.5, 0.9, 1])
      assertLines(10_000, () => {
        const pattern = next() < share * 2 ** 32 ? pool[next() % known]! : bitPattern();
        return next() % 2 === 0 ? pattern : pattern ^ (1n << 63n);
      });
  }
});

test("random bit patterns, and random numbers of the kind people store", () => {
  const next = randomWords(seedOf());
  const count = Number(process.env.MILLRACE_RANDOM_DOUBLES ?? 300_000);
  const doubles = 10_000;
  for (let done = 0; done < count; done += doubles) {
    assertLines(doubles, () => (BigInt(next()) << 32n) | BigInt(next()));
  }
  assertLines(doubles, () => bitsOf(next() / 2 ** 32));
  assertLines(doubles, () => bitsOf(next() / 100));
  assertLines(doubles, () => bitsOf((next() >>> 12) / 1000 - 500));
  assertLines(doubles, () => BigInt(next()) << BigInt(next() % 20)); // subnormals
});
