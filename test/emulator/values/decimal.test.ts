import assert from "node:assert/strict";
import { test } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import {
  addDecimals,
  canonicalDecimal,
  decimalKey,
  decimalText,
  divideDecimals,
  multiplyDecimals,
  parseDecimal,
} from "../../../src/emulator/values/decimal.ts";

test("one text per value", () => {
  const same: [string, string[]][] = [
    ["0", ["0", "-0", "0.00", "0e10", "+0", "00"]],
    ["1.5", ["1.5", "1.50", "01.5", "15e-1", "0.15E1", " 1.5 "]],
    ["-1200", ["-1200", "-1.2e3", "-1200.000"]],
    ["0.001", ["0.001", ".001", "1e-3"]],
    ["1E+41", ["1e41", `1${"0".repeat(41)}`]],
    ["1.25E-60", ["1.25e-60"]],
  ];
  for (const [canonical, texts] of same)
    for (const text of texts) assert.equal(canonicalDecimal(text), canonical, text);
  for (const text of ["", ".", "x", "1e", "--1", "1".repeat(35), "1e7000", "NaN"])
    assert.equal(canonicalDecimal(text), null, text);
  assert.equal(canonicalDecimal("1234567890123456789012345678901234"), "1234567890123456789012345678901234");
});

const number = fc
  .tuple(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }), fc.integer({ min: -8, max: 0 }))
  .map(([digits, exponent]) => decimalText({ digits, exponent }))
  .map((text) => canonicalDecimal(text)!);

test("sums, products and order are DuckDB's", async () => {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const pairs = fc.sample(fc.tuple(number, number), 300);
  const rows = pairs.map(([a, b]) => `('${a}'::DECIMAL(38,8), '${b}'::DECIMAL(38,8))`).join(",");
  const reader = await connection.runAndReadAll(
    `SELECT (a + b)::VARCHAR, (a + a + a)::VARCHAR, sign(a - b)::INTEGER FROM (VALUES ${rows}) v(a, b)`,
  );
  reader.getRows().forEach(([sum, triple, sign], index) => {
    const a = parseDecimal(pairs[index]![0])!;
    const b = parseDecimal(pairs[index]![1])!;
    assert.equal(decimalText(addDecimals(a, b)), canonicalDecimal(String(sum)));
    assert.equal(decimalText(multiplyDecimals(a, parseDecimal("3")!)), canonicalDecimal(String(triple)));
    const [x, y] = [decimalKey(a), decimalKey(b)];
    assert.equal(x < y ? -1 : x > y ? 1 : 0, Number(sign));
  });
  connection.closeSync();
  instance.closeSync();
});

test("quotients round at 34 digits", () => {
  const divide = (a: string, b: string) => {
    const result = divideDecimals(parseDecimal(a)!, parseDecimal(b)!);
    return result && decimalText(result);
  };
  assert.equal(divide("1", "3"), `0.${"3".repeat(34)}`);
  assert.equal(divide("2", "3"), `0.${"6".repeat(33)}7`);
  assert.equal(divide("1", "8"), "0.125");
  assert.equal(divide("1", "0"), null);
});
