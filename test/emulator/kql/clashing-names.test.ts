import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Emulator, startEmulator } from "../../../src/emulator/index.ts";
import { cli } from "../../cli/run-cli.ts";
import { ask, refusal, rowsOf } from "../ask.ts";

/** What every plain JavaScript object has, `__proto__` and `hasOwnProperty` among it, and some names of the parser's runtime. */
const names = [...Object.getOwnPropertyNames(Object.prototype), "prototype", "length", "ctor", "GetType", "equals"];

let emulator: Emulator;
before(async () => {
  emulator = await startEmulator({ databases: ["demo", "hasOwnProperty", "__proto__"] });
});
after(() => emulator.close());

test("columns that are named like properties of every object are made, filled, queried and verified", async () => {
  await ask(emulator, `.create table Columns (${names.map((name) => `['${name}']:long`).join(", ")})`);
  const row = names.map((_, index) => index).join(",");
  await ask(emulator, `.ingest inline into table Columns <| ${row}`);
  assert.deepEqual(await rowsOf(emulator, "Columns"), [names.map((_, index) => index)]);
  for (const [index, name] of names.entries()) {
    const sum = `Columns | where ['${name}'] == ${index} | summarize total = sum(['${name}']) by ['${name}']`;
    const { columns, rows } = await ask(emulator, sum);
    assert.deepEqual({ columns, rows }, { columns: `${name}:long,total:long`, rows: `[[${index},${index}]]` });
    const joined = `Columns | join kind=inner (Columns | project ['${name}']) on ['${name}'] | count`;
    assert.deepEqual(await rowsOf(emulator, joined), [[1]], name);
  }
});

test("millrace verify compares a table with such columns", async () => {
  // A header of CSV cannot have __proto__: it is read as another name.
  const columns = names.filter((name) => name !== "__proto__");
  const row = columns.map((_, index) => index).join(",");
  await ask(emulator, `.create table Verified (${columns.map((name) => `['${name}']:long`).join(", ")})`);
  await ask(emulator, `.ingest inline into table Verified <| ${row}`);
  const folder = mkdtempSync(join(tmpdir(), "millrace-names-"));
  const path = join(folder, "rows.csv");
  const verify = async (content: string) => {
    writeFileSync(path, `${columns.join(",")}\n${content}\n`);
    return cli(["verify", path, "--table", "Verified", "--cluster", emulator.url, "--database", "demo"]);
  };
  try {
    const same = await verify(row);
    assert.equal(same.code, 0, same.err);
    assert.equal((await verify(row.replace(/\d+$/, "99"))).code, 1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("tables and functions may have such names too", async () => {
  for (const name of names) {
    await ask(emulator, `.create table ['${name}'] (['${name}']:string)`);
    await ask(emulator, `.ingest inline into table ['${name}'] <| a`);
    assert.deepEqual(await rowsOf(emulator, `['${name}'] | summarize count() by ['${name}']`), [["a", 1]], name);
    await ask(emulator, `.drop table ['${name}']`);
    await ask(emulator, `.create function ['${name}'] (a:long) { print a + 1 }`);
    assert.deepEqual(await rowsOf(emulator, `['${name}'](3)`), [[4]], name);
    await ask(emulator, `.drop function ['${name}']`);
  }
});

test("databases may have such names", async () => {
  for (const name of ["hasOwnProperty", "__proto__"]) {
    await ask(emulator, ".create table T (a:long)", name);
    await ask(emulator, ".ingest inline into table T <| 7", name);
    assert.deepEqual(await rowsOf(emulator, "T", name), [[7]]);
    assert.deepEqual(await rowsOf(emulator, `database('${name}').T`), [[7]]);
  }
});

test("a name that is not there is not found, whatever objects have", async () => {
  await ask(emulator, ".create table Few (a:long)");
  for (const name of names) {
    const refused = await refusal(emulator, `Few | project ['${name}']`);
    assert.equal(refused.status, 400, name);
    assert.match(refused.message, /SEM0100/, name);
  }
});
