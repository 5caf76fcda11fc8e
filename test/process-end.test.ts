import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { memory } from "../src/destination/memory.ts";
import { open } from "../src/open.ts";
import { k, table } from "../src/schema/table.ts";

// A program that forgets close() still ends, and what its timer owes is delivered first. What is not delivered is told of.

interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

function runProgram(body: string, options = "batchIntervalMs: 200", flags: string[] = []): Ended {
  const program = `
    import { memoryState } from "./src/checkpoint/file-state.ts";
    import { subscribe } from "node:diagnostics_channel";
    import { memory } from "./src/destination/memory.ts";
    import { open } from "./src/open.ts";
    import { k, table } from "./src/schema/table.ts";
    const to = memory();
    const sink = await open({ table: table("Numbers", { n: k.int() }), to, ${options} });
    process.on("exit", () => console.log(to.batches.length, "batches"));
    ${body}
  `;
  return spawnSync(process.execPath, [...flags, "--import", "tsx", "--input-type=module", "--eval", program], {
    encoding: "utf8",
    timeout: 20_000,
  });
}

test("an idle sink that was never closed lets the process end", () => {
  const { status, stdout, stderr } = runProgram("");
  assert.equal(status, 0, stderr);
  assert.equal(stdout, "0 batches\n");
});

test("records that wait for the timer keep the process until they are delivered", () => {
  const { status, stdout, stderr } = runProgram("sink.write({ n: 1 });");
  assert.equal(status, 0, stderr);
  assert.equal(stdout, "1 batches\n");
  assert.equal(stderr, "");
});

/** The warnings of a program, without the process's number and the hint of the runtime. */
function warningsIn({ stderr }: Ended): string[] {
  return [...stderr.matchAll(/^\(node:\d+\) \[MILLRACE_UNDELIVERED\] MillraceWarning: (.*)$/gm)].map(
    ([, text]) => text!,
  );
}

const forgotten = "close() was not called. Await sink.close() before the end.";
const three = "for (let n = 0; n < 3; n++) sink.write({ n });";
const all = `Table Numbers: the process ends with 3 records not delivered: ${forgotten}`;

for (const parallelism of [0, 1])
  test(`records that nothing was to deliver are told of at the end, parallelism ${parallelism}`, () => {
    const options = `batchIntervalMs: 0, parallelism: ${parallelism}`;
    const ended = runProgram(three, options);
    assert.equal(ended.status, 0, ended.stderr);
    assert.equal(ended.stdout, "0 batches\n");
    assert.deepEqual(warningsIn(ended), [all]);
  });

test("so they are when process.exit() is called, and when an uncaught error or rejection ends the process", () => {
  const endings = [
    ["process.exit(3);", 3, /^/],
    ['setTimeout(() => { throw new Error("out of hand"); });', 1, /Error: out of hand/],
    ['void Promise.reject(new Error("out of hand"));', 1, /Error: out of hand/],
  ] as const;
  for (const [ending, status, said] of endings) {
    const ended = runProgram(`${three} ${ending}`); // the timer of the batch does not come to it
    assert.equal(ended.status, status, ended.stderr);
    assert.deepEqual(warningsIn(ended), [all]);
    assert.match(ended.stderr, said);
  }
});

test("a listener gets the table and the number; --no-warnings silences it", () => {
  const tell = 'process.on("warning", ({ code, table, records }) => console.log(code, table, records));';
  const heard = runProgram(`${tell} ${three}`, "batchIntervalMs: 0");
  assert.match(heard.stdout, /^MILLRACE_UNDELIVERED Numbers 3$/m);
  const silenced = runProgram(three, "batchIntervalMs: 0", ["--no-warnings"]);
  assert.equal(silenced.stderr, "");
});

test("nothing is told where all is delivered, nothing was written, or the sink was closed or aborted", () => {
  const endings = ["", `${three} await sink.flush();`, `${three} await sink.close();`, `${three} await sink.abort();`];
  for (const body of endings) assert.equal(runProgram(body, "batchIntervalMs: 0").stderr, "", body);
});

