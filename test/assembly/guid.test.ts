import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileKernels, textOf } from "./compile-kernels.ts";

// The oracle is Buffer's hex.

const kernels = await compileKernels();

test("36 lower-case characters, and nothing behind them", () => {
  const out = kernels.arena();
  const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 });
  fc.assert(
    fc.property(bytes, (guid) => {
      const view = Buffer.from(guid);
      const memory = new Uint8Array(kernels.memory.buffer);
      memory[out + 36] = 0x7c;
      const end = kernels.writeGuid(out, view.readBigUInt64BE(0), view.readBigUInt64BE(8));
      const expected = view.toString("hex").replace(/(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
      assert.equal(textOf(kernels, out, end), expected);
      assert.equal(memory[out + 36], 0x7c);
    }),
  );
});
