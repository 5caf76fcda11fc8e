import assert from "node:assert/strict";
import type { Kernels } from "../assembly/compile-kernels.ts";
import { textOf } from "../assembly/compile-kernels.ts";
import type { Subject } from "./subject.ts";

const casesPerStep = 16_384;

/** Doubles against String(x) of this engine: every bit pattern that is a finite number may come. */
export function doubles(kernels: Kernels): Subject {
  const at = kernels.arena();
  const words = new Uint32Array(kernels.memory.buffer, at, casesPerStep * 2);
  const values = new Float64Array(kernels.memory.buffer, at, casesPerStep);
  const texts = at + casesPerStep * 8;
  return {
    name: "doubles",
    step(next) {
      for (let i = 0; i < words.length; i++) words[i] = next();
      for (let i = 0; i < casesPerStep; i++) if (!Number.isFinite(values[i]!)) values[i] = 0;
      const length = kernels.writeF64Lines(at, casesPerStep, texts);
      const written = textOf(kernels, texts, texts + length);
      let expected = "";
      for (const value of values) expected += Object.is(value, -0) ? "-0\n" : `${value}\n`;
      if (written !== expected) {
        const lines = written.split("\n");
        const wrong = values.findIndex((value, i) => lines[i] !== (Object.is(value, -0) ? "-0" : String(value)));
        assert.fail(`the double ${values[wrong]} was written as ${lines[wrong]}`);
      }
      return casesPerStep;
    },
  };
}

/** Doubles of which many come again: texts that were kept, and those that took their place. */
export function repeatedDoubles(kernels: Kernels): Subject {
  const all = doubles(kernels);
  return {
    name: "repeated doubles",
    step(next) {
      // From one that always comes again to more than the cache holds; one of eight is new.
      const known = 1 << (next() % 17);
      const salt = next();
      const draw = (): number => {
        const isNew = next() % 8 === 0;
        return isNew ? next() : Math.imul((next() % known) ^ salt, 0x9e3779b1);
      };
      let high = 0;
      let isHigh = false;
      return all.step(() => {
        isHigh = !isHigh;
        if (isHigh) high = draw();
        // The second word follows from the first: so the pair comes again as well.
        return isHigh ? high : Math.imul(high, 0x85ebca6b) >>> 0;
      });
    },
  };
}

/** 64-bit integers against BigInt, of every length alike. */
export function integers(kernels: Kernels): Subject {
  const at = kernels.arena();
  return {
    name: "integers",
    step(next) {
      for (let i = 0; i < 2_000; i++) {
        const bits = (BigInt(next()) << 32n) | BigInt(next());
        const value = BigInt.asIntN(64, bits) >> BigInt(next() % 64);
        assert.equal(textOf(kernels, at, kernels.writeI64(at, value)), value.toString());
        const unsigned = BigInt.asUintN(64, value);
        assert.equal(textOf(kernels, at, kernels.writeU64(at, unsigned)), unsigned.toString());
      }
      return 4_000;
    },
  };
}
