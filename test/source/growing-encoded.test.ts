import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, realpathSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import iconv from "iconv-lite";
import type { FilesOptions } from "../../src/source/file-options.ts";
import { files } from "../../src/source/files.ts";
import type { Position, Positions } from "../../src/source/source.ts";
import { keptPartitions } from "./kept-partitions.ts";

// A text file in another encoding than UTF-8 that grows between two runs of one state. The oracle is the text that was written;
// iconv-lite encodes it.

const root = realpathSync(mkdtempSync(join(tmpdir(), "millrace-growing-encoded-")));
after(() => rmSync(root, { recursive: true }));

let count = 0;
const newPath = (name: string) => join(root, `${++count}-${name}`);

interface State {
  positions: Positions;
  notices: string[];
  found: unknown[];
}

const newState = (): State => ({ positions: {}, notices: [], found: [] });

/** One run. Positions go through JSON, as in a state. */
async function run(state: State, pattern: string, options: FilesOptions = {}): Promise<void> {
  const positions: Record<string, Position> = JSON.parse(JSON.stringify(state.positions));
  const source = files(pattern, { ...options, onNotice: (notice) => state.notices.push(notice) });
  try {
    for await (const slice of source.read(positions, new AbortController().signal, {
      isContinued: true,
      partitions: keptPartitions,
    })) {
      for (const { place, reason } of slice.refused ?? []) state.found.push(`${place.split(":").at(-1)}: ${reason}`);
      for (const record of slice.records) state.found.push(record.a);
      Object.assign(positions, { [slice.partition]: slice.position, ...slice.moved });
    }
  } finally {
    state.positions = JSON.parse(JSON.stringify(positions));
  }
}

const unicode = ["x", "zy", "é中", "💧a💧", "w"];
const japanese = ["x", "日本語", "ｶﾅ", "zy"];
const western = ["x", "zy", "éß", "w"];

const kinds: [name: string, encoding: string, values: readonly string[], options: FilesOptions, addBOM?: boolean][] = [
  ["utf-8 with a mark", "utf-8", unicode, {}, true],
  ["utf-16le with a mark", "utf-16le", unicode, {}, true],
  ["utf-16be with a mark", "utf-16be", unicode, {}, true],
  ["utf-32le with a mark", "utf-32le", unicode, {}, true],
  ["utf-32be with a mark", "utf-32be", unicode, {}, true],
  ["utf-16le", "utf-16le", unicode, { encoding: "utf-16le" }],
  ["utf-16be", "utf-16be", unicode, { encoding: "utf-16be" }],
  ["utf-32le", "utf-32le", unicode, { encoding: "utf-32le" }],
  ["shift_jis", "shift_jis", japanese, { encoding: "shift_jis" }],
  ["gb18030", "gb18030", ["x", "中文", "zy"], { encoding: "gb18030" }],
  ["latin1", "latin1", western, { encoding: "latin1" }],
  ["windows-1252", "windows-1252", [...western, "€"], { encoding: "windows-1252" }],
];

for (const [name, encoding, values, options, addBOM = false] of kinds)
  for (const format of ["csv", "ndjson"] as const)
    test(`${name}, ${format}: caught at every byte, each line arrives once`, async () => {
      for (const lineEnd of ["\n", "\r\n"]) {
        const lines = format === "csv" ? ["a", ...values] : values.map((a) => JSON.stringify({ a }));
        const bytes = iconv.encode(lines.map((line) => line + lineEnd).join(""), encoding, { addBOM });
        for (let cut = 0; cut <= bytes.length; cut++) {
          const path = newPath(`a.${format}`);
          const state = newState();
          writeFileSync(path, bytes.subarray(0, cut));
          await run(state, path, options);
          const first = [...state.found];
          assert.deepEqual(first, values.slice(0, first.length), `byte ${cut}, first run`);
          appendFileSync(path, bytes.subarray(cut));
          await run(state, path, options);
          assert.deepEqual(state.found, values, `byte ${cut}`);
          await run(state, path, options);
          assert.deepEqual(state.found, values, `byte ${cut}, nothing more`);
          unlinkSync(path);
        }
      }
    });

test("an unfinished last line is named; with final it is read, or refused by its place if it ends within a character", async () => {
  const path = newPath("a.csv");
  const bytes = iconv.encode("a\nx\nzy\n", "utf-16le", { addBOM: true });
  const within = bytes.length - 5;
  writeFileSync(path, bytes.subarray(0, within));
  const state = newState();
  await run(state, path);
  assert.deepEqual(state.found, ["x"]);
  assert.match(state.notices.at(-1)!, /a\.csv:3: the last line has no end yet; it is left for the next run/);
  await run(state, path, { final: true });
  assert.deepEqual(state.found, ["x", "3: it is not valid utf-16le"]);
  await run(state, path);
  assert.deepEqual(state.found, ["x", "3: it is not valid utf-16le"], "it was refused, and is not looked for again");
});

test("a last line that was read with final and then goes on is no line of its own", async () => {
  for (const [name, pack] of [
    ["a.csv", (bytes: Buffer) => bytes],
    ["a.csv.gz", (bytes: Buffer) => gzipSync(bytes)],
  ] as const) {
    const path = newPath(name);
    const text = (part: string) => pack(iconv.encode(part, "utf-16le", { addBOM: part.startsWith("a") }));
    writeFileSync(path, text("a\nx\nz"));
    const state = newState();
    await run(state, path, { final: true });
    assert.deepEqual(state.found, ["x", "z"]);
    appendFileSync(path, text("\n"));
    await run(state, path);
    appendFileSync(path, text("w"));
    await run(state, path, { final: true });
    assert.deepEqual(state.found, ["x", "z", "w"], name);
    appendFileSync(path, text("v\n"));
    await assert.rejects(run(state, path), {
      code: "SOURCE_CHANGED",
      message: /the line before byte \d+ \(line 4\) goes on behind it/,
    });
    assert.deepEqual(state.found, ["x", "z", "w"], name);
  }
});

test("a file that is decoded otherwise than before is refused, for its positions count other bytes", async () => {
  const path = newPath("a.csv");
  writeFileSync(path, iconv.encode("a\né\nx\n", "latin1"));
  const state = newState();
  await run(state, path, { encoding: "latin1" });
  appendFileSync(path, iconv.encode("y\n", "latin1"));
  await assert.rejects(run(state, path), {
    code: "SOURCE_CHANGED",
    message: /read in another encoding, and now as utf-8/,
  });
  await run(state, path, { encoding: "latin1" });
  assert.deepEqual(state.found, ["é", "x", "y"]);
  const plain = newPath("b.csv");
  writeFileSync(plain, "a\nx\n");
  const other = newState();
  await run(other, plain);
  await assert.rejects(run(other, plain, { encoding: "latin1" }), { code: "SOURCE_CHANGED", message: /now as latin1/ });
});

test("a log in another encoding that is rotated and packed is read on", async () => {
  const path = newPath("app.csv");
  const values = Array.from({ length: 300 }, (_, i) => `é${i}`);
  const bytes = iconv.encode(`a\n${values.join("\n")}\n`, "utf-16le", { addBOM: true });
  const state = newState();
  writeFileSync(path, bytes.subarray(0, 1_001));
  await run(state, `${path}*`);
  writeFileSync(`${path}.gz`, gzipSync(bytes));
  unlinkSync(path);
  await run(state, `${path}*`);
  assert.deepEqual(state.found, values);
});
