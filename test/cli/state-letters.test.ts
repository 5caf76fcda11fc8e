import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { onEmulator } from "./on-emulator.ts";
import { cli, lastJson, startCli } from "./run-cli.ts";

// What a run with a state may not forget: rejected records, and a slow stream whose table is yet to be made.

const on = onEmulator("state-letters");
const { folder: root } = on;

async function valuesIn(table: string): Promise<number[]> {
  const { rows } = await on.admin.query(`${table} | project a | order by a asc`);
  return rows.map(([a]) => Number(a));
}

test("a record that a run with a state rejects keeps every later run from ending with 0, until it is replayed", async () => {
  await on.admin.execute(".create table Kept (a:int)");
  const file = join(root, "kept.csv");
  const state = join(root, "kept state");
  const letters = join(state, "rejected.ndjson");
  writeFileSync(file, "a\n1\nx\u2028y\n2\n");
  const ingest = (...more: string[]) =>
    cli([
      "ingest",
      file,
      "--table",
      "Kept",
      "--guarantee",
      "exactly-once",
      "--state",
      state,
      ...on.at,
      "--json",
      ...more,
    ]);

  const first = await ingest();
  assert.equal(first.code, 1);
  assert.equal(lastJson(first.out).rejected, 1);
  for (let again = 0; again < 2; again++) {
    const { code, out, err } = await ingest();
    assert.equal(code, 1, err);
    assert.deepEqual([lastJson(out).ok, lastJson(out).rejected, lastJson(out).rejectedEarlier], [false, 0, 1]);
    assert.ok(err.includes(`millrace replay-dlq '${letters}' --table Kept`), err);
  }
  assert.equal((await ingest("--max-rejected", "1")).code, 0);

  writeFileSync(letters, readFileSync(letters, "utf8").replaceAll(/x(\u2028|\\u2028)y/g, "3"));
  const replayed = await cli(["replay-dlq", letters, "--table", "Kept", ...on.at]);
  assert.equal(replayed.code, 0, replayed.err);
  const last = await ingest();
  assert.equal(last.code, 0, last.err);
  assert.deepEqual([lastJson(last.out).ok, lastJson(last.out).rejectedEarlier], [true, undefined]);
  assert.deepEqual(await valuesIn("Kept"), [1, 2, 3]);
});

test("--dead-letter keeps rejected records where it says, and must not be a file of data", async () => {
  await on.admin.execute(".create table Elsewhere (a:int)");
  const file = join(root, "elsewhere.csv");
  const data = join(root, "data.csv");
  writeFileSync(file, "a\n1\nx\n");
  writeFileSync(data, "a\n1\n");
  const state = join(root, "elsewhere state");
  const flags = ["--table", "Elsewhere", "--guarantee", "exactly-once", "--state", state, ...on.at];
  const refused = await cli(["ingest", file, ...flags, "--dead-letter", data]);
  assert.equal(refused.code, 2, refused.err);
  assert.match(refused.err, /--dead-letter .*data\.csv holds other data/);
  assert.equal(readFileSync(data, "utf8"), "a\n1\n");
  const own = join(root, "own.ndjson");
  assert.equal((await cli(["ingest", file, ...flags, "--dead-letter", own])).code, 1);
  assert.equal(readFileSync(own, "utf8").trim().split("\n").length, 1);
  assert.ok(!existsSync(join(state, "rejected.ndjson")));
});

test("slow standard input becomes durable also where its table is yet to be made", async () => {
  const state = join(root, "slow state");
  const flags = ["--table", "Slow", "--create-table", "--state", state, "--guarantee", "exactly-once", ...on.at];
  const running = startCli(["ingest", "-", "--format", "ndjson", ...flags, "--checkpoint-ms", "200"]);
  let written = 0;
  let checkpointed = 0;
  for (let turn = 0; turn < 600 && checkpointed === 0; turn++) {
    running.child.stdin.write(`{"a":${written++}}\n`);
    await pause(50);
    const { code, out } = turn % 10 === 9 ? await cli(["status", "--state", state, "--json"]) : { code: 1, out: "" };
    if (code === 0) checkpointed = Number(lastJson(out).records);
  }
  running.child.kill("SIGKILL");
  await running.done;
  assert.ok(checkpointed > 0, `${written} records were written, and none is durable`);
  const last = await cli(["ingest", "-", "--format", "ndjson", ...flags], { input: '{"a":1000000}\n' });
  assert.equal(last.code, 0, last.err);
  const values = await valuesIn("Slow");
  assert.ok(values.length > checkpointed, `${values.length} of ${checkpointed} and one more`);
  assert.deepEqual(values.slice(0, -1), [...values.slice(0, -1).keys()]);
  assert.equal(values.at(-1), 1_000_000);
});
