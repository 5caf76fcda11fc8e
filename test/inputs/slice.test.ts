import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Emulator, startEmulator } from "../../src/emulator/index.ts";
import { checkFile, type Tools } from "./check-file.ts";
import { commandLine } from "./command-line.ts";
import { rewrittenFiles, vegaFiles } from "./local-files.ts";
import { duckOracle } from "./oracle.ts";
import { ownCases } from "./own-cases.ts";

// A slice of `npm run test:inputs`: what needs no network, and no long time.

const folder = mkdtempSync(join(tmpdir(), "millrace-inputs-"));
let emulator: Emulator;
let tools: Tools;

before(async () => {
  emulator = await startEmulator({ databases: ["demo"] });
  tools = { millrace: commandLine(), cluster: emulator.url, oracle: await duckOracle(), folder };
});

after(async () => {
  tools.millrace.close();
  tools.oracle.close();
  await emulator.close();
  rmSync(folder, { recursive: true });
});

const small = 12_000;

for (const file of [...ownCases(folder), ...rewrittenFiles(folder), ...vegaFiles(small)])
  test(file.name, async () => {
    const { outcome, different, silent, cells, notes } = await checkFile(file, tools);
    assert.deepEqual({ different, silent }, { different: 0, silent: 0 }, notes.join("\n"));
    if (outcome === "same" && !file.isBroken) assert.ok(cells > 0, "nothing was compared");
  });
