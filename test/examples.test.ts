import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { type Emulator, startEmulator } from "../src/emulator/index.ts";
import { rowsOf, until } from "./emulator/ask.ts";

// Every example is run as its reader would run it, on the built package, and the table is asked what has arrived.

let emulator: Emulator;
/** So that none outlives a test that has failed. */
const started: ChildProcess[] = [];
const folder = mkdtempSync(join(tmpdir(), "millrace-examples-"));

before(async () => {
  assert.ok(existsSync("dist/index.js"), "examples run on the built package: npm run build");
  emulator = await startEmulator();
});
after(async () => {
  for (const child of started) child.kill("SIGKILL");
  await emulator.close();
  rmSync(folder, { recursive: true });
});

interface Running {
  readonly child: ChildProcess;
  readonly lines: readonly string[];
  /** Resolves with the first line that matches; rejects when the example ends without one. */
  line(pattern: RegExp): Promise<string>;
  /** The exit code and what was written to stderr. */
  readonly ended: Promise<{ readonly code: number | null; readonly err: string }>;
}

function start(name: string, ...args: string[]): Running {
  const child = spawn(process.execPath, [resolve("examples", name), ...args], { cwd: folder });
  started.push(child);
  const lines: string[] = [];
  let err = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  const reader = createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  const ended = new Promise<{ code: number | null; err: string }>((done, failed) => {
    child.on("error", failed).on("close", (code) => done({ code, err }));
  });
  return {
    child,
    lines,
    ended,
    line: (pattern) =>
      new Promise((found, failed) => {
        const look = (line: string) => pattern.test(line) && found(line);
        lines.forEach(look);
        reader.on("line", look);
        ended.then(({ err }) =>
          failed(new Error(`${name} ended without a line ${pattern}\n${lines.join("\n")}\n${err}`)),
        );
      }),
  };
}

async function finished(running: Running): Promise<void> {
  const { code, err } = await running.ended;
  assert.equal(code, 0, `${running.lines.join("\n")}\n${err}`);
}

test("loop: all but the record that does not fit", async () => {
  const example = start("loop.mjs", emulator.url, "demo");
  await finished(example);
  assert.match(example.lines.join("\n"), /^refused: .*celsius.*"warm"/m);
  assert.equal(example.lines.at(-1), "10000 rows landed");
  assert.deepEqual(
    await rowsOf(emulator, "LoopReadings | summarize count(), dcount(device, 4), countif(isnull(celsius))"),
    [[10_000, 100, 1_429]],
  );
});

test("pipeline: a packed file, summed on its way", async () => {
  const orders = Array.from({ length: 3_000 }, (_, id) => ({
    id: id === 7 ? "seven" : id,
    at: "2026-01-01T00:00:00Z",
    items: [{ cents: 199 }, { cents: id }],
  }));
  writeFileSync(join(folder, "orders.ndjson.gz"), gzipSync(orders.map((order) => JSON.stringify(order)).join("\n")));
  const example = start("pipeline.mjs", emulator.url, "demo", "orders.ndjson.gz");
  await finished(example);
  const cents = orders.reduce((sum, { id, items }) => (id === "seven" ? sum : sum + 199 + items[1]!.cents), 0);
  const [row] = await rowsOf(emulator, "PipelineOrders | summarize count(), tostring(sum(total))");
  assert.equal(row![0], 2_999);
  assert.equal(Number(row![1]), cents / 100);
  assert.match(example.lines.at(-1)!, /^2999 taken, 1 refused; in the table: 2999 rows/);
  assert.match(readFileSync(join(folder, "orders.ndjson.gz.refused"), "utf8"), /"seven"/);
});

test("worker: every record that the main thread has sent", async () => {
  const example = start("worker.mjs", emulator.url, "demo");
  await finished(example);
  assert.equal(example.lines.at(-1), "20000 rows landed");
  assert.deepEqual(await rowsOf(emulator, "WorkerNumbers | summarize count(), dcount(n, 4), max(n)"), [
    [20_000, 20_000, 19_999],
  ]);
});

const event = (kind: string, body: unknown) => `${JSON.stringify({ at: "2026-01-01T00:00:00Z", kind, body })}\n`;

test("http server: whole rows of interleaved requests, 503 while the service is ill, and all of it delivered at SIGTERM", async () => {
  const example = start("http-server.mjs", emulator.url, "demo");
  const url = await example.line(/^http:/);
  const post = (body: string) => fetch(url, { method: "POST", body });
  assert.equal((await fetch(url)).status, 404);

  // Each body is larger than a piece of a socket, so that rows are cut, and the last one of each has no newline.
  const kinds = ["a", "b", "c", "d"];
  const bodyOf = (kind: string) => Array.from({ length: 1_500 }, (_, i) => event(kind, "x".repeat(i % 200))).join("");
  const statuses = await Promise.all(kinds.map(async (kind) => (await post(bodyOf(kind).trimEnd())).status));
  assert.deepEqual(statuses, [202, 202, 202, 202]);
  assert.equal((await post(`${event("e", 1)}{"kind":\n${event("e", 2)}`)).status, 202);

  // Storage is ill: batches pile up, to the bound and no further.
  emulator.faults.answer("blob", 503, { requests: 1_000_000 });
  const batch = Array.from({ length: 1_000 }, (_, i) => event("f", i)).join("");
  let taken = 0;
  let refusal: Response | undefined;
  while (!refusal) {
    const answer = await post(batch);
    if (answer.status === 202) taken++;
    else refusal = answer;
    assert.ok(taken < 1_000, "back-pressure has never been told");
  }
  assert.equal(refusal.status, 503);
  assert.equal(refusal.headers.get("retry-after"), "1");
  emulator.faults.clear();

  example.child.kill("SIGTERM");
  await finished(example);
  assert.deepEqual(await landed("HttpEvents", 6_002 + taken * 1_000, "kind"), [
    ...kinds.map((kind) => [kind, 1_500]),
    ["e", 2],
    ["f", taken * 1_000],
  ]);
  assert.equal(example.lines.at(-1), `${6_002 + taken * 1_000} rows delivered, 1 refused`);
  assert.match(readFileSync(join(folder, "http-events.refused"), "utf8"), /"original":"\{\\"kind\\":"/);
});

