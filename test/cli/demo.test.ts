import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import { demoFiles, writeDemoFile } from "../../src/cli/demo-data.ts";
import { cli, lastJson } from "./run-cli.ts";

interface DemoTable {
  table: string;
  read: number;
  landed: number;
  rejected: number;
  rawBytes: number;
  packedBytes: number;
  seconds: number;
  rejections: { place: string; reason: string }[];
}

/** The demo's files, read by other programs than ours. */
async function filesRead() {
  const folder = mkdtempSync(join(tmpdir(), "millrace-demo-files-"));
  try {
    const texts = new Map<string, string>();
    for (const each of demoFiles) {
      const bytes = readFileSync(await writeDemoFile(each, folder));
      texts.set(each.table, (each.file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString());
    }
    return texts;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("demo --json: generated files land, each record is accounted for", async () => {
  const texts = await filesRead();
  assert.deepEqual(texts, await filesRead(), "the same bytes each time");
  const trips = texts.get("Trips")!.trimEnd().split("\n");
  const whole = trips.filter((line) => line.endsWith("}")).map((line) => JSON.parse(line) as { district: string });
  const torn = 1 + trips.findIndex((line) => !line.endsWith("}"));

  const folder = mkdtempSync(join(tmpdir(), "millrace-demo-tmp-"));
  const { code, out, err } = await cli(["demo", "--json"], { env: { TMPDIR: folder } });
  const left = readdirSync(folder).filter((name) => name.startsWith("millrace-demo"));
  rmSync(folder, { recursive: true });
  assert.equal(code, 0, err);
  assert.deepEqual(left, [], "the files are removed");
  assert.equal(out.trimEnd().split("\n").length, 1);
  const { ok, tables } = lastJson(out) as { ok: boolean; tables: DemoTable[] };
  assert.equal(ok, true);
  assert.deepEqual(
    tables.map((t) => [t.table, t.read, t.landed]),
    [
      ["Trips", trips.length, whole.length],
      ...[
        ["Stations", JSON.parse(texts.get("Stations")!).features.length],
        ["Repairs", parse(texts.get("Repairs")!, { columns: true }).length],
        ["Ratings", JSON.parse(texts.get("Ratings")!).length],
      ].map(([table, records]) => [table, records, records]),
    ],
  );
  for (const t of tables) {
    assert.equal(t.read, t.landed + t.rejected, t.table);
    assert.equal(t.rejections.length, t.rejected, "each with its reason");
    assert.ok(t.packedBytes > 0 && t.packedBytes < t.rawBytes && t.seconds > 0);
  }
  assert.deepEqual([whole.length, trips.length], [99_999, 100_000]);
  assert.match(tables[0]!.rejections[0]!.place, new RegExp(`/trips\\.ndjson\\.gz:${torn}$`));
  // What a person would see goes to stderr here: counts, samples, and one summarize.
  assert.match(err, /100 000 records read, 99 999 landed, 1 rejected/);
  const byDistrict = new Map<string, number>();
  for (const { district } of whole) byDistrict.set(district, 1 + (byDistrict.get(district) ?? 0));
  assert.equal(byDistrict.size, 6);
  for (const [district, count] of byDistrict) assert.match(err, new RegExp(`^  ${district} +${count} +\\d+$`, "m"));
  assert.doesNotMatch(err, /\u001b/);
});
