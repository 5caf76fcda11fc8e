import assert from "node:assert/strict";
import { existsSync, linkSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, before, test } from "node:test";
import { cli, lastJson, type RunningCli, startCli } from "./run-cli.ts";

// The real command line against an emulator of its own; a person's editor is a replacement in the file.

const folder = mkdtempSync(join(tmpdir(), "millrace-replay-"));
let emulator: RunningCli;
let at: string[];

before(async () => {
  emulator = startCli(["emulator", "--json", "--database", "iot"]);
  const { url } = JSON.parse(await emulator.firstLine);
  at = ["--cluster", url, "--database", "iot"];
});

after(async () => {
  emulator.child.kill("SIGTERM");
  await emulator.done;
  rmSync(folder, { recursive: true });
});

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function rowsOf(query: string): Promise<unknown[]> {
  const { code, out, err } = await cli(["query", query, ...at, "--json"]);
  assert.equal(code, 0, err);
  return (lastJson(out) as { rows: unknown[] }).rows;
}

/** Ingests into a table of the given columns, into which not everything fits. */
async function lettersOf(name: string, content: string, table: string, columns: string, ...more: string[]) {
  const path = file(name, content);
  const schema = file(`${table}.schema`, columns.startsWith("{") ? columns : `.create table ${table} (${columns})`);
  const letters = `${path}.letters`;
  const { code, err } = await cli([
    ...["ingest", path, "--table", table, "--schema", schema, "--create-table", "--dead-letter", letters],
    ...more,
    ...at,
  ]);
  assert.equal(code, 1, err);
  return letters;
}

const replay = (letters: string, table: string, ...more: string[]) =>
  cli(["replay-dlq", letters, "--table", table, ...more, ...at]);

function mend(path: string, ...replacements: readonly (readonly [string, string])[]): void {
  let text = readFileSync(path, "utf8");
  for (const [from, to] of replacements) {
    assert.ok(text.includes(from), `${from} in ${text}`);
    text = text.replace(from, to);
  }
  writeFileSync(path, text);
}

test("a mended CSV row lands by the file's header, whatever the order of the table's columns", async () => {
  const csv = "when;b;a $\n2024-01-01;x;1\nlong;2024-01-02;y;2\n;z;not a number\n";
  const letters = await lettersOf(
    "order.csv",
    csv,
    "Order",
    '{"columns":{"a _":{"type":"long","from":"a $"},"b":"string","when":"datetime"}}',
    "--delimiter",
    ";",
  );
  assert.deepEqual(await rowsOf("Order | project b"), [{ b: "x" }]);
  mend(letters, ['"original":"long;', '"original":"'], ['"a $":"not a number"', '"a $":"3"']);
  const { code, out, err } = await replay(letters, "Order");
  assert.equal(code, 0, err);
  assert.match(out, /^Order: 2 records of 2 delivered, 0 rejected$/m);
  assert.deepEqual(await rowsOf("Order | order by b asc | project a = ['a _'], b, w = tostring(['when'])"), [
    { a: 1, b: "x", w: "2024-01-01T00:00:00.0000000Z" },
    { a: 2, b: "y", w: "2024-01-02T00:00:00.0000000Z" },
    { a: 3, b: "z", w: "" },
  ]);
});

test("what cannot be mended is named by its line and kept, its neighbours land, and nothing lands twice", async () => {
  const ndjson = '{"n":1}\n{"n":"two"}\n{"n":\n{"n":"four"}\n{"n":"five"}\n';
  const letters = await lettersOf("four.ndjson", ndjson, "Four", "n:int");
  const other = join(folder, "four.other");
  // The first letter is left as it is, the second and the fourth are mended, the third is damaged.
  const all = readFileSync(letters, "utf8").trimEnd().split("\n");
  assert.equal(all.length, 4);
  const unreadable = all.find((line) => line.includes("four.ndjson:3"))!;
  const byNumber = (word: string) => all.find((line) => line.includes(`{"n":"${word}"}`))!;
  writeFileSync(
    letters,
    [
      unreadable,
      byNumber("two").replace('"original":{"n":"two"}', '"original":{"n":2}'),
      byNumber("four").slice(0, -5),
      byNumber("five").replace('"original":{"n":"five"}', '"original":{"n":5}'),
    ].join("\n"),
  );
  const { code, err, out } = await replay(letters, "Four", "--dead-letter", other);
  assert.equal(code, 1);
  assert.ok(err.includes(`rejected ${letters}:1, from ${join(folder, "four.ndjson")}:3: `), err);
  assert.ok(err.includes(`rejected ${letters}:3: it is no letter: `), err);
  assert.match(out, /^Four: 2 records of 4 delivered, 2 rejected$/m);
  assert.deepEqual(await rowsOf("Four | order by n asc"), [{ n: 1 }, { n: 2 }, { n: 5 }]);

  // Again: what landed is skipped, what did not is told again.
  const again = await replay(letters, "Four", "--json");
  assert.equal(again.code, 1);
  const { read, delivered, rejected, skipped } = lastJson(again.out);
  assert.deepEqual({ read, delivered, rejected, skipped }, { read: 2, delivered: 0, rejected: 2, skipped: 2 });

  // The second dead letter can be mended and replayed as well, also the line that was no letter.
  const [first, second] = readFileSync(other, "utf8").trimEnd().split("\n");
  const inner = (line: string) => JSON.parse(line).original as string;
  const mended = [
    first!.replace(JSON.stringify(inner(first!)), '"{\\"n\\":3}"'),
    JSON.stringify({
      ...JSON.parse(second!),
      original: byNumber("four").replace('"original":{"n":"four"}', '"original":{"n":4}'),
    }),
  ];
  writeFileSync(other, `${mended.join("\n")}\n`);
  const last = await replay(other, "Four");
  assert.equal(last.code, 0, last.err);
  assert.deepEqual(
    await rowsOf("Four | order by n asc"),
    [1, 2, 3, 4, 5].map((n) => ({ n })),
  );
});

