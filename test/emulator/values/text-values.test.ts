import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { textReaders } from "../../../src/emulator/values/text-values.ts";

const { bool, dynamic, guid, int, long, real, string } = textReaders;

test("integers: what is out of range, or no integer, is null", () => {
  fc.assert(fc.property(fc.bigInt(), (n) => assert.equal(long(String(n)), BigInt.asIntN(64, n) === n ? n : null)));
  assert.equal(int("2147483647"), 2_147_483_647);
  for (const text of ["2147483648", "-2147483649", "1.0", "1e3", "0x10", "", " ", "1_000", "١"])
    assert.equal(int(text), null, text);
  assert.equal(long(" +7 "), 7n);
});

test("reals: JavaScript's own reading, and the words", () => {
  fc.assert(fc.property(fc.double(), (n) => assert.ok(Object.is(real(Object.is(n, -0) ? "-0" : String(n)), n))));
  for (const text of ["inf", "+Infinity", "INF"]) assert.equal(real(text), Number.POSITIVE_INFINITY);
  for (const text of ["", ".", "1e", "0x10", "1,5", "one"]) assert.equal(real(text), null, text);
});

test("bools and guids", () => {
  assert.deepEqual(["true", "FALSE", "1", "0", "-2", "yes", ""].map(bool), [
    true,
    false,
    true,
    false,
    true,
    null,
    null,
  ]);
  const written = [
    "74BE27DE-1E4E-49D9-B579-FE0B331D3642",
    "{74be27de1e4e49d9b579fe0b331d3642}",
    "(74be27de-1e4e-49d9-b579-fe0b331d3642)",
  ];
  for (const text of written) assert.equal(guid(text), "74be27de-1e4e-49d9-b579-fe0b331d3642");
  assert.equal(guid("74be27de-1e4e-49d9-b579-fe0b331d364"), null);
});

test("dynamics are kept word for word, other text becomes a string, too much becomes null", () => {
  assert.equal(dynamic('{"a": 1.50}'), '{"a": 1.50}');
  assert.equal(dynamic("no json"), '"no json"');
  for (const text of ["", "  ", "null", JSON.stringify("x".repeat(1_048_577))]) assert.equal(dynamic(text), null);
});

test("a string of more than 1 MiB is cut there, at a whole character", () => {
  assert.equal(string("x".repeat(1_048_576)), "x".repeat(1_048_576));
  assert.equal(string("x".repeat(1_048_577)), "x".repeat(1_048_576));
  const cut = string(`x${"😀".repeat(300_000)}`) as string;
  assert.equal(cut, `x${"😀".repeat(262_143)}`);
});
