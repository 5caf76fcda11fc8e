import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileDeadLetter, type Letter, memoryDeadLetter } from "../../src/deliver/dead-letter.ts";
import { ExactNumber } from "../../src/schema/exact-number.ts";

const folder = mkdtempSync(join(tmpdir(), "millrace-letters-"));
after(() => rmSync(folder, { recursive: true }));

function letterOf(record: number, original: unknown = { a: record }): Letter {
  return { table: "T", place: `f.ndjson:${record + 1}`, record, reason: "a is no long", original };
}

function linesOf(path: string): Record<string, unknown>[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

test("letters are lines of JSON, in order, appended to what was there", async () => {
  const path = join(folder, "in-order.ndjson");
  for (const from of [0, 1000]) {
    const letters = fileDeadLetter(path);
    for (let i = 0; i < 1000; i++) await letters.write(letterOf(from + i));
    await letters.close();
  }
  const lines = linesOf(path);
  assert.deepEqual(
    lines.map(({ record }) => record),
    Array.from({ length: 2000 }, (_, i) => i),
  );
  const { time, ...rest } = lines[16]!;
  assert.deepEqual(rest, { table: "T", place: "f.ndjson:17", record: 16, reason: "a is no long", original: { a: 16 } });
  assert.ok(Math.abs(Date.parse(String(time)) - Date.now()) < 60_000);
});

test("the file is its owner's only", { skip: process.platform === "win32" }, async () => {
  const path = join(folder, "private.ndjson");
  const letters = fileDeadLetter(path);
  await letters.write(letterOf(0));
  await letters.close();
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test("whatever was refused can be kept: bigint, cycles, undefined, functions, line ends", async () => {
  const path = join(folder, "odd.ndjson");
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  const letters = fileDeadLetter(path);
  for (const [i, original] of [{ n: 2n ** 63n }, cycle, undefined, () => 1, "a\nb\u2028", Number.NaN].entries())
    await letters.write({ ...letterOf(i), original });
  await letters.close();
  const originals = linesOf(path).map(({ original }) => original);
  assert.deepEqual(originals[0], { n: "9223372036854775808" });
  assert.match(String(originals[1]), /not JSON/);
  assert.equal(originals[2], "undefined");
  assert.equal(originals[4], "a\nb\u2028");
  assert.equal(originals.length, 6);
});

test("a letter that was waited for is in the file, and those that come together go there in order", async () => {
  const path = join(folder, "kept.ndjson");
  const letters = fileDeadLetter(path);
  const writes = Array.from({ length: 100 }, (_, i) => letters.write(letterOf(i)));
  await writes[0];
  assert.equal(linesOf(path)[0]!.record, 0);
  await letters.write(letterOf(100));
  assert.deepEqual(
    linesOf(path).map(({ record }) => record),
    Array.from({ length: 101 }, (_, i) => i),
  );
  await letters.close();
});

test("an enormous original is cut", async () => {
  const path = join(folder, "large.ndjson");
  const letters = fileDeadLetter(path);
  await letters.write(letterOf(1, "x".repeat(2 ** 20)));
  await letters.write(letterOf(2, "y".repeat(2 ** 23)));
  await letters.close();
  const lines = linesOf(path);
  assert.equal(String(lines[0]!.original).length, 2 ** 20);
  assert.match(String(lines[1]!.original), /cut, 8388610 characters/);
});

test("a file that cannot be written is named, and stays an error", async () => {
  const path = join(folder, "no", "such", "folder.ndjson");
  const letters = fileDeadLetter(path);
  letters.write(letterOf(0));
  await assert.rejects(async () => letters.write(letterOf(1)), { code: "DEAD_LETTER_FAILED" });
  await assert.rejects(letters.close(), { code: "DEAD_LETTER_FAILED", message: /no.such.folder\.ndjson/ });
  assert.throws(() => letters.write(letterOf(1)), { code: "DEAD_LETTER_FAILED" });
});

test("no letters, no file", async () => {
  const path = join(folder, "none.ndjson");
  await fileDeadLetter(path).close();
  assert.throws(() => statSync(path), { code: "ENOENT" });
});

test("after close nothing is taken", async () => {
  const letters = fileDeadLetter(join(folder, "closed.ndjson"));
  await letters.close();
  assert.throws(() => letters.write(letterOf(0)), { code: "CLOSED" });
});

test("the one in memory keeps the first ones and counts the rest", async () => {
  const letters = memoryDeadLetter(2);
  for (let i = 0; i < 5; i++) letters.write(letterOf(i));
  assert.deepEqual(
    letters.letters.map(({ record }) => record),
    [0, 1],
  );
  assert.equal(letters.overflow, 3);
});

test("a letter keeps the digits of its numbers", async () => {
  const path = join(folder, "digits.ndjson");
  const letters = fileDeadLetter(path);
  await letters.write(
    letterOf(0, { a: [new ExactNumber("12345678901234567.89")], b: new ExactNumber("1e400"), c: 1n }),
  );
  await letters.close();
  assert.match(readFileSync(path, "utf8"), /"original":\{"a":\[12345678901234567.89\],"b":1e400,"c":"1"\}\}\n$/);
});
