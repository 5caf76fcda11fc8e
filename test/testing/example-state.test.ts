import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StateBackend } from "../../src/checkpoint/state-backend.ts";
import { stateBackendContract } from "../../src/testing/index.ts";

// The example as its reader runs it, on the built package.

const module = new URL("./example-state-child.mjs", import.meta.url);

stateBackendContract("examples/directory-state.mjs", async (t) => {
  assert.ok(existsSync("dist/index.js"), "examples run on the built package: npm run build");
  const { state } = (await import(module.href)) as { state(folder: string): StateBackend };
  const root = mkdtempSync(join(tmpdir(), "millrace-contract-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const folder = join(root, "state");
  return {
    state: () => state(folder),
    damage({ segment, packedBytes }) {
      const path = join(folder, segment);
      const bytes = readFileSync(path);
      bytes[packedBytes >> 1]! ^= 4;
      writeFileSync(path, bytes);
    },
    child: { module, argument: folder },
  };
});