test("a close() that the end comes before, raw rows, and a sink that failed unnoticed are told as what they are", () => {
  const cut = runProgram(`${three} void sink.close(); process.exit();`);
  assert.deepEqual(warningsIn(cut), [
    "Table Numbers: the process ends with 3 records not delivered: close() had not resolved yet. Await it before the end.",
  ]);
  const raw = runProgram('sink.write({ n: 1 }); sink.writeRaw("2\\n3");', "batchIntervalMs: 0");
  assert.deepEqual(warningsIn(raw), [
    `Table Numbers: the process ends with 1 record and uncounted rows of writeRaw() not delivered: ${forgotten}`,
  ]);
  const part = runProgram('sink.writeRaw("2\\n3");'); // the timer takes the row that is over
  assert.equal(part.stdout, "1 batches\n");
  assert.deepEqual(warningsIn(part), [
    `Table Numbers: the process ends with uncounted rows of writeRaw() not delivered: ${forgotten}`,
  ]);
  const failed = runProgram(
    `to.open = async () => ({
      stage: async () => { throw new Error("the disk of the far side is full"); },
      submit: async () => {},
      close: async () => {},
    });
    const failing = await open({ table: table("Other", { n: k.int() }), to, batchIntervalMs: 10 });
    failing.write({ n: 1 });`,
  );
  const [only, ...others] = warningsIn(failed);
  assert.match(
    only!,
    /^Table Other: the process ends with 1 record not delivered: the sink had failed with INTERNAL: .*side is full\.( |$)/,
  );
  assert.deepEqual(others, []);
});

test("with a state: records behind the newest checkpoint, and whether a source gives them again", () => {
  const options = "batchIntervalMs: 10, state: memoryState()";
  const fate = "neither delivered nor in the log of the state";
  const again = "A source that reads on from the positions of the newest checkpoint gives them again.";
  const told = runProgram(
    `${three} await sink.checkpoint({ positions: { p: 3 } }); sink.write({ n: 3 }); sink.write({ n: 4 });`,
    options,
  );
  assert.deepEqual(warningsIn(told), [`Table Numbers: the process ends with 2 records ${fate}: ${forgotten} ${again}`]);
  const untold = runProgram(`${three} await sink.checkpoint(); sink.write({ n: 3 }); sink.write({ n: 4 });`, options);
  assert.deepEqual(warningsIn(untold), [`Table Numbers: the process ends with 2 records ${fate}: ${forgotten}`]);
  const complete = runProgram(`${three} await sink.checkpoint();`, options);
  assert.equal(complete.stderr, "");
});

test("of many sinks ten are named", () => {
  const body = `for (let i = 0; i < 12; i++)
    (await open({ table: table("T" + i, { n: k.int() }), to, parallelism: 0, batchIntervalMs: 0 })).write({ n: i });`;
  const warnings = warningsIn(runProgram(body));
  assert.deepEqual(
    warnings.map((text) => text.split(":")[0]),
    [
      ...Array.from({ length: 10 }, (_, i) => `Table T${i}`),
      "2 other sinks were not closed either, and have records that were not delivered.",
    ],
  );
});

test("one listener for all sinks, and none when they are closed", async () => {
  const count = () => process.listenerCount("exit");
  const before = count();
  const options = { table: table("Numbers", { n: k.int() }), to: memory(), parallelism: 0 };
  const sinks = await Promise.all(Array.from({ length: 20 }, () => open(options)));
  assert.equal(count(), before + 1);
  await Promise.all(sinks.map((sink, i) => (i % 2 ? sink.close() : sink.abort())));
  assert.equal(count(), before);
});

test("a subscriber that throws harms no sink: the process is told, by itself", () => {
  const { status, stdout, stderr } = runProgram(
    `process.on("uncaughtException", (error) => console.log("uncaught", error.message));
    for (const name of ["millrace:batch:sealed", "millrace:batch:taken", "millrace:checkpoint"])
      subscribe(name, () => { throw new Error(name); });
    ${three}
    await sink.checkpoint();
    await sink.close();`,
  );
  assert.equal(status, 0, stderr);
  const thrown = ["millrace:batch:sealed", "millrace:batch:taken", "millrace:checkpoint"];
  assert.equal(stdout, `${thrown.map((name) => `uncaught ${name}\n`).join("")}1 batches\n`);
});
