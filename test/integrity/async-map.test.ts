import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type KustoAdmin, kustoAdmin } from "../../src/connectors/kusto/admin.ts";
import { type Emulator, startEmulator } from "../../src/emulator/index.ts";

// Real processes that are killed in the midst of asyncMap(), and the rows counted afterwards.

const partitions = 3;
const perPartition = 300;
const kills = 4;
const seed = Number(process.env.MILLRACE_SEED ?? Date.now() % 1_000_000);

let emulator: Emulator;
let admin: KustoAdmin;

before(async () => {
  emulator = await startEmulator({ databases: ["kills"] });
  admin = await kustoAdmin({ cluster: emulator.url, database: "kills" });
});

after(async () => {
  admin?.close();
  await emulator?.close();
});

/** Runs the writer, and kills it behind so many slices. Returns what it wrote, and how it ended. */
async function write(state: string, ordered: string, killBehind: number) {
  const args = ["--import", "tsx", "test/integrity/async-map-writer.ts", emulator.url, state, ordered];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  let slices = 0;
  let words = "";
  child.stdout.on("data", (data) => {
    slices += String(data).split("\n").length - 1;
    if (slices >= killBehind) child.kill("SIGKILL");
  });
  child.stderr.on("data", (data) => {
    words += data;
  });
  const [code, signal] = await once(child, "close");
  process.off("exit", end);
  return { slices, how: (code ?? signal) as number | string, words };
}

for (const ordered of ["ordered", "unordered"])
  test(`${ordered}: a process that is killed in the midst of asyncMap() loses nothing and doubles nothing (seed ${seed})`, async () => {
    const state = mkdtempSync(join(tmpdir(), "millrace-kills-"));
    await admin.execute(".drop table Looked ifexists");
    await admin.execute(".create table Looked (partition: int, at: int, square: long)");
    let random = seed;
    const draw = () => {
      random = (random * 1_103_515_245 + 12_345) % 2_147_483_648;
      return random / 2_147_483_648;
    };
    for (let life = 0; life < kills; life++) {
      const { how, words } = await write(state, ordered, 5 + Math.floor(draw() * 20));
      assert.equal(how, "SIGKILL", words);
    }
    const { how, words, slices } = await write(state, ordered, Infinity);
    assert.equal(how, 0, words);
    assert.ok(slices > 0, "there was something left for the last process");
    const { rows } = await admin.query(
      "Looked | where square == at * at | summarize rows = count(), distinct = dcount(at, 4), least = min(at), most = max(at) by partition | order by partition asc",
    );
    assert.deepEqual(
      rows.map((row) => row.map(Number)),
      Array.from({ length: partitions }, (_, p) => [p, perPartition, perPartition, 0, perPartition - 1]),
    );
    rmSync(state, { recursive: true });
  });
