import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { mock, test } from "node:test";
import { type ProgressState, progressLine, startProgress } from "../../src/cli/progress.ts";
import { bytes, count, duration } from "../../src/cli/quantities.ts";
import { plainLine, type Terminal } from "../../src/cli/terminal.ts";

const state: ProgressState = {
  read: 82_000,
  rejected: 2,
  sourceBytes: 4_100_000,
  totalBytes: 10_000_000,
  rawBytes: 3_400_000,
  packedBytes: 1_000_000,
  isFinishing: false,
};

test("the line says how far, how fast, how well packed", () => {
  assert.equal(
    progressLine("flights", state, 2),
    "flights  ########------------  41%  82 000 records  41 000/s  2.0 MB/s  packed 3.4:1  2 rejected  2.0 s",
  );
  assert.equal(
    progressLine("t", { ...state, totalBytes: undefined, rejected: 0, packedBytes: 0 }, 2),
    "t  82 000 records  41 000/s  2.0 MB/s  2.0 s",
  );
  assert.match(progressLine("t", { ...state, isFinishing: true }, 2), /^t {2}delivering {2}82 000/);
});

function terminal(isLive: boolean, hasColor: boolean, columns = 80): Terminal & { text(): string } {
  let text = "";
  const write = (chunk: Buffer, _: string, done: () => void): void => {
    text += chunk;
    done();
  };
  const err = Object.assign(new Writable({ write }), { columns });
  return { out: err, err, isLive, hasColor, text: () => text } as unknown as Terminal & { text(): string };
}

test("a terminal gets one line that is redrawn within its width and wiped at the end", () => {
  mock.timers.enable({ apis: ["setInterval"] });
  const t = terminal(true, false, 60);
  let now = state;
  const progress = startProgress("flights", t, () => now);
  now = { ...state, read: 5 };
  mock.timers.tick(100);
  progress.stop();
  mock.timers.reset();
  const drawn = t.text().split("\r");
  assert.equal(drawn.length, 5);
  assert.ok(
    drawn.every((line) => line.length <= 59),
    "a longer line would wrap",
  );
  assert.match(drawn[4]!, /^$/);
  assert.match(drawn[3]!, /^ +$/);
  assert.ok(!t.text().includes("\u001b") && !t.text().includes("\n"));
});

test("colours only where they are wanted", () => {
  const t = terminal(true, true);
  startProgress("flights", t, () => state).stop();
  assert.match(t.text(), /\u001b\[32m#+\u001b\[39m/);
});

test("what is no terminal gets a plain line every five seconds", () => {
  mock.timers.enable({ apis: ["setInterval"] });
  const t = terminal(false, false);
  const progress = startProgress("flights", t, () => state);
  mock.timers.tick(4_999);
  assert.equal(t.text(), "");
  mock.timers.tick(5_001);
  progress.stop();
  mock.timers.reset();
  assert.equal(t.text().split("\n").length, 3);
  assert.doesNotMatch(t.text(), /[\r\u001b]/);
});

test("quantities", () => {
  assert.deepEqual([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1 000", "1 234 567"]);
  assert.deepEqual([10, 1_500, 2_500_000, 3.2e9].map(bytes), ["10 B", "1.5 kB", "2.5 MB", "3.20 GB"]);
  assert.deepEqual([1.25, 75, 3_725].map(duration), ["1.3 s", "1:15", "1:02:05"]);
});

test("what comes from data cannot move the cursor or begin a line", () => {
  assert.equal(plainLine("a\u001b[31mb\nc\u202ed"), "a\\u001b[31mb\\nc\\u202ed");
});
