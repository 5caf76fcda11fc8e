import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { ContainerClient } from "@azure/storage-blob";
import { QueueClient } from "@azure/storage-queue";
import { type Emulator, startEmulator } from "../src/emulator/index.ts";
import { telemetry, telemetryRecords } from "./corpora/telemetry.ts";

/**
 * How long a million rows take from the first upload until a query counts them, beside DuckDB's own loading of the same
 * CSV, and what memory is left when the blobs are collected: `npm run bench:emulator [-- ROWS [ROUNDS]]`.
 */
const rows = Number(process.argv[2] ?? 1_000_000);
const rounds = Number(process.argv[3] ?? 3);
const blobRows = 100_000;
const blobCount = Math.ceil(rows / blobRows);

const columns = Object.entries(telemetry.columns).map(([name, { kind }]) => ({ name, kind: String(kind) }));
const duckdbTypes: Readonly<Record<string, string>> = {
  bool: "BOOLEAN",
  datetime: "TIMESTAMP",
  int: "INTEGER",
  real: "DOUBLE",
  string: "VARCHAR",
};

function csvOf(count: number): string {
  const quoted = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines: string[] = [];
  for (const record of telemetryRecords(1)) {
    const values = Object.values(record).map((value) => (value instanceof Date ? value.toISOString() : String(value)));
    lines.push(values.map(quoted).join(","));
    if (lines.length === count) break;
  }
  return `${lines.join("\n")}\n`;
}

async function ask(emulator: Emulator, csl: string): Promise<unknown[][]> {
  const path = csl.startsWith(".") ? "/v1/rest/mgmt" : "/v1/rest/query";
  const answer = await fetch(emulator.url + path, { method: "POST", body: JSON.stringify({ db: "demo", csl }) });
  return ((await answer.json()) as { Tables: { Rows: unknown[][] }[] }).Tables[0]!.Rows;
}

/** Seconds from the first upload until all rows are counted. */
async function queued(emulator: Emulator, table: string, blob: Uint8Array, rawBytes: number): Promise<number> {
  const resources = await ask(emulator, ".get ingestion resources");
  const urls = (type: string) => resources.filter(([each]) => each === type).map(([, url]) => String(url));
  const containers = urls("TempStorage").map((url) => new ContainerClient(url));
  const queues = urls("SecuredReadyForAggregationQueue").map((url) => new QueueClient(url));
  await ask(emulator, `.create table ${table} (${columns.map(({ name, kind }) => `['${name}']:${kind}`).join(", ")})`);
  const start = performance.now();
  for (let n = 0; n < blobCount; n++) {
    const client = containers[n % containers.length]!.getBlockBlobClient(`${table}-${n}.csv.gz`);
    await client.uploadData(blob);
    const message = {
      ...{
        Id: crypto.randomUUID(),
        BlobPath: client.url,
        RawDataSize: rawBytes,
        DatabaseName: "demo",
        TableName: table,
      },
      ...{ RetainBlobOnSuccess: true, FlushImmediately: true, AdditionalProperties: { format: "csv" } },
    };
    await queues[n % queues.length]!.sendMessage(Buffer.from(JSON.stringify(message)).toString("base64"));
  }
  for (;;) {
    const [[count]] = (await ask(emulator, `${table} | count`)) as [[number]];
    if (count >= blobCount * blobRows) return (performance.now() - start) / 1_000;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Seconds that DuckDB takes for the same text from files, with the types given. */
async function plain(text: string): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-bench-"));
  try {
    const files = Array.from({ length: blobCount }, (_, n) => join(folder, `${n}.csv`));
    for (const file of files) await writeFile(file, text);
    const { DuckDBInstance } = await import("@duckdb/node-api");
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    const types = columns.map(({ name, kind }) => `'${name}': '${duckdbTypes[kind]}'`).join(", ");
    const list = files.map((file) => `'${file}'`).join(", ");
    const start = performance.now();
    await connection.run(
      `CREATE TABLE t AS SELECT * FROM read_csv([${list}], auto_detect=false, header=false, delim=',', quote='"', escape='"', columns={${types}})`,
    );
    const seconds = (performance.now() - start) / 1_000;
    connection.closeSync();
    instance.closeSync();
    return seconds;
  } finally {
    await rm(folder, { recursive: true });
  }
}

function residentMegabytes(pid: number | "self"): string {
  try {
    const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kilobytes ? `${Math.round(Number(kilobytes) / 1024)} MB` : "unknown";
  } catch {
    return "unknown";
  }
}

const text = csvOf(blobRows);
const blob = gzipSync(text);
const emulator = await startEmulator({ blobRetentionMs: 0 });
try {
  console.log(`${blobCount * blobRows} rows, ${blobCount} blobs of ${(blob.length / 1e6).toFixed(1)} MB gzip`);
  for (let round = 1; round <= rounds; round++) {
    const seconds = await queued(emulator, `T${round}`, blob, text.length);
    const beside = await plain(text);
    await ask(emulator, `.drop table T${round}`);
    console.log(
      `round ${round}: visible after ${seconds.toFixed(2)} s, plain DuckDB ${beside.toFixed(2)} s, ratio ${(seconds / beside).toFixed(2)}; ` +
        `resident: this process ${residentMegabytes("self")}, Azurite ${residentMegabytes(emulator.storage.pid)}`,
    );
  }
} finally {
  await emulator.close();
}
