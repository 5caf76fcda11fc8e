import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { jsonCheck } from "../../src/encode/json-check.ts";
import { jsonFault, mostDepth } from "../../src/encode/json-syntax.ts";
import { instantiate } from "../../src/encode/wasm.ts";
import { embeddedWasm } from "../../src/encode/wasm-embedded.ts";
import { mutated } from "./arbitraries.ts";

/** The judge of what JSON is. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isObject(text: string): boolean {
  if (!isJson(text)) return false;
  const value: unknown = JSON.parse(text);
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const json = fc
  .tuple(fc.jsonValue({ stringUnit: "binary", maxDepth: 6 }), fc.constantFrom(undefined, 1, "\t", "\r\n "))
  .map(([value, space]) => JSON.stringify(value, null, space));

const tokens = fc
  .array(
    fc.constantFrom(
      ..."{}[]:,-.0123456789eE+ \t\r\n",
      '"',
      '"a"',
      "\\",
      '"\\u00e9"',
      '"\\u00g9"',
      '"\\x"',
      "true",
      "false",
      "null",
      "nul",
      "1e5",
      "-0.5E-7",
      "01",
      "1.",
      '"\u0000"',
      '"\u001f"',
      '"\u007f\u2028"',
      "\ufeff",
      "\u00a0",
      "\ud800",
    ),
    { maxLength: 12 },
  )
  .map((list) => list.join(""));

test("what JSON.parse takes is taken, and what it refuses is refused", () => {
  fc.assert(
    fc.property(fc.oneof(json, json.chain(mutated), tokens), (text) => {
      assert.equal(jsonFault(text, "value") === undefined, isJson(text), JSON.stringify(text));
      assert.equal(jsonFault(text, "object") === undefined, isObject(text), JSON.stringify(text));
    }),
    { numRuns: 20_000 },
  );
});

test("a fault lies in the text or at its end, and what stands before it can be the beginning of JSON", () => {
  fc.assert(
    fc.property(fc.oneof(json.chain(mutated), tokens), (text) => {
      const fault = jsonFault(text, "value");
      if (fault === undefined) return;
      assert.ok(fault.at >= 0 && fault.at <= text.length);
      // The same fault is found when everything behind it is something else; so nothing before it was at fault.
      const again = jsonFault(text.slice(0, fault.at), "value");
      if (again !== undefined) assert.ok(again.at <= fault.at);
    }),
    { numRuns: 5_000 },
  );
});

const faults: readonly (readonly [string, RegExp, number])[] = [
  ["", /a value is missing/, 0],
  ['{"a":1', /"," or "}"/, 6],
  ['{"a":1,}', /a key is missing/, 7],
  ["{1:2}", /key or "}"/, 1],
  ['{"a" 1}', /":"/, 5],
  ["[1 2]", /"," or "]"/, 3],
  ["[1,]", /a value is missing/, 3],
  ["[", /value or "]"/, 1],
  ["1 2", /should end/, 2],
  ['"a\nb"', /control character/, 2],
  ['"a\\qb"', /escape/, 2],
  ['"abc', /not closed/, 4],
  ["-", /number/, 1],
  ["1.e5", /number/, 2],
  ["truth", /neither true/, 0],
  [`${"[".repeat(mostDepth + 1)}`, /too deep/, mostDepth],
];

test("every fault is named, with its place", () => {
  for (const [text, reason, at] of faults) {
    const fault = jsonFault(text, "value");
    assert.match(fault?.reason ?? "", reason, text.slice(0, 20));
    assert.equal(fault?.at, at, text.slice(0, 20));
  }
  assert.match(jsonFault("[1]", "object")?.reason ?? "", /object is missing/);
});

test("nesting is followed to its bound, and a scan leaves nothing behind for the next", () => {
  const deep = `${"[".repeat(mostDepth)}${"]".repeat(mostDepth)}`;
  assert.equal(jsonFault(deep, "value"), undefined);
  assert.match(jsonFault(`[${deep}]`, "value")!.reason, /too deep/);
  assert.match(jsonFault('[{"a":[', "value")!.reason, /missing/);
  assert.equal(jsonFault('{"a":[{}]}', "object"), undefined);
});

test("WebAssembly finds the fault that JavaScript finds, at the same character", () => {
  const kernel = instantiate(embeddedWasm())!;
  const check = jsonCheck(() => kernel);
  fc.assert(
    fc.property(fc.oneof(json, json.chain(mutated), tokens), fc.integer({ min: 40, max: 70 }), (text, spaces) => {
      const long = `${" ".repeat(spaces)}${text}`.toWellFormed();
      assert.deepEqual(check(long), jsonFault(long, "value"), JSON.stringify(text));
    }),
    { numRuns: 10_000 },
  );
  for (const [text, reason, at] of faults) {
    const fault = check(`${" ".repeat(64)}${text}`);
    assert.match(fault?.reason ?? "", reason);
    assert.equal(fault?.at, at + 64);
  }
  const deep = `${"[".repeat(mostDepth)}${"]".repeat(mostDepth)}`;
  assert.equal(check(deep), undefined);
  assert.equal(check(`{"a":${deep}}`)!.at, 4 + mostDepth);
});

test("where there is no kernel, JavaScript checks, and nobody asks for one again", () => {
  let asked = 0;
  const check = jsonCheck(() => {
    asked++;
    return undefined;
  });
  for (const text of ['"short"', `"${"x".repeat(100)}"`, `"${"y".repeat(100)}"`]) assert.equal(check(text), undefined);
  assert.match(check(`"${"x".repeat(100)}`)!.reason, /not closed/);
  assert.equal(asked, 1);
});
