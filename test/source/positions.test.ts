import assert from "node:assert/strict";
import {
  appendFileSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import type { FilesOptions } from "../../src/source/file-options.ts";
import { files } from "../../src/source/files.ts";
import type { Position, Positions } from "../../src/source/source.ts";
import { keptPartitions } from "./kept-partitions.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "millrace-positions-")));
after(() => rmSync(root, { recursive: true }));

let count = 0;
/** A folder of its own for each test. */
function folder(): string {
  const path = join(root, String(++count));
  mkdirSync(path);
  return path;
}

/** What a state does with a source: positions go through JSON, and each run begins at those of the one before. */
interface State {
  positions: Positions;
  notices: string[];
}

const newState = (positions: Positions = {}): State => ({ positions, notices: [] });

/** The ids of the records that one run reads. A run that fails keeps the positions of the slices before, like `run()`. */
async function ids(state: State, patterns: string | string[], options: FilesOptions = {}): Promise<unknown[]> {
  const positions: Record<string, Position> = JSON.parse(JSON.stringify(state.positions));
  const source = files(patterns, { ...options, onNotice: (notice) => state.notices.push(notice) });
  const found: unknown[] = [];
  try {
    for await (const slice of source.read(positions, new AbortController().signal, {
      isContinued: true,
      partitions: keptPartitions,
    })) {
      for (const refusal of slice.refused ?? []) found.push(`refused ${refusal.place.split(":").at(-1)}`);
      for (const record of slice.records) found.push(Number(record.id));
      Object.assign(positions, { [slice.partition]: slice.position, ...slice.moved });
    }
  } finally {
    state.positions = JSON.parse(JSON.stringify(positions));
  }
  return found;
}

const lines = (from: number, to: number, pad = 0): string =>
  range(from, to)
    .map((id) => `${JSON.stringify({ id, text: "x".repeat(pad) })}\n`)
    .join("");
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

const changed = (message: RegExp) => ({ code: "SOURCE_CHANGED", message });

/** Small enough to lie within the digest of the head; larger than it; and of several slices. */
const sizes: [name: string, rows: number, pad: number][] = [
  ["2 kB", 60, 10],
  ["40 kB", 400, 80],
  ["2 MB", 2_000, 1_000],
];

for (const [size, rows, pad] of sizes) {
  test(`${size}: appended to, touched, and as it was: read on`, async () => {
    const path = join(folder(), "a.ndjson");
    writeFileSync(path, lines(0, rows, pad));
    const state = newState();
    assert.deepEqual(await ids(state, path), range(0, rows));
    assert.deepEqual(await ids(state, path), []);
    utimesSync(path, 1, 1);
    assert.deepEqual(await ids(state, path), []);
    appendFileSync(path, lines(rows, rows + 3, pad));
    assert.deepEqual(await ids(state, path), range(rows, rows + 3));
    assert.ok(JSON.stringify(state.positions).length < 400, JSON.stringify(state.positions));
  });

  const replacements: [how: string, replace: (path: string, text: string) => void][] = [
    ["by one of the same size", (path, text) => writeFileSync(path, text.replaceAll("x", "y").replaceAll("id", "ID"))],
    ["by a longer one", (path) => writeFileSync(path, lines(10_000, 10_000 + rows * 2, pad))],
    ["by a shorter one", (path) => writeFileSync(path, lines(10_000, 10_000 + rows / 2, pad))],
    [
      "by one with another inode",
      (path) => {
        writeFileSync(`${path}.new`, lines(10_000, 10_000 + rows * 2, pad));
        renameSync(`${path}.new`, path);
      },
    ],
    ["by nothing: truncated to 0 bytes", (path) => truncateSync(path, 0)],
    ["by its own first half", (path, text) => truncateSync(path, text.length / 2)],
    ["by itself with an edited head", (path, text) => writeFileSync(path, text.replace('"id":1,', '"id":7,'))],
    [
      "by itself with an edited middle",
      (path, text) => writeFileSync(path, text.replace(`"id":${rows / 2},`, `"id":${rows / 2 + 1},`)),
    ],
    [
      "by itself with a line less in the middle, and more at its end",
      (path, text) =>
        writeFileSync(path, text.replace(lines(rows / 2, rows / 2 + 1, pad), "") + lines(rows, rows + 5, pad)),
    ],
  ];
  for (const [how, replace] of replacements)
    test(`${size}: replaced ${how}: an error that names it, read again, or skipped`, async () => {
      const path = join(folder(), "a.ndjson");
      const text = lines(0, rows, pad);
      writeFileSync(path, text);
      const state = newState();
      await ids(state, path);
      replace(path, text);
      await assert.rejects(
        ids(state, path),
        changed(/a\.ndjson is not the file that was read before: .*read-again.*skip/),
      );
      assert.deepEqual(await ids(state, path, { onChanged: "skip" }), []);
      assert.match(state.notices.at(-1)!, /a\.ndjson is not the file .* left out/);
      await assert.rejects(ids(state, path), changed(/./), "skipping changes no position");
      // The rows that are there now, read by a source that knows nothing.
      const expected = await ids(newState(), path);
      assert.deepEqual(await ids(state, path, { onChanged: "read-again" }), expected);
      assert.match(state.notices.join("\n"), /a\.ndjson is not the file .* read from its start/);
      assert.deepEqual(await ids(state, path), [], "from then on it is the file that was read");
    });
}

test("an edit that keeps size and time is found at the head and before the position", async () => {
  const path = join(folder(), "a.ndjson");
  const text = lines(0, 400, 80);
  for (const [id, other, where] of [
    [1, 9, /its first 4096 bytes are others/],
    [399, 555, /its bytes before byte \d+ are others/],
  ] as const) {
    writeFileSync(path, text);
    utimesSync(path, 1_000, 1_000);
    const state = newState();
    await ids(state, path);
    writeFileSync(path, text.replace(`"id":${id},`, `"id":${other},`));
    utimesSync(path, 1_000, 1_000);
    await assert.rejects(ids(state, path), changed(where));
  }
});

test("every position belongs to its file, also behind what was let go: white space, records that are too long", async () => {
  const dir = folder();
  const gap = " \n".repeat(200_000);
  const contents: [name: string, content: string][] = [
    ["a.json", `[${range(0, 5).map((id) => `${gap}{"id":${id}}${gap}`)}]`],
    [
      "b.json",
      range(0, 5)
        .map((id) => `{"id":${id}}`)
        .join(gap),
    ],
    [
      "c.ndjson",
      range(0, 5)
        .map((id) => `{"id":${id}}\n{"long":"${"x".repeat(700_000)}"}\n${gap}`)
        .join(""),
    ],
    [
      "d.csv",
      `id\n${range(0, 5)
        .map((id) => `${id}\n${"x".repeat(700_000)}\n`)
        .join("")}`,
    ],
  ];
  for (const [name, content] of contents) {
    const path = join(dir, name);
    writeFileSync(path, content);
    const options: FilesOptions = { maxRecordBytes: 1_000, format: name === "b.json" ? "json" : "auto" };
    const positions: Position[] = [];
    let records = 0;
    for await (const slice of files(path, options).read({}, new AbortController().signal)) {
      positions.push(JSON.parse(JSON.stringify(slice.position)));
      records += slice.records.length;
    }
    assert.equal(records, 5, name);
    assert.ok(positions.length > 3, `${name}: ${positions.length} slices`);
    utimesSync(path, 1, 1); // so that all bytes before a position are compared
    for (const position of positions) await ids(newState({ [path]: position }), path, options);
  }
});

test("CSV and JSON: the same", async () => {
  const dir = folder();
  const csv = join(dir, "a.csv");
  writeFileSync(csv, "id,text\n1,a\n2,b\n");
  const json = join(dir, "a.json");
  writeFileSync(json, '[{"id":1},{"id":2}]');
  for (const [path, other] of [
    [csv, "id,text\n1,a\n3,b\n4,d\n"],
    [json, '[{"id":1},{"id":3},{"id":4}]'],
  ] as const) {
    const state = newState();
    assert.deepEqual(await ids(state, path), [1, 2]);
    assert.deepEqual(await ids(state, path), []);
    writeFileSync(path, other);
    await assert.rejects(ids(state, path), changed(/is not the file/));
  }
});

// Packed files.

test("packed: a member more is read; a shorter, another, a damaged file is not taken for it", async () => {
  const path = join(folder(), "a.ndjson.gz");
  const first = gzipSync(lines(0, 5_000, 50));
  writeFileSync(path, first);
  const state = newState();
  assert.equal((await ids(state, path)).length, 5_000);
  assert.deepEqual(await ids(state, path), []);
  appendFileSync(path, Buffer.concat([Buffer.alloc(512), gzipSync(lines(5_000, 5_010))]));
  assert.deepEqual(await ids(state, path), range(5_000, 5_010));
  writeFileSync(path, gzipSync(lines(0, 10)));
  await assert.rejects(ids(state, path), changed(/bytes of it were read, and it has/));
  writeFileSync(path, gzipSync(lines(0, 9_000, 50)));
  await assert.rejects(ids(state, path), changed(/are others/));
  assert.equal((await ids(state, path, { onChanged: "read-again" })).length, 9_000);
});

// Rotation.

test("rotation by rename: the moved file is read on, the new one from its start", async () => {
  const dir = folder();
  const log = join(dir, "app.log");
  const state = newState();
  const options: FilesOptions = { format: "ndjson" };
  writeFileSync(log, lines(0, 10));
  assert.deepEqual(await ids(state, join(dir, "app.log*"), options), range(0, 10));
  appendFileSync(log, lines(10, 12));
  renameSync(log, `${log}.1`);
  writeFileSync(log, lines(100, 103));
  assert.deepEqual((await ids(state, join(dir, "app.log*"), options)).sort(), [10, 100, 101, 102, 11]);
  assert.deepEqual(await ids(state, join(dir, "app.log*"), options), []);
  // Once more, over two names at a time; the newest is empty still.
  renameSync(`${log}.1`, `${log}.2`);
  appendFileSync(log, lines(103, 105));
  renameSync(log, `${log}.1`);
  writeFileSync(log, "");
  assert.deepEqual(await ids(state, join(dir, "app.log*"), options), [103, 104]);
  appendFileSync(log, lines(200, 201));
  assert.deepEqual(await ids(state, join(dir, "app.log*"), options), [200]);
  // The oldest goes.
  unlinkSync(`${log}.2`);
  renameSync(`${log}.1`, `${log}.2`);
  renameSync(log, `${log}.1`);
  assert.deepEqual(await ids(state, join(dir, "app.log*"), options), []);
});

test("rotation by copying and truncating", async () => {
  const dir = folder();
  const log = join(dir, "app.log");
  const state = newState();
  const options: FilesOptions = { format: "ndjson" };
  writeFileSync(log, lines(0, 400, 80));
  await ids(state, join(dir, "app.log*"), options);
  appendFileSync(log, lines(400, 402, 80));
  copyFileSync(log, `${log}.1`);
  truncateSync(log, 0);
  appendFileSync(log, lines(1_000, 1_900, 80)); // it is longer than before
  assert.deepEqual(await ids(state, join(dir, "app.log*"), options), [...range(1_000, 1_900), 400, 401]);
  assert.deepEqual(await ids(state, join(dir, "app.log*"), options), []);
});

test("rotation, and the old file is packed at once or the next time", async () => {
  const dir = folder();
  const log = join(dir, "app.log");
  const state = newState();
  const options: FilesOptions = { format: "ndjson" };
  writeFileSync(log, lines(0, 400, 80));
  await ids(state, join(dir, "app.log*"), options);
  appendFileSync(log, lines(400, 402, 80));
  writeFileSync(`${log}.1.gz`, gzipSync(readFileSync(log)));
  unlinkSync(log);
  writeFileSync(log, lines(500, 510));
  assert.deepEqual(await ids(state, join(dir, "app.log*"), options), [...range(500, 510), 400, 401]);
  assert.deepEqual(await ids(state, join(dir, "app.log*"), options), []);
  renameSync(`${log}.1.gz`, `${log}.2.gz`);
  writeFileSync(`${log}.1.gz`, gzipSync(readFileSync(log)));
  writeFileSync(log, lines(600, 601));
  assert.deepEqual(await ids(state, join(dir, "app.log*"), options), [600]);
  assert.deepEqual(await ids(state, join(dir, "app.log*"), options), []);
});

test("a run that was killed between any two slices of a rotation reads everything once", async () => {
  const dir = folder();
  const log = join(dir, "app.log");
  const options: FilesOptions = { format: "ndjson" };
  const state = newState();
  for (const [name, first] of [
    ["app.log", 0],
    ["app.log.1", 1_000],
  ] as const)
    writeFileSync(join(dir, name), lines(first, first + 600));
  await ids(state, join(dir, "app.log*"), options);
  appendFileSync(log, lines(600, 1_000));
  renameSync(`${log}.1`, `${log}.2`);
  renameSync(log, `${log}.1`);
  writeFileSync(log, lines(2_000, 2_600));
  const before = JSON.stringify(state.positions);
  const expected = [...range(600, 1_000), ...range(2_000, 2_600)];
  for (let killedAfter = 0; killedAfter < 8; killedAfter++) {
    const positions: Record<string, Position> = JSON.parse(before);
    const found: unknown[] = [];
    let slices = 0;
    const source = files(join(dir, "app.log*"), options);
    for await (const slice of source.read(positions, new AbortController().signal)) {
      if (slices++ === killedAfter) break;
      for (const record of slice.records) found.push(record.id);
      Object.assign(positions, { [slice.partition]: slice.position, ...slice.moved });
    }
    const next = newState(positions);
    found.push(...(await ids(next, join(dir, "app.log*"), options)));
    assert.deepEqual(
      found.map(Number).sort((a, b) => a - b),
      expected,
      `killed after ${killedAfter} slices`,
    );
  }
});

test("two files that changed their names keep their positions", async () => {
  const dir = folder();
  const [a, b] = [join(dir, "a.ndjson"), join(dir, "b.ndjson")];
  writeFileSync(a, lines(0, 10));
  writeFileSync(b, lines(100, 110));
  const state = newState();
  await ids(state, [a, b]);
  renameSync(a, `${a}.x`);
  renameSync(b, a);
  renameSync(`${a}.x`, b);
  appendFileSync(a, lines(110, 111));
  assert.deepEqual(await ids(state, [a, b]), [110]);
  assert.deepEqual(await ids(state, [a, b]), []);
});

test("a copy of a file that is still there is a file of its own", async () => {
  const dir = folder();
  writeFileSync(join(dir, "a.ndjson"), lines(0, 10));
  const state = newState();
  await ids(state, join(dir, "*.ndjson"));
  copyFileSync(join(dir, "a.ndjson"), join(dir, "b.ndjson"));
  assert.deepEqual(await ids(state, join(dir, "*.ndjson")), range(0, 10));
  assert.deepEqual(await ids(state, join(dir, "*.ndjson")), []);
  copyFileSync(join(dir, "a.ndjson"), join(dir, "c.ndjson"));
  assert.deepEqual(await ids(state, join(dir, "c.ndjson")), range(0, 10), "also where the run names the copy alone");
  // One of them is written anew: what was read of it before is accounted for.
  writeFileSync(join(dir, "a.ndjson"), lines(20, 22));
  assert.deepEqual(await ids(state, join(dir, "*.ndjson")), [20, 21]);
});

test("a name whose file was moved is free for another file, also when the moved one is gone", async () => {
  const dir = folder();
  const log = join(dir, "app.log");
  const state = newState();
  const options: FilesOptions = { format: "ndjson" };
  writeFileSync(log, lines(0, 10));
  await ids(state, join(dir, "app.log*"), options);
  renameSync(log, `${log}.1`);
  assert.deepEqual(await ids(state, join(dir, "app.log*"), options), []);
  unlinkSync(`${log}.1`);
  writeFileSync(log, lines(10, 12));
  assert.deepEqual(await ids(state, join(dir, "app.log*"), options), [10, 11]);
});

test("a file that is gone is no error where a pattern finds others, and one where it is named", async () => {
  const dir = folder();
  writeFileSync(join(dir, "a.ndjson"), lines(0, 2));
  writeFileSync(join(dir, "b.ndjson"), lines(2, 4));
  const state = newState();
  await ids(state, join(dir, "*.ndjson"));
  unlinkSync(join(dir, "a.ndjson"));
  assert.deepEqual(await ids(state, join(dir, "*.ndjson")), []);
  await assert.rejects(ids(state, join(dir, "a.ndjson")), { code: "BAD_SOURCE", message: /there is no such file/ });
  // Restored from a backup, it is the file that was read.
  writeFileSync(join(dir, "a.ndjson"), lines(0, 2));
  assert.deepEqual(await ids(state, join(dir, "*.ndjson")), []);
});

// Names.

test("one file under many names is read once, and has one position", async () => {
  const dir = folder();
  const path = join(dir, "a.ndjson");
  mkdirSync(join(dir, "real"));
  symlinkSync(dir, join(dir, "real", "link"));
  writeFileSync(path, lines(0, 3));
  linkSync(path, join(dir, "hard.ndjson"));
  symlinkSync(path, join(dir, "soft.ndjson"));
  const near = relative(process.cwd(), path);
  const spellings = [near, `./${near}`, path, `${dir}//a.ndjson`, join(dir, "real", "link", "a.ndjson")];
  const names = [...spellings, join(dir, "hard.ndjson"), join(dir, "soft.ndjson")];
  const state = newState();
  assert.deepEqual(await ids(state, names), [0, 1, 2]);
  assert.match(state.notices.join(), /a file under several names is read once: .* and 3 more/);
  assert.deepEqual(Object.keys(state.positions), [path]);
  for (const name of names) assert.deepEqual(await ids(state, name), [], name);
  for (const name of names) assert.deepEqual(await ids(newState(), [name, path]), [0, 1, 2], name);
  appendFileSync(path, lines(3, 4));
  assert.deepEqual(await ids(state, join(dir, "hard.ndjson")), [3]);
  assert.deepEqual(await ids(state, names), []);
  assert.deepEqual(await ids(newState(), [path, path, join(dir, "a.*")]), [0, 1, 2, 3]);
});

test("places are shown as the file was spelled", async () => {
  const dir = folder();
  writeFileSync(join(dir, "a.ndjson"), '{"id":1}\n{"id":\n');
  const near = relative(process.cwd(), join(dir, "a.ndjson"));
  for await (const slice of files(near).read({}, new AbortController().signal)) {
    assert.equal(slice.placeOf!(0), `${near}:1`);
    assert.equal(slice.refused![0]!.place, `${near}:2`);
    assert.equal(slice.partition, join(dir, "a.ndjson"));
  }
});

// Positions of the first format.

test("an old state goes on, and knows the file from then on", async () => {
  const dir = folder();
  const path = join(dir, "a.ndjson");
  writeFileSync(path, lines(0, 400, 80));
  const byte = Buffer.byteLength(lines(0, 300, 80));
  const near = relative(process.cwd(), path);
  for (const key of [path, near]) {
    const state = newState({ [key]: { byte, line: 301 } });
    assert.deepEqual(await ids(state, near), range(300, 400));
    if (key !== path) assert.equal(state.positions[key], null);
    assert.deepEqual(await ids(state, near), []);
    writeFileSync(path, lines(1_000, 1_800, 80));
    await assert.rejects(ids(state, near), changed(/is not the file/));
    writeFileSync(path, lines(0, 400, 80));
  }
  // Also where nothing is left to read.
  const packed = join(dir, "b.ndjson.gz");
  const pack = (from: number, to: number) => writeFileSync(packed, gzipSync(lines(from, to)));
  for (const [at, text, replace] of [
    [path, lines(0, 400, 80), () => writeFileSync(path, lines(1_000, 1_800, 80))],
    [packed, lines(0, 9), () => pack(10, 90)],
  ] as const) {
    pack(0, 9);
    const state = newState({ [at]: { byte: text.length, line: 401 } });
    assert.deepEqual(await ids(state, at), []);
    replace();
    await assert.rejects(ids(state, at), changed(/is not the file/));
  }
});

test("positions that can be of no file, or not of this one, are refused by name", async () => {
  const dir = folder();
  const path = join(dir, "a.ndjson");
  writeFileSync(path, '{"id":1,"t":"é"}\n{"id":2}\n');
  const packed = join(dir, "a.ndjson.gz");
  writeFileSync(packed, gzipSync(lines(0, 3)));
  const bad: Position[] = [
    ...[{ byte: -1, line: 1 }, { byte: 1.5, line: 1 }, { byte: 0, line: 0 }, { byte: "0", line: 1 }, { line: 1 }],
    ...[7, "7", true, [], { byte: 0, line: 1, inside: "table" }, { byte: 0, line: 1, content: {} }],
    ...[
      { byte: 10_000, line: 1 },
      { byte: 5, line: 1 },
      { byte: 14, line: 1 },
    ],
  ];
  for (const position of [...bad, { byte: Number.NaN, line: 1 } as Position])
    await assert.rejects(
      async () => {
        for await (const _ of files(path).read({ [path]: position }, new AbortController().signal)) assert.fail();
      },
      { code: "BAD_SOURCE", message: /a\.ndjson cannot be read on from position/ },
      JSON.stringify(position),
    );
  const state = newState({ [packed]: { byte: 10_000, line: 1 } });
  await assert.rejects(ids(state, packed), changed(/cannot be read on from byte 10000: unpacked it has \d+ bytes/));
});

// The last line.

test("a last line without its end is left for the next run, unless it is final", async () => {
  const dir = folder();
  const csv = join(dir, "a.csv");
  writeFileSync(csv, "id,text\n1,a\n2,");
  const state = newState();
  assert.deepEqual(await ids(state, csv), [1]);
  assert.match(state.notices[0]!, /a\.csv:3: the last line has no end yet; 2 bytes are left for the next run/);
  appendFileSync(csv, "b\n3,c");
  assert.deepEqual(await ids(state, csv), [2]);
  assert.deepEqual(await ids(state, csv, { final: true }), [3]);
  assert.deepEqual(await ids(state, csv), []);
  appendFileSync(csv, "\r\n4,d\n");
  assert.deepEqual(await ids(state, csv), [4], "its end has come");
  appendFileSync(csv, "5,e");
  assert.deepEqual(await ids(state, csv, { final: true }), [5]);
  appendFileSync(csv, "f\n");
  await assert.rejects(ids(state, csv), changed(/the line before byte \d+ \(line 6\) goes on behind it/));
});

test("NDJSON: a last line that is a whole object is read, for it can become no other", async () => {
  const path = join(folder(), "a.ndjson");
  writeFileSync(path, '{"id":1}\n{"id":2}');
  const state = newState();
  assert.deepEqual(await ids(state, path), [1, 2]);
  appendFileSync(path, ' \r\n{"id":3');
  assert.deepEqual(await ids(state, path), []);
  assert.match(state.notices[0]!, /a\.ndjson:3: the last line has no end yet; 7 bytes/);
  assert.deepEqual(await ids(state, path, { final: true }), ["refused 3"]);
  const other = join(folder(), "b.ndjson");
  for (const unfinished of ["12", '"a', "[1]", "{", '{"a":{}']) {
    writeFileSync(other, `{"id":1}\n${unfinished}`);
    assert.deepEqual(await ids(newState(), other), [1], unfinished);
    assert.deepEqual(await ids(newState(), other, { final: true }), [1, "refused 2"], unfinished);
  }
});

test("CSV: a quote that is open at the end is left, or the row is refused by its line; its neighbours arrive", async () => {
  const path = join(folder(), "a.csv");
  writeFileSync(path, 'id,text\n1,"a\nb"\n2,"c\nd');
  const state = newState();
  assert.deepEqual(await ids(state, path), [1]);
  assert.match(state.notices[0]!, /a\.csv:4: the last line has no end yet; 6 bytes/);
  assert.deepEqual(await ids(newState(), path, { final: true }), [1, "refused 4"]);
  appendFileSync(path, '"\n3,e\n');
  assert.deepEqual(await ids(state, path), [2, 3]);
});

test("what is packed has been written to its end", async () => {
  const path = join(folder(), "a.csv.gz");
  writeFileSync(path, gzipSync("id\n1\n2"));
  assert.deepEqual(await ids(newState(), path), [1, 2]);
});

test("without a state a last line is a record", async () => {
  const path = join(folder(), "a.csv");
  writeFileSync(path, "id\n1\n2");
  const found: unknown[] = [];
  for await (const slice of files(path).read({}, new AbortController().signal))
    found.push(...slice.records.map((record) => record.id));
  assert.deepEqual(found, ["1", "2"]);
});

test("a file that grows by any pieces is read once, whole lines at a time", async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
  const row = fc.tuple(fc.nat(9_999), fc.constantFrom("", "a", "é💧", 'q"q', "two\nlines", "x".repeat(5_000)));
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { minLength: 1, maxLength: 20 }),
      fc.array(fc.nat(8_000), { maxLength: 6 }),
      fc.boolean(),
      async (rows, cuts, isCsv) => {
        const path = join(folder(), isCsv ? "a.csv" : "a.ndjson");
        const text = isCsv
          ? `id,text\n${rows.map(([id, t]) => `${id},"${t.replaceAll('"', '""')}"\n`).join("")}`
          : rows.map(([id, text]) => `${JSON.stringify({ id, text })}\n`).join("");
        const bytes = Buffer.from(text);
        const state = newState();
        const found: unknown[] = [];
        writeFileSync(path, "");
        let at = 0;
        for (const cut of [...cuts, bytes.length]) {
          appendFileSync(path, bytes.subarray(at, at + cut));
          at = Math.min(bytes.length, at + cut);
          found.push(...(await ids(state, path)));
        }
        assert.deepEqual(
          found,
          rows.map(([id]) => id),
        );
      },
    ),
    { seed, numRuns: 60 },
  );
});

