import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startEmulator } from "../../src/emulator/index.ts";
import { fileState, k, open, table } from "../../src/index.ts";
import { createMergeTableCommand, kusto, kustoAdmin } from "../../src/kusto.ts";

test("no SAS, key or token is in any file of the state, at any time", async () => {
  const folder = await mkdtemp(join(tmpdir(), "millrace-secrets-"));
  const emulator = await startEmulator({ databases: ["demo"] });
  const token = "a-bearer-token-that-is-nobody-else's";
  const connection = { cluster: emulator.url, database: "demo", token };
  const admin = await kustoAdmin(connection);
  const target = table("T", { n: k.long() });
  try {
    await admin.execute(createMergeTableCommand(target));
    // The secrets in use: every SAS that the service gives out.
    const { rows } = await admin.execute(".get ingestion resources");
    const signatures = rows.map(([, url]) => new URL(String(url)).searchParams.get("sig")!);
    assert.ok(signatures.length >= 4);
    const sink = await open({
      table: target,
      to: kusto({ ...connection, flushImmediately: true, pollIntervalMs: 50 }),
      deliveryGuarantee: "exactly-once",
      state: fileState(join(folder, "state")),
      batchSize: 10,
    });
    const seen: string[] = [];
    for (let epoch = 0; epoch < 3; epoch++) {
      for (let i = 0; i < 50; i++) sink.write({ n: i });
      await sink.checkpoint({ positions: { source: epoch } });
      seen.push(await everything(folder));
    }
    await sink.committed();
    seen.push(await everything(folder));
    await sink.close();
    seen.push(await everything(folder));
    const text = seen.join("\n");
    assert.match(text, /prepared/, "the state was read while something was in it");
    for (const secret of [token, ...signatures, ...signatures.map(encodeURIComponent), "sig=", "Bearer "])
      assert.equal(text.includes(secret), false, `the state holds ${secret.slice(0, 6)}...`);
  } finally {
    admin.close();
    await emulator.close();
    await rm(folder, { recursive: true });
  }
});

async function everything(folder: string): Promise<string> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
  const texts = await Promise.all(files.map((file) => readFile(file, "latin1").catch(() => "")));
  return texts.join("\n");
}
