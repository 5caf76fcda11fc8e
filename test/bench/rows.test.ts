import assert from "node:assert/strict";
import { test } from "node:test";
import type { Case, Group } from "../../bench/case.ts";
import { measure, median } from "../../bench/measure.ts";
import { type Row, rowsOf } from "../../bench/row.ts";
import { type Soak, soakRows } from "../../bench/soak-result.ts";
import { groupTable, targetMarkdown } from "../../bench/tables.ts";
import { targetsOf } from "../../bench/targets.ts";

const row: Row = {
  suite: "records",
  case: "millrace CSV",
  corpus: "telemetry",
  runtime: "node 24.0.0",
  unit: "ns/record",
  value: 100,
  rival: null,
  rivalValue: null,
  ratio: null,
  bytesIn: 1_000,
  bytesOut: 300,
  spread: 1,
};

/** Cases whose time is told, not taken. */
function group(unit: Group["unit"], durations: Readonly<Record<string, number>>): Group {
  const cases = Object.entries(durations).map(
    ([name, milliseconds]): Case => ({
      name,
      ...(name !== "ours" && { against: ["ours"] }),
      run: () => ({ bytesIn: 4_000_000, out: [new Uint8Array(name === "ours" ? 1_000_000 : 2_000_000)] }),
      duration: () => milliseconds,
      ...(name === "ours" && { figures: () => [{ name: "delay", unit: "ms" as const, value: 3 }] }),
    }),
  );
  return { suite: "records", corpus: "telemetry", unit, count: 1_000, cases };
}

test("a case's value is in the unit of its group, and a ratio above 1 is ours being better", async () => {
  for (const [unit, value, rivalValue] of [
    ["ns/record", 2_000, 5_000],
    ["records/s", 500_000, 200_000],
    ["MB/s", 2_000, 800],
  ] as const) {
    const given = group(unit, { ours: 2, theirs: 5 });
    const rows = rowsOf(given, await measure(given, 0.01));
    const pair = rows.find((r) => r.rival === "theirs")!;
    assert.deepEqual([pair.value, pair.rivalValue, pair.ratio], [value, rivalValue, 2.5], unit);
    assert.deepEqual([pair.bytesIn, pair.bytesOut], [4_000_000, 1_000_000]);
    assert.equal(rows.find((r) => r.case === "theirs")!.bytesOut, 2_000_000);
    assert.equal(rows.find((r) => r.case === "ours: delay")!.value, 3);
  }
});

test("a loser stays in the table and is called slower", async () => {
  const given = group("ns/record", { ours: 4, theirs: 2 });
  const table = groupTable(given, await measure(given, 0.01));
  assert.match(table, /theirs .*0\.50x \(slower\)/);
});

test("cases take turns, round after round", async () => {
  const turns: string[] = [];
  const cases = ["a", "b"].map(
    (name): Case => ({
      name,
      run() {
        if (turns.at(-1) !== name) turns.push(name);
        return { bytesIn: 1, out: 1 };
      },
      duration: () => 1,
    }),
  );
  await measure({ suite: "s", corpus: "c", unit: "ms", count: 1, cases }, 0.25);
  assert.ok(turns.length >= 9, turns.join(""));
});

test("the median of an even number of values lies between the two in the middle", () => {
  assert.equal(median([9, 1, 4, 2]), 3);
  assert.equal(median([5, 1, 4]), 4);
});

test("a target is met, missed or not measured, on the corpus where it goes worst", () => {
  const pair = (corpus: string, ratio: number): Row => ({
    ...row,
    suite: "gzip",
    case: "millrace level 1",
    corpus,
    rival: "node:zlib level 1",
    ratio,
  });
  const own = (corpus: string, bytesOut: number): Row => ({
    ...row,
    suite: "gzip",
    case: "node:zlib level 1",
    corpus,
    bytesOut,
  });
  const rows = [pair("a", 3), pair("b", 1.9), own("a", 310), own("b", 290)];
  const found = targetsOf(rows).filter((target) => target.found);
  assert.deepEqual(
    found.map(({ asks, found: f }) => [asks, f!.text, f!.isMet]),
    [
      [">= 2x", "1.90x (b)", false],
      ["no larger", "+3.4 % (b)", false],
    ],
  );
  assert.deepEqual(
    found.map(({ what }) => what.includes("millrace level 1")),
    [true, true],
  );
  const smaller = [
    { ...pair("a", 1.5), case: "millrace level 2", rival: "node:zlib level 6" },
    { ...own("a", 310), case: "node:zlib level 6" },
  ];
  assert.deepEqual(
    targetsOf(smaller)
      .filter((target) => target.found)
      .map(({ what, rival, found: f }) => [what.includes("millrace level 2"), rival, f!.isMet]),
    [
      [true, "node:zlib level 6", false],
      [true, "node:zlib level 6", true],
    ],
  );
  const markdown = targetMarkdown([
    { runtime: "node 24", targets: targetsOf(rows) },
    { runtime: "node 20", targets: targetsOf(rows.map((one) => ({ ...one, ratio: one.ratio && one.ratio + 1 }))) },
  ]);
  assert.match(markdown, /\| beside \| asked \| node 24 \| node 20 \|/);
  assert.match(markdown, /\| >= 2x \| \*\*1\.90x \(b\)\*\* \| 2\.90x \(b\) \|/);
  assert.match(markdown, /not measured/);
});

test("memory that grows from quarter to quarter misses its target, memory that swings does not", () => {
  const soak = (resident: (i: number) => number): Soak => ({
    runtime: "node 24.0.0",
    parallelism: 1,
    batchMegabytes: 300,
    records: 1,
    rawBytes: 1e10,
    packedBytes: 3e9,
    batches: 33,
    delayP99Ms: 1,
    idleBytes: 100e6,
    samples: Array.from({ length: 400 }, (_, i) => ({ seconds: i, rawBytes: i, residentBytes: resident(i) })),
  });
  const verdict = (s: Soak) => targetsOf(soakRows(s)).find((target) => target.what.startsWith("soak"))!.found!.isMet;
  assert.equal(verdict(soak((i) => 150e6 + 60e6 * Math.sin(i))), true);
  assert.equal(verdict(soak((i) => 120e6 + 4e5 * i)), false, "grows by 80 MB between the quarters");
  assert.equal(verdict(soak((i) => (i === 7 ? 310e6 : 150e6))), false, "210 MB over idle, once");
});
