import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import type { FilesOptions } from "../../src/source/file-options.ts";
import { files } from "../../src/source/files.ts";

const folder = mkdtempSync(join(tmpdir(), "millrace-special-"));
after(() => rmSync(folder, { recursive: true }));
const isWindows = process.platform === "win32";

let count = 0;
function fifo(): string {
  const path = join(folder, `pipe-${++count}`);
  execFileSync("mkfifo", [path]);
  return path;
}

/** A process of its own writes: opening a pipe for writing waits for its reader. */
function writer(path: string, script: string): void {
  spawn("sh", ["-c", `exec > "$1"; ${script}`, "sh", path], { stdio: "ignore" });
}

async function read(patterns: string | string[], options: FilesOptions = {}, signal = new AbortController().signal) {
  const found: unknown[] = [];
  const source = files(patterns, options);
  try {
    for await (const { records } of source.read({}, signal)) found.push(...records.map(({ id }) => id));
  } finally {
    await source.close?.();
  }
  return found;
}

const descriptors = () => readdirSync("/proc/self/fd").length;

test("a pipe is read once, in pieces, also packed, and beside files", { skip: isWindows }, async () => {
  const path = fifo();
  writer(path, `printf '{"id":1}\\n{"id'; sleep 0.3; printf '":2}\\n'`);
  assert.deepEqual(await read(path), [1, 2]);

  const data = join(folder, "data.gz");
  writeFileSync(data, gzipSync(Array.from({ length: 50_000 }, (_, id) => `{"id":${id}}\n`).join("")));
  writer(path, `cat ${data}`);
  assert.equal((await read(path)).length, 50_000);

  const plain = join(folder, "plain.ndjson");
  writeFileSync(plain, '{"id":7}\n');
  writer(path, `echo '{"id":1}'`);
  const source = files([plain, path, plain]);
  assert.equal(source.recovery, "none", "a pipe gives each byte once");
  assert.equal(files(plain).recovery, "position");
  const plan = await source.plan();
  assert.deepEqual(
    plan.files.map(({ format }) => format),
    ["ndjson", "ndjson"],
  );
  assert.equal(plan.totalBytes, undefined);
  const found: unknown[] = [];
  for await (const { records } of source.read({}, new AbortController().signal)) found.push(...records);
  assert.deepEqual(found, [{ id: 7 }, { id: 1 }]);
});

test("the wait for a pipe's writer, and for its bytes, ends with an abort", {
  skip: process.platform !== "linux",
}, async () => {
  const path = fifo();
  const before = descriptors();
  for (const script of [undefined, "sleep 5", `printf '{"id":1}\\n{'; sleep 5`]) {
    if (script) writer(path, script);
    const abort = new AbortController();
    const reading = read(path, {}, abort.signal);
    setTimeout(() => abort.abort(), 200);
    await assert.rejects(reading, { code: "ABORTED" });
    const planned = new AbortController();
    const source = files(path);
    const plan = source.plan(planned.signal);
    setTimeout(() => planned.abort(), 50);
    if (script === undefined) await assert.rejects(plan, { code: "ABORTED" });
    else await plan.then(source.close, () => {}); // what is planned and not read has to be closed
  }
  // The system closes them in its own time.
  for (let turn = 0; turn < 100 && descriptors() > before; turn++)
    await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(descriptors() <= before, `${descriptors()} open files, and ${before} before`);
});

test("what is no file is said to be what it is", { skip: isWindows }, async (t) => {
  const server = createServer();
  const socket = join(folder, "socket");
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.after(() => server.close());
  await assert.rejects(read(socket), { code: "BAD_SOURCE", message: /socket: it is a socket\./ });
  await assert.rejects(read(folder), { code: "BAD_SOURCE", message: /it is a directory; name the files in it/ });
  const secret = join(folder, "secret.ndjson");
  writeFileSync(secret, '{"id":1}\n');
  chmodSync(secret, 0);
  if (process.getuid?.() === 0) t.diagnostic("the superuser may read everything: permissions were not tried");
  else await assert.rejects(read(secret), { code: "BAD_SOURCE", message: /secret\.ndjson: permission denied/ });
});

test("devices, and files of /proc that say they are empty", { skip: process.platform !== "linux" }, async () => {
  assert.deepEqual(await read("/dev/null"), []);
  const lines = readFileSync("/proc/filesystems", "utf8").trimEnd().split("\n");
  let records = 0;
  for await (const slice of files("/proc/filesystems", { format: "csv", delimiter: "\t" }).read(
    {},
    new AbortController().signal,
  ))
    records += slice.records.length;
  assert.equal(records, lines.length - 1);
  await assert.rejects(read("/dev/zero", { format: "ndjson", maxRecordBytes: 1_000 }, AbortSignal.timeout(300)), {
    code: "ABORTED",
  });
});
