import assert from "node:assert/strict";
import { test } from "node:test";
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

test("demo --json: real files land, each record is accounted for", async () => {
  const { code, out, err } = await cli(["demo", "--json"]);
  assert.equal(code, 0, err);
  assert.equal(out.trimEnd().split("\n").length, 1);
  const { ok, tables } = lastJson(out) as { ok: boolean; tables: DemoTable[] };
  assert.equal(ok, true);
  assert.deepEqual(
    tables.map((t) => [t.table, t.read]),
    [
      ["Flights", 200_000],
      ["Earthquakes", 1_707],
      ["Birdstrikes", 10_000],
      ["Movies", 3_201],
    ],
  );
  for (const t of tables) {
    assert.equal(t.read, t.landed + t.rejected, t.table);
    assert.equal(t.rejections.length, t.rejected, "each with its reason");
    if (t.table !== "Movies") assert.equal(t.rejected, 0);
    assert.ok(t.packedBytes > 0 && t.packedBytes < t.rawBytes && t.seconds > 0);
  }
  // What a person would see goes to stderr here: counts, samples, and one summarize.
  assert.match(err, /200 000 records read, 200 000 landed, 0 rejected/);
  assert.match(err, /Phase of flight {2}strikes/);
  assert.match(err, /Approach +4619/);
  assert.doesNotMatch(err, /\u001b/);
});
