import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileDeadLetter } from "../../src/deliver/dead-letter.ts";
import { memory } from "../../src/destination/memory.ts";
import { open } from "../../src/open.ts";
import { k, table } from "../../src/schema/table.ts";

const folder = mkdtempSync(join(tmpdir(), "millrace-letters-"));
after(() => rmSync(folder, { recursive: true }));

const events = table("Events", { n: k.int() });
const misfit = { n: "two" } as unknown as { n: number };

test("after a checkpoint the refused records are in the dead letter's file", async () => {
  const path = join(folder, "checkpoint.ndjson");
  const sink = await open({ table: events, to: memory(), deadLetter: fileDeadLetter(path) });
  const refused = 2_000;
  for (let n = 0; n < refused; n++) if (!sink.write(misfit)) await sink.ready;
  await sink.checkpoint();
  assert.equal(readFileSync(path, "utf8").trimEnd().split("\n").length, refused);
  await sink.close();
});

test("a dead letter that cannot be written fails the checkpoint and the close: no refused record is lost in silence", async () => {
  for (const end of ["checkpoint", "close"] as const) {
    const deadLetter = fileDeadLetter(join(folder, "no", "such", "folder.ndjson"));
    const sink = await open({ table: events, to: memory(), deadLetter });
    sink.write({ n: 1 });
    sink.write(misfit);
    await assert.rejects(sink[end](), /dead letter .*folder\.ndjson cannot be written/);
    await sink.abort();
  }
});
