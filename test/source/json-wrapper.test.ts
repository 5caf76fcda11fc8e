import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, test } from "node:test";
import type { FilesOptions } from "../../src/source/file-options.ts";
import { type FilesSource, files } from "../../src/source/files.ts";
import { stdin } from "../../src/source/stdin.ts";

const folder = mkdtempSync(join(tmpdir(), "millrace-wrapper-"));
after(() => rmSync(folder, { recursive: true }));

let count = 0;
function write(name: string, content: string): string {
  const path = join(folder, `${++count}-${name}`);
  writeFileSync(path, content);
  return path;
}

async function recordsOf(source: FilesSource): Promise<unknown[]> {
  const records: unknown[] = [];
  for await (const slice of source.read({}, new AbortController().signal)) {
    assert.deepEqual(slice.refused ?? [], []);
    records.push(...slice.records);
  }
  return records;
}

async function look(path: string, options: FilesOptions = {}) {
  const notices: string[] = [];
  const source = files(path, { ...options, onNotice: (notice) => notices.push(notice.replaceAll(path, "FILE")) });
  const [planned] = (await source.plan()).files;
  const { format, leftOut } = planned!;
  return { format, leftOut, notices, records: await recordsOf(source) };
}

const family = { id: 1, children: [{ id: 2 }, { id: 3 }] };
const line = JSON.stringify(family);

test("one object on one line is a record, where the name does not say JSON", async () => {
  for (const name of ["one.log", "one.txt", "one", "one.ndjson", "one.jsonl"])
    for (const text of [line, `${line}\n`, `\r\n${line}\r\n \n`, `\ufeff${line}\n`]) {
      const { format, records, notices } = await look(write(name, text));
      assert.deepEqual([format, records, notices], ["ndjson", [family], []], name + JSON.stringify(text));
    }
});

test("so is a line that is longer than the first bytes of the file", async () => {
  const long = { id: "x".repeat(300_000), children: [{ id: 2 }] };
  for (const end of ["", "\n", "\n \n"]) {
    const { records, notices } = await look(write("long.log", JSON.stringify(long) + end));
    assert.deepEqual([records, notices], [[long], []]);
  }
  const two = `${JSON.stringify(long)}\n${line}\n`;
  assert.deepEqual((await look(write("two.log", two))).records, [long, family]);
});

test("and on standard input, in whatever pieces", async () => {
  for (const size of [1, 7, 1_000]) {
    const bytes = Buffer.from(`${line}\n`);
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    );
    assert.deepEqual(await recordsOf(stdin({ stream: Readable.from(pieces) })), [family]);
  }
});

test("a document over several lines, or one that is said to be JSON, may hold its records in a member", async () => {
  const notice =
    'FILE: the records are the elements of "children"; "id" beside it is left out. path "$" reads the object itself.';
  const cases: [name: string, text: string, options?: FilesOptions][] = [
    ["one.json", `${line}\n`],
    ["one.geojson", line],
    ["one.JSON.gz", line],
    ["pretty.log", JSON.stringify(family, null, 1)],
    ["one.log", line, { format: "json" }],
  ];
  for (const [name, text, options] of cases) {
    const found = await look(write(name, text), options);
    assert.deepEqual(
      [found.records, found.leftOut, new Set(found.notices)],
      [family.children, ["id"], new Set([notice])],
      name,
    );
  }
  const asked = await look(write("one.json", line), { path: "$" });
  assert.deepEqual([asked.records, asked.leftOut, asked.notices], [[family], undefined, []]);
  const named = await look(write("one.json", line), { path: "children" });
  assert.deepEqual([named.records, named.leftOut, named.notices], [family.children, undefined, []]);
});

test("the notice names the members beside the array, and counts what is more than ten", async () => {
  const alone = await look(write("a.json", '{"items":[{"a":1}]}'));
  assert.deepEqual(alone.notices, ['FILE: the records are the elements of "items". path "$" reads the object itself.']);
  const members = (n: number) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`m${i}`, i]));
  for (const n of [2, 10, 12, 150]) {
    const { notices, leftOut } = await look(write("a.json", JSON.stringify({ ...members(n), items: [{ a: 1 }] })));
    const named = [...notices[0]!.matchAll(/"m\d+"/g)].length;
    const more = Number(/, and (\d+) more beside it are/.exec(notices[0]!)?.[1] ?? 0);
    assert.deepEqual([named, named + more], [Math.min(n, 10), n]);
    assert.equal(leftOut?.length, Math.min(n, 100));
  }
});

test("GeoJSON: the features without a word, and a notice for what else is beside them", async () => {
  const path = new URL("../../node_modules/vega-datasets/data/earthquakes.json", import.meta.url).pathname;
  const { features, ...others } = JSON.parse(readFileSync(path, "utf8"));
  const { records, notices, leftOut } = await look(path);
  assert.deepEqual(records, features);
  const beside = Object.keys(others).filter((name) => name !== "type");
  assert.deepEqual(
    leftOut,
    beside.filter((name) => !["bbox", "crs", "name"].includes(name)),
  );
  for (const name of beside) assert.ok(notices[0]!.includes(JSON.stringify(name)), name);

  const document = { type: "FeatureCollection", features: [{ type: "Feature" }] };
  const plain = await look(write("a.geojson", JSON.stringify(document)));
  assert.deepEqual([plain.records, plain.notices, plain.leftOut], [document.features, [], undefined]);
  const boxed = await look(write("a.geojson", JSON.stringify({ ...document, bbox: [1, 2, 3, 4], name: "x" })));
  assert.match(boxed.notices[0]!, /"bbox", "name" beside it are left out/);
  assert.equal(boxed.leftOut, undefined);
  // Another type of document has members of its own.
  const other = await look(write("a.json", JSON.stringify({ ...document, type: "Topology" })));
  assert.match(other.notices[0]!, /"type" beside it is left out/);
  assert.deepEqual(other.leftOut, ["type"]);
});
