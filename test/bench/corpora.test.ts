import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { type Corpus, corpus, corpusNames } from "../../bench/corpora/corpora.ts";

const seededNames = ["telemetry", "logs", "strings", "numbers", "dynamic", "wide"];
const mostRecords = 100;

function digest({ records }: Corpus): string {
  return createHash("sha256").update(JSON.stringify(records)).digest("hex").slice(0, 16);
}

test("a seeded corpus is the same for the same seed, and another for another", async () => {
  for (const name of seededNames) {
    const [once, again, other] = [
      await corpus(name, { seed: 1, mostRecords }),
      await corpus(name, { seed: 1, mostRecords }),
      await corpus(name, { seed: 2, mostRecords }),
    ];
    assert.equal(once.records.length, mostRecords, `${name}: the sink refuses a record of its own corpus`);
    assert.deepEqual(once.records, again.records);
    assert.notEqual(digest(once), digest(other), name);
  }
});

test("the corpora of published figures have not changed", async () => {
  const digests: Record<string, string> = {};
  for (const name of seededNames) digests[name] = digest(await corpus(name, { mostRecords }));
  assert.deepEqual(digests, {
    telemetry: "c25cec6b02b1e256",
    logs: "e1f39c7f009f2813",
    strings: "5736fa7c779fafe6",
    numbers: "625829ef1cd7cd60",
    dynamic: "31555d9fa81902df",
    wide: "3333cea16f738634",
  });
});

test("the real files come through inference and conversion whole", async () => {
  const counts: Record<string, number> = {};
  for (const name of corpusNames.filter((n) => !seededNames.includes(n)))
    counts[name] = (await corpus(name)).records.length;
  assert.deepEqual(counts, { flights: 200_000, earthquakes: 1_707, movies: 3_201, birdstrikes: 10_000 });
});

test("a stranger's name is refused, naming those that there are", async () => {
  await assert.rejects(corpus("telemetri"), /No corpus telemetri; there are telemetry, logs/);
});
