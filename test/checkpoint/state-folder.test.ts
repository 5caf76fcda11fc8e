import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileState } from "../../src/checkpoint/file-state.ts";
import { fileDeadLetter } from "../../src/deliver/dead-letter.ts";
import { memory } from "../../src/destination/memory.ts";
import { startEmulator } from "../../src/emulator/index.ts";
import type { MillraceError } from "../../src/errors.ts";
import { open } from "../../src/open.ts";
import { k, table } from "../../src/schema/table.ts";

// Folders that cannot be made: refused in bounded time, by the path and the reason.

const folder = mkdtempSync(join(tmpdir(), "millrace-folders-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const isPosix = process.platform !== "win32";
const at = (name: string) => join(folder, name);
if (isPosix) spawnSync("mkfifo", [at("pipe")]);
writeFileSync(at("file"), "");
symlinkSync(at("nothing"), at("dangling"));
symlinkSync(at("loop"), at("loop"));
mkdirSync(at("read-only"), { mode: 0o500 });

const impossible: [path: string, reason: RegExp][] = [
  [at("file"), /not a folder/],
  [at("file/below"), /not a folder/],
  [at("dangling"), /dangling: making it failed: /],
  [at("loop"), /loop: making it failed: /],
  ...((isPosix
    ? [
        [at("pipe"), /not a folder/],
        ["/dev/null", /not a folder/],
        ["/dev/null/state", /not a folder/],
      ]
    : []) as [string, RegExp][]),
  ...((process.platform === "linux"
    ? [
        ["/proc/millrace", /the system makes nothing there/],
        ["/proc/millrace/deep/state", /the system makes nothing there/],
      ]
    : []) as [string, RegExp][]),
  ...((isPosix && process.getuid?.() !== 0 ? [[at("read-only/state"), /permission denied/]] : []) as [
    string,
    RegExp,
  ][]),
];

const target = table("T", { a: k.int() });

for (const [path, reason] of impossible)
  test(`a state in ${path.replace(folder, "...")} is refused by name`, async () => {
    const opening = open({ table: target, to: memory(), state: fileState(path), parallelism: 0 });
    await assert.rejects(opening, (error: MillraceError) => {
      assert.equal(error.code, "STATE_UNWRITABLE");
      assert.ok(error.message.startsWith(`${path}: `), error.message);
      assert.match(error.message, reason);
      return true;
    });
  });

test("a data directory of the emulator under /proc is refused by name", {
  skip: process.platform !== "linux",
}, async () => {
  await assert.rejects(startEmulator({ data: "/proc/millrace" }), {
    code: "STATE_UNWRITABLE",
    message: /\/proc\/millrace/,
  });
});

test("a state several folders down is made, each for its owner only", { skip: !isPosix }, async () => {
  const lease = await fileState(at("a/b/../c")).open(new AbortController().signal);
  await lease.close();
  for (const made of ["a", "a/c"]) assert.equal(statSync(at(made)).mode & 0o777, 0o700);
});

test("a pipe or device is no dead letter, and nobody waits for its other end", {
  skip: !isPosix,
}, async () => {
  for (const path of [at("pipe"), "/dev/null", folder]) {
    const letters = fileDeadLetter(path);
    const letter = { table: "T", place: undefined, record: 0, reason: "r", original: 1 };
    await assert.rejects(async () => letters.write(letter), {
      code: "DEAD_LETTER_FAILED",
      message: /it is a (pipe|directory)/,
    });
    await assert.rejects(letters.close(), { code: "DEAD_LETTER_FAILED" });
  }
  chmodSync(at("read-only"), 0o700);
});
