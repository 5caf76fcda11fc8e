import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, test } from "node:test";
import type { FilesOptions } from "../../src/source/file-options.ts";
import { files } from "../../src/source/files.ts";
import type { RawRecord } from "../../src/source/records.ts";
import type { Position, Source } from "../../src/source/source.ts";
import { stdin } from "../../src/source/stdin.ts";
import { keptPartitions } from "./kept-partitions.ts";

// Expected figures are counted by hand: the line numbers are those that an editor shows.

const folder = mkdtempSync(join(tmpdir(), "millrace-blank-lines-"));
after(() => rmSync(folder, { recursive: true }));

let count = 0;
function write(content: string, name = "q1.csv"): string {
  const path = join(folder, `${++count}-${name}`);
  writeFileSync(path, content);
  return path;
}

async function read(source: Source<RawRecord>, positions: Record<string, Position> = {}, isContinued = false) {
  const records: RawRecord[] = [];
  for await (const slice of source.read(positions, new AbortController().signal, {
    isContinued,
    partitions: keptPartitions,
  })) {
    records.push(...slice.records);
    positions[slice.partition] = slice.position;
  }
  return records;
}

async function noticesOf(content: string, options: FilesOptions = {}, name?: string): Promise<string[]> {
  const notices: string[] = [];
  await read(files(write(content, name), { ...options, onNotice: (notice) => notices.push(notice) }));
  return notices.map((notice) => notice.slice(notice.indexOf(": ") + 2));
}

const one = (line: number) =>
  `1 blank line was left out (first at line ${line}): a row with an empty field is written "".`;
const several = (n: number, line: number) =>
  `${n} blank lines were left out (first at line ${line}): a row with an empty field is written "".`;

test("one column: blank lines between the header and the last row are told", async () => {
  assert.deepEqual(await noticesOf("a\n1\n\n3\n"), [one(3)]);
  assert.deepEqual(await noticesOf("a\r\n\r\n1\r\n\r\n\r\n3"), [several(3, 2)]);
  assert.deepEqual(await noticesOf("a\r1\r\r3\r"), [one(3)]);
  assert.deepEqual(await noticesOf("1\n\n3\n", { header: false }), [one(2)]);
  assert.deepEqual(await noticesOf("a\n1\n#\n\n3\n", { comment: "#" }), [one(4)]);
  assert.deepEqual(await noticesOf('a\n"1\n\n2"\n\n3\n'), [one(5)]);
});

test("nothing is told of blank lines before the header, behind the last row, within quotes, or with more columns", async () => {
  for (const content of ["\n\na\n1\n3\n", "a\n1\n3\n\n\n", 'a\n"1\n\n2"\n', "a,b\n1,2\n\n3,4\n", 'a\n1\n""\n3\n'])
    assert.deepEqual(await noticesOf(content), [], JSON.stringify(content));
  assert.deepEqual(await noticesOf("x\n\na\n1\n", { skipLines: 2 }), []);
  assert.deepEqual(await noticesOf('{"a":1}\n\n{"a":2}\n', {}, "a.ndjson"), []);
});

test("standard input, and a file that grows", async () => {
  const notices: string[] = [];
  const onNotice = (notice: string) => notices.push(notice);
  const piped = await read(stdin({ format: "csv", onNotice, stream: Readable.from([Buffer.from("a\n1\n\n3\n")]) }));
  assert.deepEqual(piped, [{ a: "1" }, { a: "3" }]);
  assert.equal(notices.length, 1);
  assert.match(notices[0]!, /: 1 blank line was left out \(first at line 3\)/);
  notices.length = 0;
  const path = write("a\n1\n\n");
  const positions: Record<string, Position> = {};
  assert.deepEqual(await read(files(path, { onNotice }), positions, true), [{ a: "1" }]);
  assert.equal(notices.length, 1, "a row may follow");
  appendFileSync(path, "3\n\n4\n");
  assert.deepEqual(await read(files(path, { onNotice }), positions, true), [{ a: "3" }, { a: "4" }]);
  assert.deepEqual(notices.slice(1), [`${path}: ${one(5)}`]);
});
