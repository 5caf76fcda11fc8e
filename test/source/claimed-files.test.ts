import assert from "node:assert/strict";
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { files } from "../../src/source/files.ts";
import type { Position } from "../../src/source/source.ts";
import { keptPartitions } from "./kept-partitions.ts";

// A new file that begins with what was read of another one. A `keep` file holds the inode of a removed file, so that none is given
// to the next file by chance; where the test wants the same inode, it writes it into the state.

const root = realpathSync(mkdtempSync(join(tmpdir(), "millrace-claimed-")));
after(() => rmSync(root, { recursive: true }));

let count = 0;

interface Job {
  folder: string;
  positions: Record<string, Position>;
  warnings: string[];
  notes: string[];
  /** The values of the records that one run reads. */
  run(): Promise<unknown[]>;
}

function job(): Job {
  const folder = join(root, String(++count));
  mkdirSync(folder);
  const made: Job = {
    folder,
    positions: {},
    warnings: [],
    notes: [],
    async run() {
      const found: unknown[] = [];
      const source = files(join(folder, "*.csv"), {
        onNotice: (notice, kind) => (kind === "warning" ? made.warnings : made.notes).push(notice),
      });
      const from = JSON.parse(JSON.stringify(made.positions));
      for await (const slice of source.read(from, new AbortController().signal, {
        isContinued: true,
        partitions: keptPartitions,
      })) {
        found.push(...slice.records.map(({ a }) => a));
        Object.assign(
          made.positions,
          JSON.parse(JSON.stringify({ [slice.partition]: slice.position, ...slice.moved })),
        );
      }
      return found;
    },
  };
  return made;
}

const rows = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `row ${from + i}`);
const csv = (values: readonly string[]) => `a\n${values.map((value) => `${value}\n`).join("")}`;

test("a file that is gone and few bytes alike: the new file is read from its start, without a word", async () => {
  const { folder, run, warnings, notes } = job();
  writeFileSync(join(folder, "mon.csv"), csv(["1"]));
  assert.deepEqual(await run(), ["1"]);
  renameSync(join(folder, "mon.csv"), join(folder, "keep"));
  writeFileSync(join(folder, "tue.csv"), csv(["1", "2"]));
  assert.deepEqual(await run(), ["1", "2"]);
  assert.deepEqual([warnings, notes], [[], []]);
  assert.deepEqual(await run(), []);
});

test("a file that is gone and more bytes alike: read on, with a warning of what may be missing", async () => {
  const { folder, run, warnings } = job();
  writeFileSync(join(folder, "mon.csv"), csv(rows(0, 40)));
  assert.deepEqual(await run(), rows(0, 40));
  renameSync(join(folder, "mon.csv"), join(folder, "keep"));
  writeFileSync(join(folder, "tue.csv"), csv(rows(0, 42)));
  assert.deepEqual(await run(), rows(40, 42));
  const bytes = csv(rows(0, 40)).length;
  assert.equal(warnings.length, 1);
  assert.ok(
    warnings[0]!.startsWith(
      `${join(folder, "tue.csv")}: its first ${bytes} bytes are those of ${join(folder, "mon.csv")}, which was read before and is gone: it is read on from there, at line 42. If it is a new file, lines 1 to 41 of it were not loaded`,
    ),
    warnings[0],
  );
  assert.deepEqual(await run(), []);
  assert.equal(warnings.length, 1, "it is its own file from then on");
});

test("copied and truncated: read on, however short, with a warning; renamed: without one", async () => {
  const { folder, run, warnings } = job();
  writeFileSync(join(folder, "log.csv"), csv(["1"]));
  await run();
  appendFileSync(join(folder, "log.csv"), "2\n");
  copyFileSync(join(folder, "log.csv"), join(folder, "log-1.csv"));
  truncateSync(join(folder, "log.csv"), 0);
  appendFileSync(join(folder, "log.csv"), csv(["9", "8", "7"]));
  assert.deepEqual((await run()).sort(), ["2", "7", "8", "9"]);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /log-1\.csv: its first 4 bytes are those of .*log\.csv, .* has other content now/);
  warnings.length = 0;
  renameSync(join(folder, "log.csv"), join(folder, "log-2.csv"));
  assert.deepEqual(await run(), []);
  appendFileSync(join(folder, "log-2.csv"), "6\n");
  renameSync(join(folder, "log-2.csv"), join(folder, "log-3.csv"));
  assert.deepEqual(await run(), ["6"]);
  assert.deepEqual(warnings, []);
});

test("a new file that was given the inode of a removed one is not that file", async () => {
  const { folder, positions, run, warnings } = job();
  const mon = join(folder, "mon.csv");
  writeFileSync(mon, csv(["1"]));
  await run();
  const stored = positions[mon] as { content: { file: string; modified: string } };
  const isKnown = stored.content.file !== undefined;
  unlinkSync(mon);
  writeFileSync(join(folder, "tue.csv"), csv(["1", "2"]));
  const { ino, dev, birthtimeNs } = (await import("node:fs")).statSync(join(folder, "tue.csv"), { bigint: true });
  positions[mon] = {
    ...stored,
    content: {
      ...stored.content,
      file: `${dev}:${ino}`,
      modified: String(BigInt(stored.content.modified) - 10n ** 9n),
    },
  } as Position;
  // Where the file system does not tell when a file was made, the inode has to do.
  assert.deepEqual(await run(), isKnown && birthtimeNs > 0n ? ["1", "2"] : ["2"]);
  assert.deepEqual(warnings, []);
});
