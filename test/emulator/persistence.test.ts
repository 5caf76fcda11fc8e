import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { ContainerClient } from "@azure/storage-blob";
import { QueueClient } from "@azure/storage-queue";
import { startEmulator } from "../../src/emulator/index.ts";
import { ask, rowsOf, until } from "./ask.ts";
import { gone } from "./process.ts";

let root: string;
const children = new Set<ChildProcess>();
before(async () => {
  root = await mkdtemp(join(tmpdir(), "millrace-data-"));
});
after(async () => {
  for (const child of children) child.kill("SIGKILL");
  await rm(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

/** The emulator as users start it, in a process that can be killed. */
async function started(data: string): Promise<{ url: string; kill(): Promise<void> }> {
  const child = spawn(process.execPath, ["--import", "tsx", "src/cli/main.ts", "emulator", "--data", data, "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.add(child);
  const exited = new Promise((resolve) => child.once("exit", resolve));
  for await (const line of createInterface({ input: child.stdout! }))
    return {
      url: (JSON.parse(line) as { url: string }).url,
      async kill() {
        child.kill("SIGKILL");
        await exited;
        children.delete(child);
      },
    };
  throw new Error("The emulator said nothing.");
}

type At = Parameters<typeof ask>[0];
const at = (url: string) => ({ url }) as At;
const count = async (url: string, query: string) => Number((await rowsOf(at(url), query))[0]![0]);

test("killed in the midst of queued ingestion: nothing that was taken is lost, and no blob is there in part", async () => {
  const data = join(root, "killed");
  const blobs = 41;
  const rowsInBlob = 200;
  let emulator = await started(data);
  await ask(at(emulator.url), ".create table T (blob:long, n:long)");
  const resources = await rowsOf(at(emulator.url), ".get ingestion resources");
  const [[token]] = (await rowsOf(at(emulator.url), ".get kusto identity token")) as [[string]];
  const all = (type: string) => resources.filter(([each]) => each === type).map(([, url]) => String(url));
  const queues = all("SecuredReadyForAggregationQueue").map((url) => new QueueClient(url));
  const containers = all("TempStorage").map((url) => new ContainerClient(url));
  const post = async (number: number) => {
    const blob = containers[number % containers.length]!.getBlockBlobClient(`b${number}.csv`);
    await blob.uploadData(Buffer.from(Array.from({ length: rowsInBlob }, (_, n) => `${number},${n}`).join("\n")));
    const message = {
      ...{ Id: randomUUID(), BlobPath: blob.url, RawDataSize: 2_000, DatabaseName: "demo", TableName: "T" },
      AdditionalProperties: { authorizationContext: token, format: "csv", tags: `["b${number}"]` },
    };
    await queues[number % queues.length]!.sendMessage(Buffer.from(JSON.stringify(message)).toString("base64"));
  };
  await assert.rejects(startEmulator({ data }), { code: "STATE_IN_USE" }, "another process is noticed");
  // What is acknowledged just before the end must be there, too.
  await ask(at(emulator.url), ".create table Last (a:string) with (folder='f')");
  await ask(at(emulator.url), ".ingest inline into table Last with (tags='[\"t\"]') <| x");
  const posting = Promise.all(Array.from({ length: blobs - 1 }, (_, number) => post(number)));
  // All are posted, some are in, some are not: the process dies between them.
  await posting;
  await until(
    () => count(emulator.url, "T | summarize dcount(blob)"),
    (there) => there >= 3,
  );
  // One more, answered to a moment before the end: storage saves what it has not saved yet when it sees its parent gone.
  await post(blobs - 1);
  await emulator.kill();

  emulator = await started(data);
  await until(
    () => count(emulator.url, "T | summarize dcount(blob)"),
    (there) => there === blobs,
  );
  // At least once: a blob can be there twice, in two extents, and each of them has all of its rows.
  assert.equal(
    await count(emulator.url, "T | summarize distinct = dcount(n) by blob | where distinct != 200 | count"),
    0,
  );
  assert.equal(await count(emulator.url, ".show table T extents | where RowCount != 200 | count"), 0);
  const [[rows, byExtents]] = (await rowsOf(
    at(emulator.url),
    ".show table T extents | summarize count() | project count_ * 200, count_",
  )) as [[number, number]];
  assert.equal(await count(emulator.url, "T | count"), rows);
  assert.ok(byExtents >= blobs);

  assert.deepEqual(await rowsOf(at(emulator.url), "Last | project a, tags = tostring(extent_tags())"), [
    ["x", '["t"]'],
  ]);
  await emulator.kill();
});

test("a directory that is in use, of another version, or no directory is refused by name", async () => {
  const data = join(root, "refused");
  const first = await startEmulator({ data });
  const pid = first.storage.pid;
  await assert.rejects(startEmulator({ data }), { code: "STATE_IN_USE", message: /refused.*another directory/ });
  await ask(first, ".create table T (a:string)");
  await first.close();
  await gone(pid);

  const file = join(data, "emulator.json");
  const identity = await readFile(file, "utf8");
  assert.ok(!identity.includes("undefined"));
  await writeFile(file, identity.replace('"format":1', '"format":2'));
  await assert.rejects(startEmulator({ data }), { code: "STATE_FOREIGN", message: /format 2.*this one knows 1/ });
  await writeFile(file, "{");
  await assert.rejects(startEmulator({ data }), { code: "STATE_DAMAGED" });
  await writeFile(file, identity);

  const second = await startEmulator({ data, databases: ["demo", "more"] });
  assert.deepEqual(second.databases, ["NetDefaultDB", "demo", "more"]);
  assert.deepEqual(await rowsOf(second, ".show tables | project TableName"), [["T"]]);
  // Clients that have an address of storage in their hands can go on.
  assert.deepEqual([second.storage.blob, second.storage.queue], [first.storage.blob, first.storage.queue]);
  await second.close();

  await writeFile(join(root, "file"), "");
  await assert.rejects(startEmulator({ data: join(root, "file") }), { code: "STATE_UNWRITABLE" });
  await mkdir(join(root, "odd"));
  await writeFile(
    join(root, "odd", "tables.duckdb"),
    "not a database, but long enough to be looked at as if it were one",
  );
  await assert.rejects(startEmulator({ data: join(root, "odd") }), { code: "STATE_DAMAGED" });
});
