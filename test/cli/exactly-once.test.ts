import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { onEmulator } from "./on-emulator.ts";
import { cli, lastJson, startCli } from "./run-cli.ts";

const on = onEmulator("cli");
const { folder } = on;

async function idsIn(table: string): Promise<number[]> {
  const { rows } = await on.admin.query(`${table} | project id | sort by id asc`);
  return rows.map(([id]) => Number(id));
}

test("a run that is killed goes on from its state: nothing lost, nothing twice", async () => {
  const perFile = 4_000;
  const names = Array.from({ length: 12 }, (_, i) => join(folder, `part-${i}.ndjson`));
  for (const [i, name] of names.entries()) {
    const lines = Array.from({ length: perFile }, (_, j) => JSON.stringify({ id: i * perFile + j, text: `é "${j}"` }));
    await writeFile(name, `${lines.join("\n")}\n`);
  }
  const state = join(folder, "state");
  const table = "Killed";
  await on.admin.execute(`.create table ${table} (id:long, text:string)`);
  const args = [
    ...["ingest", join(folder, "part-*.ndjson"), "--table", table, ...on.at],
    ...["--guarantee", "exactly-once", "--state", state, "--checkpoint-ms", "20", "--batch-size", "2000", "--json"],
  ];
  let kills = 0;
  for (const afterMs of [900, 1_300, 1_700]) {
    const { child, done } = startCli(args);
    const killer = setTimeout(() => child.kill("SIGKILL"), afterMs);
    const { code } = await done;
    clearTimeout(killer);
    if (code === 0) break;
    assert.equal(child.signalCode, "SIGKILL");
    kills++;
    const status = await cli(["status", "--state", state, "--json"]);
    if (status.code === 0) assert.equal(lastJson(status.out).table, table);
  }
  assert.ok(kills > 0, "no run was killed in its midst");

  const { code, out, err } = await cli(args);
  assert.equal(code, 0, err);
  assert.ok(Number(lastJson(out).resumedFrom) >= 0);
  assert.deepEqual(
    await idsIn(table),
    Array.from({ length: names.length * perFile }, (_, id) => id),
  );

  const status = lastJson((await cli(["status", "--state", state, "--json"])).out);
  assert.deepEqual(status.pending, []);
  assert.equal(status.records, names.length * perFile);
  assert.equal((await cli(["log", "inspect", "--state", state])).out, "the log is empty: everything is committed\n");

  const verified = await cli(["verify", join(folder, "part-*.ndjson"), "--table", table, "--state", state, ...on.at]);
  assert.equal(verified.code, 0, verified.out);
  assert.match(verified.out, /the same on both sides, 48,?\s?000 rows/);

  // A run more finds nothing to do.
  const again = await cli(args);
  assert.equal(lastJson(again.out).read, 0);
  assert.equal((await idsIn(table)).length, names.length * perFile);

  // And what differs is found.
  await on.admin.execute(`.ingest inline into table ${table} <| 1,more`);
  const differing = await cli(["verify", join(folder, "part-*.ndjson"), "--table", table, ...on.at]);
  assert.equal(differing.code, 1);
  assert.match(differing.out, /rows: 48000 in the files, 48001 in the table/);
});

for (const mode of ["move", "append", "tag"])
  test(`by ${mode}: rows that the service refuses go to the dead letter while the rest is committed, and can be replayed`, async () => {
    const table = `Poisoned_${mode}`;
    await on.admin.execute(`.create table ${table} (id:long, text:string)`);
    const source = join(folder, `poisoned-${mode}.ndjson`);
    const letters = join(folder, `letters-${mode}.ndjson`);
    const state = join(folder, `state-2-${mode}`);
    const lines = Array.from({ length: 300 }, (_, id) =>
      JSON.stringify({ id, text: id === 77 ? 'POISON, "77"' : "fine" }),
    );
    await writeFile(source, `${lines.join("\n")}\n`);
    on.emulator.faults.refuseRows({ containing: "POISON" });
    const ingest = await cli([
      ...["ingest", source, "--table", table, ...on.at, "--guarantee", "exactly-once", "--commit-mode", mode],
      ...["--state", state, "--dead-letter", letters, "--max-rejected", "1", "--json"],
    ]);
    on.emulator.faults.clear();
    assert.equal(ingest.code, 0, ingest.err);
    const { read, delivered, rejected } = lastJson(ingest.out);
    assert.deepEqual({ read, delivered, rejected }, { read: 300, delivered: 299, rejected: 1 });
    assert.equal((await idsIn(table)).length, 299);
    const [letter] = (await readFile(letters, "utf8")).trimEnd().split("\n");
    assert.deepEqual(
      { original: JSON.parse(letter!).original, place: /row 77$/.test(JSON.parse(letter!).place) },
      { original: '77,"POISON, ""77"""\n', place: true },
    );

    const replayed = await cli(["replay-dlq", letters, "--table", table, ...on.at, "--json"]);
    assert.equal(replayed.code, 0, replayed.err);
    assert.deepEqual(lastJson(replayed.out), { ok: true, table, read: 1, delivered: 1, rejected: 0 });
    const { rows } = await on.admin.query(`${table} | where id == 77 | project text`);
    assert.deepEqual(rows, [['POISON, "77"']]);
  });

test("a state that another process has open, and one of another table, are named", async () => {
  const state = join(folder, "state-3");
  await on.admin.execute(".create table Held (id:long, text:string)");
  await on.admin.execute(".create table Other (id:long, text:string)");
  const source = join(folder, "held.ndjson");
  await writeFile(source, '{"id":1,"text":"a"}\n');
  const args = ["--guarantee", "exactly-once", "--state", state, "--json", ...on.at];
  // It waits for a service that does not answer.
  on.emulator.faults.answer("blob", 503, { requests: 10_000 });
  const { child, done } = startCli(["ingest", source, "--table", "Held", ...args]);
  for (;;) {
    const status = await cli(["status", "--state", state, "--json"]);
    if (status.code === 0 && lastJson(status.out).openBy === child.pid) break;
    await pause(50);
  }
  const second = await cli(["ingest", source, "--table", "Held", ...args]);
  assert.equal(second.code, 1);
  assert.equal((lastJson(second.out).error as { code: string }).code, "STATE_IN_USE");
  child.kill("SIGKILL");
  await Promise.all([done, child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined]);
  on.emulator.faults.clear();

  const foreign = await cli(["ingest", source, "--table", "Other", ...args]);
  assert.equal((lastJson(foreign.out).error as { code: string }).code, "STATE_FOREIGN", foreign.err);
  assert.equal((await cli(["ingest", source, "--table", "Held", ...args])).code, 0);
  assert.deepEqual(await idsIn("Held"), [1]);
});

test("what makes no sense is said before anything is started", async () => {
  const none = await cli(["ingest", "x.ndjson", "--table", "T", "--guarantee", "exactly-once", ...on.at]);
  assert.equal(none.code, 2);
  assert.match(none.err, /needs --state/);
  const nothing = await cli(["status", "--state", join(folder, "nothing")]);
  assert.equal(nothing.code, 1);
  assert.match(nothing.err, /holds no state/);
});