// While it is read.

/** More than the reader looks ahead. */
const large = lines(0, 4_000, 1_000);

async function readWhile(path: string, act: () => void): Promise<number> {
  let found = 0;
  let hasActed = false;
  for await (const { records } of files(path).read({}, new AbortController().signal)) {
    found += records.length;
    if (!hasActed) act();
    hasActed = true;
  }
  return found;
}

test("while it is read: grown is read, replaced is read to the end of the old one, truncated is an error", async () => {
  const path = join(folder(), "a.ndjson");
  writeFileSync(path, large);
  assert.equal(await readWhile(path, () => appendFileSync(path, lines(0, 10))), 4_010);
  writeFileSync(path, large);
  const replace = () => {
    writeFileSync(`${path}.new`, lines(0, 1));
    renameSync(`${path}.new`, path);
  };
  assert.equal(await readWhile(path, replace), 4_000);
  for (const left of [0, 100, 3_000_000]) {
    writeFileSync(path, large);
    await assert.rejects(
      readWhile(path, () => truncateSync(path, left)),
      changed(/a\.ndjson was truncated while it was read: it had \d+ bytes, and now it has/),
    );
  }
});

test("another file under the name between looking and reading is an error; one that grew is not", async () => {
  const path = join(folder(), "a.ndjson");
  writeFileSync(path, lines(0, 3));
  const replaced = files(path);
  await replaced.plan();
  writeFileSync(`${path}.new`, lines(5, 9));
  renameSync(`${path}.new`, path);
  await assert.rejects(
    async () => {
      for await (const _ of replaced.read({}, new AbortController().signal)) assert.fail();
    },
    changed(/a\.ndjson was changed while this run began/),
  );
  const grown = files(path);
  await grown.plan();
  appendFileSync(path, lines(9, 10));
  let found = 0;
  for await (const { records } of grown.read({}, new AbortController().signal)) found += records.length;
  assert.equal(found, 5);
});
