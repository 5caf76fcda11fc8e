import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

// A program that forgets close() still ends, and what its timer owes is delivered first.

function runProgram(body: string): { status: number | null; stdout: string; stderr: string } {
  const program = `
    import { memory } from "./src/destination/memory.ts";
    import { open } from "./src/open.ts";
    import { k, table } from "./src/schema/table.ts";
    const to = memory();
    const sink = await open({ table: table("Numbers", { n: k.int() }), to, batchIntervalMs: 200 });
    ${body}
    process.on("exit", () => console.log(to.batches.length, "batches"));
  `;
  return spawnSync(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", program], {
    encoding: "utf8",
    timeout: 20_000,
  });
}

test("an idle sink that was never closed lets the process end", () => {
  const { status, stdout, stderr } = runProgram("");
  assert.equal(status, 0, stderr);
  assert.equal(stdout, "0 batches\n");
});

test("records that wait for the timer keep the process until they are delivered", () => {
  const { status, stdout, stderr } = runProgram("sink.write({ n: 1 });");
  assert.equal(status, 0, stderr);
  assert.equal(stdout, "1 batches\n");
});
