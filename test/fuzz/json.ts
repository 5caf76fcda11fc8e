import assert from "node:assert/strict";
import { jsonCheck } from "../../src/encode/json-check.ts";
import { type JsonFault, jsonFault, mostDepth } from "../../src/encode/json-syntax.ts";
import { instantiate } from "../../src/encode/wasm.ts";
import { embeddedWasm } from "../../src/encode/wasm-embedded.ts";
import { deep, nearlyJson, spoiled } from "./adversarial.ts";
import type { Subject } from "./subject.ts";

/** Texts that are JSON or nearly, in UTF-16 and through WebAssembly, judged by `JSON.parse`. */
export function json(): Subject {
  const check = jsonCheck(() => instantiate(embeddedWasm()));
  return {
    name: "json",
    step(next) {
      const cases = 200;
      for (let i = 0; i < cases; i++) {
        const text = textOf(next);
        const expected = judged(text);
        assertRight(text, "value", jsonFault(text, "value"), expected !== "none");
        assertRight(text, "object", jsonFault(text, "object"), expected === "object");
        assert.deepEqual(check(text), jsonFault(text, "value"), `WebAssembly differs: ${JSON.stringify(text)}`);
        // Texts of this length go through WebAssembly, and one with a newline does not.
        const long = text.replaceAll("\n", " ") + " ".repeat(48);
        assert.deepEqual(check(long), jsonFault(long, "value"), `WebAssembly differs: ${JSON.stringify(long)}`);
      }
      return cases;
    },
  };
}

function textOf(next: () => number): string {
  if (next() % 50 === 0) return deep(next);
  if (next() % 20 === 0) return String.fromCharCode(...Array.from({ length: next() % 60 }, () => next() & 0xffff));
  const text = nearlyJson(next);
  return next() % 2 === 0 ? text : Buffer.from(spoiled(next, Buffer.from(text))).toString();
}

function judged(text: string): "none" | "value" | "object" {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? "object" : "value";
  } catch {
    return "none";
  }
}

function assertRight(text: string, form: string, fault: JsonFault | undefined, isSound: boolean): void {
  const said = () => `as ${form}: ${fault?.reason ?? "sound"}: ${JSON.stringify(text)}`;
  if (fault?.reason === "it is nested too deep") {
    assert.ok(depthOf(text.slice(0, fault.at + 1)) > mostDepth, said());
    return;
  }
  assert.equal(fault === undefined, isSound, said());
  assert.ok(fault === undefined || (fault.at >= 0 && fault.at <= text.length), said());
  if (isSound) assert.ok(depthOf(text) <= mostDepth, said());
}

/** The deepest nesting of a text that is sound as far as it goes. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [bracket] of text.replace(/"(?:[^"\\]|\\.)*"/g, "").matchAll(/[[\]{}]/g)) {
    depth += bracket === "[" || bracket === "{" ? 1 : -1;
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}