/** Rows by group, once so many are there: without pollForIngestionStatus a sink ends when they have been taken. */
function landed(table: string, rows: number, by: string): Promise<unknown[][]> {
  return until(
    () => rowsOf(emulator, `${table} | summarize count() by ${by} | order by ${by} asc`),
    (groups) => groups.reduce((sum, group) => sum + Number(group[1]), 0) >= rows,
  );
}

test("custom state: killed twice, and each number is in the table once", async () => {
  const run = () => start("custom-state.mjs", emulator.url, "demo", "numbers");
  for (const checkpoint of [2, 4]) {
    const example = run();
    await example.line(new RegExp(`^checkpoint ${checkpoint}$`));
    example.child.kill("SIGKILL");
    assert.notEqual((await example.ended).code, 0);
  }
  const last = run();
  assert.ok(Number((await last.line(/^from /)).slice(5)) >= 16_000, "it goes on where a checkpoint stands");
  await finished(last);
  assert.equal(last.lines.at(-1), "20000 rows");
  assert.deepEqual(await rowsOf(emulator, "StateNumbers | summarize count(), dcount(n, 4), min(n), max(n)"), [
    [20_000, 20_000, 0, 19_999],
  ]);
});

test("custom state: an older lease is fenced, a damaged batch is noticed, and batches without a decision go", async () => {
  const { directoryState } = (await import(resolve("examples/directory-state.mjs"))) as {
    directoryState(folder: string): import("../src/connector.ts").StateBackend;
  };
  const backend = directoryState(join(folder, "fenced"));
  const { signal } = new AbortController();
  const batch = (id: string) => ({
    ...{ id, table: "T", format: "csv" as const, rows: 1, rawBytes: 2, packedBytes: 3, subtask: 0, firstRecord: 0 },
    ...{ lastRecord: 0, sealedBy: "flush" as const, parts: [new Uint8Array([1, 2]), new Uint8Array([3])] },
  });
  const first = await backend.open(signal);
  const kept = await first.log.append(1, batch("kept"));
  await first.log.append(2, batch("forgotten"));
  await first.log.seal(1);
  await first.compareAndSet([{ key: "epoch", expected: 0, value: { batches: [{ ...kept }] } }]);
  // Two that overlap: none is lost.
  await Promise.all(["a", "b"].map((key) => first.compareAndSet([{ key, expected: 0, value: key }])));
  assert.deepEqual([...first.read().keys()].sort(), ["a", "b", "epoch"]);
  await assert.rejects(first.compareAndSet([{ key: "a", expected: 0, value: 1 }]), { code: "STATE_FENCED" });

  const second = await backend.open(signal);
  assert.equal(second.generation, first.generation + 1);
  assert.deepEqual([...second.read()], [...first.read()]);
  await assert.rejects(first.compareAndSet([{ key: "a", expected: 1, value: 2 }]), { code: "STATE_FENCED" });
  assert.deepEqual(second.read().get("a"), { version: 1, value: "a" });
  await second.log.retain(new Set([kept.segment]));
  assert.equal(second.log.bytes, 3, "the batch that no entry speaks of is gone");
  assert.deepEqual([...(await second.log.read(kept))], [1, 2, 3]);
  writeFileSync(join(folder, "fenced", kept.segment), new Uint8Array([1, 2, 4]));
  await assert.rejects(second.log.read(kept), { code: "STATE_DAMAGED" });
  await second.log.trim(1);
  assert.equal(second.log.bytes, 0);
});

test("million: as many as it is asked for", async () => {
  const example = start("million.mjs", "20000");
  await finished(example);
  assert.match(example.lines.at(-1)!, /^20000 rows landed, peak resident memory \d+ MiB$/);
});

test("every example is run by a test", () => {
  const tests = readdirSync("test", { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => readFileSync(join("test", file), "utf8"))
    .join("\n");
  // What is written for another runtime is run there, by the runtime's name.
  const isRun = (name: string) =>
    [`"${name}"`, `/${name}"`, `"${name.replace(/\.ts$/, "")}"`].some((n) => tests.includes(n));
  const names = readdirSync("examples");
  assert.ok(names.length >= 8, `${names.length} examples found`);
  assert.deepEqual(
    names.filter((name) => !isRun(name)),
    [],
  );
  assert.ok(!isRun(["never", "run.mjs"].join("-")), "the check can fail");
});
