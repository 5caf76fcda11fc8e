import assert from "node:assert/strict";
import { test } from "node:test";
import { figuresOf } from "../../src/cli/column-figures.ts";
import type { Kind } from "../../src/schema/kinds.ts";

function figure(kind: Kind, what: string, values: readonly unknown[]): string | undefined {
  const found = figuresOf({ name: "c", kind, isOptional: true }).find((each) => each.what === `c: ${what}`);
  assert.ok(found, what);
  const tally = found.start();
  for (const value of values) tally.add(value);
  return tally.result();
}

// Published values of xxHash64 with seed 0: of "a", of "abc", and of a sentence of more than 32 bytes.
test("the checksum of texts is made of xxHash64", () => {
  const low = (hash: bigint) => hash & 0xffff_ffffn;
  assert.equal(figure("string", "checksum", ["a"]), String(low(0xd24ec4f1a98c6e5bn)));
  assert.equal(figure("string", "checksum", ["abc", "", null, "abc"]), String(2n * low(0x44bc2cf5ad770999n)));
  const sentence = "Nobody inspects the spammish repetition";
  assert.equal(figure("string", "checksum", [sentence]), String(low(0xfbcea83c8a378bf1n)));
});

test("sums leave 64 bits; a decimal that 28 digits do not hold is not summed", () => {
  assert.equal(figure("long", "sum", [2n ** 63n - 1n, 2n ** 63n - 1n, 5]), String(2n ** 64n + 3n));
  assert.equal(figure("decimal", "sum", ["0.10", "0.2", "-0.3", null]), "0");
  assert.equal(figure("decimal", "sum", ["1e-3", "999"]), "999001e-3");
  assert.equal(figure("decimal", "sum", ["1e-20", "99999999999"]), undefined);
  assert.equal(figure("decimal", "sum", ["1e3000"]), undefined);
});

test("reals sum alike in any order, and a change of the last bit shows", () => {
  const values = [0.1, 1e17, -3.7, 1e-30, -1e-7, 123_456.789, Number.NaN, Number.POSITIVE_INFINITY, 1e300];
  const forth = figure("real", "checksum", values);
  assert.equal(figure("real", "checksum", [...values].reverse()), forth);
  for (const index of [0, 1, 2, 4, 5]) {
    const changed = [...values];
    changed[index] = changed[index]! * (1 + Number.EPSILON);
    assert.notEqual(changed[index], values[index]);
    assert.notEqual(figure("real", "checksum", changed), forth, `${values[index]}`);
  }
});