test("a letter that was replayed is skipped and said so; --again sends it; a mended one is another", async () => {
  const letters = await lettersOf("twice.csv", "n\n1\nx\n", "Twice", "n:int");
  mend(letters, ['"original":{"n":"x"}', '"original":{"n":"2"}']);
  assert.equal((await replay(letters, "Twice")).code, 0);
  const second = await replay(letters, "Twice");
  assert.equal(second.code, 0, second.err);
  assert.ok(
    second.err.includes(`1 letter of ${letters} had been replayed before (${letters}.replayed) and was skipped`),
  );
  assert.match(second.out, /^Twice: 0 records of 0 delivered, 0 rejected$/m);
  assert.deepEqual(await rowsOf("Twice | count"), [{ Count: 2 }]);
  mend(letters, ['"original":{"n":"2"}', '"original":{"n":"3"}']);
  assert.equal((await replay(letters, "Twice")).code, 0);
  assert.equal((await replay(letters, "Twice", "--again")).code, 0);
  assert.deepEqual(
    await rowsOf("Twice | order by n asc"),
    [1, 2, 3, 3].map((n) => ({ n })),
  );
});

test("an empty file, a missing one, one of plain records, and letters of another table are named", async () => {
  const letters = await lettersOf("named.csv", "n\n1\nx\n", "Named", "n:int");
  const empty = await replay(file("empty.letters", ""), "Named");
  assert.equal(empty.code, 0);
  assert.ok(empty.err.includes(`${join(folder, "empty.letters")} is empty: it holds no letters`), empty.err);
  assert.equal(existsSync(join(folder, "empty.letters.replayed")), false);
  const missing = await replay(join(folder, "missing.letters"), "Named");
  assert.equal(missing.code, 1);
  assert.match(missing.err, /missing\.letters/);
  assert.equal(existsSync(join(folder, "missing.letters.replayed")), false);

  const plain = await replay(file("plain.ndjson", '{"n":2}\n{"n":3}\n'), "Named");
  assert.equal(plain.code, 1);
  assert.match(
    plain.err,
    /^millrace: .*plain\.ndjson is not a dead letter.*it has no "table"\. Files of records are for millrace ingest/,
  );

  await lettersOf("foreign.csv", "n\n1\nx\n", "Foreign", "n:int");
  const kept = join(folder, "named.kept");
  const foreign = await replay(`${join(folder, "foreign.csv")}.letters`, "Named", "--dead-letter", kept);
  assert.equal(foreign.code, 1);
  assert.match(foreign.err, /it is a letter of table Foreign: replay it with --table Foreign/);
  mend(kept, ['\\"original\\":{\\"n\\":\\"x\\"}', '\\"original\\":{\\"n\\":\\"7\\"}']);
  const home = await replay(kept, "Foreign");
  assert.equal(home.code, 0, home.err);
  assert.deepEqual(await rowsOf("Foreign | order by n asc"), [{ n: 1 }, { n: 7 }]);
  assert.deepEqual(await rowsOf("Named | count"), [{ Count: 1 }]);
  assert.ok(existsSync(letters));
});

test("a dead letter that is an input is refused, by whatever name it goes", async () => {
  const content = '{"n":1}\n{"n":"x"}\n';
  const path = file("input.ndjson", content);
  const [soft, hard] = [join(folder, "soft"), join(folder, "hard")];
  symlinkSync(path, soft);
  linkSync(path, hard);
  for (const name of [path, soft, hard, relative(process.cwd(), path), join(folder, ".", "x", "..", "input.ndjson")]) {
    const { code, err } = await cli(["ingest", path, "--table", "Any", "--create-table", "--dead-letter", name, ...at]);
    assert.equal(code, 2, `${name}: ${err}`);
    assert.match(err, /^millrace: --dead-letter .* is the same file as the input .*input\.ndjson/);
  }
  const pattern = await cli([
    ...["ingest", join(folder, "in*.ndjson"), "--table", "Any", "--create-table", "--dead-letter", hard],
    ...at,
  ]);
  assert.equal(pattern.code, 2);
  for (const name of [soft, hard]) assert.equal((await replay(path, "Named", "--dead-letter", name)).code, 2);
  assert.equal(readFileSync(path, "utf8"), content);
  const data = file("data.csv", "n\n1\n");
  const onData = await replay(`${join(folder, "foreign.csv")}.letters`, "Named", "--dead-letter", data);
  assert.equal(onData.code, 2, onData.err);
  assert.match(onData.err, /--dead-letter .*data\.csv holds other data than rejected records/);
  assert.equal(readFileSync(data, "utf8"), "n\n1\n");
});
