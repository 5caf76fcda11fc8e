import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { letterSource } from "../../src/cli/letter-source.ts";
import { ledgerPath, openLedger } from "../../src/cli/replay-ledger.ts";
import { k, table } from "../../src/schema/table.ts";

test("letters that were read ahead are not noted as replayed by the checkpoint before them", async () => {
  const folder = mkdtempSync(join(tmpdir(), "millrace-letters-"));
  const path = join(folder, "rejected.ndjson");
  const letters = Array.from({ length: 600 }, (_, n) =>
    JSON.stringify({ time: "", table: "T", record: n, reason: "no", original: { n } }),
  );
  writeFileSync(path, `${letters.join("\n")}\n`);
  const ledger = await openLedger(path);
  const { has: isReplayed, add: onRead, save: onTaken } = ledger;
  const source = letterSource(path, table("T", { n: k.int() }), { isReplayed, onRead, onTaken });
  const slices = [];
  for await (const slice of source.read({}, new AbortController().signal)) slices.push(slice);
  assert.deepEqual(
    slices.map(({ records }) => records.length),
    [256, 256, 88],
  );
  const noted = () => readFileSync(ledgerPath(path), "utf8").split("\n").length - 1;
  await source.acknowledge!({});
  assert.equal(noted(), 0);
  await source.acknowledge!({ [path]: slices[0]!.position });
  assert.equal(noted(), 256);
  await source.acknowledge!({ [path]: slices[2]!.position });
  assert.equal(noted(), 600);
  await ledger.close();
  rmSync(folder, { recursive: true });
});
