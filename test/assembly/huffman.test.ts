import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileKernels } from "./compile-kernels.ts";

// The oracle is the package-merge algorithm (L. Larmore, D. Hirschberg, 1990), which finds the least cost that any code within
// the limit can have; and Kraft's equation, which a complete code fulfils.

const kernels = await compileKernels();
const arena = kernels.arena();

function lengthsOf(frequencies: number[], limit: number): Uint8Array {
  new Uint32Array(kernels.memory.buffer, arena, frequencies.length).set(frequencies);
  kernels.buildLengths(arena, frequencies.length, limit, arena + 4096);
  return new Uint8Array(kernels.memory.buffer.slice(arena + 4096, arena + 4096 + frequencies.length));
}

/** The least sum of frequency * length with lengths up to `limit`, for two used symbols or more. */
function leastCost(frequencies: number[], limit: number): number {
  const leaves = frequencies.filter((f) => f > 0).sort((a, b) => a - b);
  let packages: number[] = [];
  for (let level = 0; level < limit; level++) {
    const pairs: number[] = [];
    for (let i = 0; i + 1 < packages.length; i += 2) pairs.push(packages[i]! + packages[i + 1]!);
    packages = [...leaves, ...pairs].sort((a, b) => a - b);
  }
  return packages.slice(0, 2 * leaves.length - 2).reduce((sum, weight) => sum + weight, 0);
}

/** Returns how much the code costs beyond the least, as a fraction. */
function assertCode(frequencies: number[], limit: number): number {
  const lengths = lengthsOf(frequencies, limit);
  const used = frequencies.filter((f) => f > 0).length;
  let kraft = 0;
  let cost = 0;
  lengths.forEach((length, symbol) => {
    assert.ok(length <= limit, `length ${length}`);
    if (frequencies[symbol]! > 0) assert.ok(length > 0, `symbol ${symbol} has no code`);
    else if (used >= 2) assert.equal(length, 0);
    if (length > 0) kraft += 2 ** -length;
    cost += frequencies[symbol]! * length;
  });
  assert.equal(kraft, 1);
  if (used < 2) return 0;
  const least = leastCost(frequencies, limit);
  assert.ok(cost >= least);
  return cost / least - 1;
}

test("no symbol and one symbol still make a complete code", () => {
  for (const frequencies of [
    [0, 0, 0],
    [5, 0, 0],
    [0, 0, 7],
    [0, 3],
  ])
    assert.equal(assertCode(frequencies, 15), 0);
});

test("where the limit does not bind, the code is a least one", () => {
  const frequency = fc.oneof(fc.nat(3), fc.nat(130_000));
  fc.assert(
    fc.property(fc.array(frequency, { minLength: 2, maxLength: 288 }), (frequencies) => {
      const free = lengthsOf(frequencies, 15);
      if (free.some((length) => length === 15)) return;
      assert.equal(assertCode(frequencies, 15), 0);
    }),
    { numRuns: 300 },
  );
});

test("Fibonacci frequencies at every limit: complete, in order, and near the least", () => {
  for (let count = 2; count <= 28; count++) {
    const frequencies = [1, 1];
    while (frequencies.length < count) frequencies.push(frequencies.at(-1)! + frequencies.at(-2)!);
    for (const limit of [15, 14, 7]) {
      const beyond = assertCode(frequencies.slice(0, count), limit);
      // 7 bits is a tight place for 28 such symbols; the alphabet that lives there, the 19 code lengths, is a few dozen bytes a block.
      assert.ok(
        beyond < (limit === 7 ? 0.15 : 0.005),
        `${count} symbols in ${limit} bits cost ${beyond} more than the least`,
      );
      const lengths = lengthsOf(frequencies.slice(0, count), limit);
      for (let i = 3; i < count; i++) assert.ok(lengths[i]! <= lengths[i - 1]!);
    }
  }
});

test("any frequencies within tight limits, as a property", () => {
  const steep = fc.array(fc.nat(17), { minLength: 2, maxLength: 19 }).map((a) => a.map((e) => (e === 0 ? 0 : 2 ** e)));
  fc.assert(
    fc.property(steep, (frequencies) => assertCode(frequencies, 7) < 0.1),
    { numRuns: 500 },
  );
  const many = fc
    .array(fc.nat(22), { minLength: 200, maxLength: 288 })
    .map((a) => a.map((e) => (e === 0 ? 0 : 2 ** (e >> 1))));
  fc.assert(
    fc.property(many, (frequencies) => assertCode(frequencies, 9) < 0.1),
    { numRuns: 200 },
  );
});

test("codes are canonical, sent first bit lowest", () => {
  // RFC 1951, 3.2.2: lengths (3,3,3,3,3,2,4,4) give 010 011 100 101 110 00 1110 1111.
  const lengths = [3, 3, 3, 3, 3, 2, 4, 4];
  new Uint8Array(kernels.memory.buffer, arena, 8).set(lengths);
  kernels.buildCodes(arena, 8, arena + 64);
  const codes = Array.from(new Uint32Array(kernels.memory.buffer, arena + 64, 8), (code) => {
    const bits = (code >>> 8).toString(2).padStart(code & 0xff, "0");
    return [...bits].reverse().join("");
  });
  assert.deepEqual(codes, ["010", "011", "100", "101", "110", "00", "1110", "1111"]);
});
