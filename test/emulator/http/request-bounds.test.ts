import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { deflateRawSync, gzipSync } from "node:zlib";
import { filesOf } from "../../../src/emulator/blobs/files.ts";
import { type Emulator, startEmulator } from "../../../src/emulator/index.ts";
import { IngestionFailure } from "../../../src/emulator/ingestion-failure.ts";
import { ask, rowsOf } from "../ask.ts";

// The oracle of what is packed is node:zlib.
let emulator: Emulator;
before(async () => {
  emulator = await startEmulator();
  await ask(emulator, ".create table T (a:string, d:dynamic)");
});
after(() => emulator?.close());

const mebi = 1_048_576;

interface Answer {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

async function post(address: string, body: string | Uint8Array, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(`${emulator.url}${address}`, { method: "POST", body, headers });
  const { error } = (await response.json()) as { error?: Record<string, string> };
  return { status: response.status, code: error?.code ?? "", message: error?.["@message"] ?? "" };
}

const stream = (body: string | Uint8Array, format = "csv") =>
  post(`/v1/rest/ingest/demo/T?streamFormat=${format}`, body);
const query = (csl: string, Options: object = {}) =>
  post("/v2/rest/query", JSON.stringify({ db: "demo", csl, properties: { Options } }));

test("streaming ingestion takes 4 MiB as they come, and 16 MiB unpacked", { timeout: 120_000 }, async () => {
  const over = await stream("x\n".repeat(2 * mebi + 1));
  assert.deepEqual([over.status, over.code], [413, "PayloadTooLarge"]);
  const zeros = gzipSync(Buffer.alloc(17 * mebi, `${"0".repeat(65_535)}\n`));
  assert.ok(zeros.length < mebi);
  const bomb = await stream(zeros);
  assert.deepEqual([bomb.status, bomb.code], [400, "BadRequest_FileTooLarge"]);
  assert.deepEqual(await rowsOf(emulator, "T | count"), [[0]]);
  assert.equal((await stream(`${"x".repeat(3 * mebi)}\n`)).status, 200);
  assert.equal((await stream(gzipSync(`${"y".repeat(65_535)}\n`.repeat(240)))).status, 200);
  await ask(emulator, ".clear table T data");
});

test("one record of a bomb is not held without end, in any format", { timeout: 120_000 }, async () => {
  const packed = (start: string) => gzipSync(Buffer.concat([Buffer.from(start), Buffer.alloc(40 * mebi, "0")]));
  const { url, sas } = await container();
  for (const [format, start] of [
    ["csv", ""],
    ["tsve", ""],
    ["txt", ""],
    ["raw", ""],
    ["json", ""],
    ["multijson", '{"a":"'],
  ] as const) {
    const blob = `${url}/${format}.gz?${sas}`;
    const put = await fetch(blob, { method: "PUT", headers: { "x-ms-blob-type": "BlockBlob" }, body: packed(start) });
    assert.equal(put.status, 201);
    const csl = `.ingest into table T (h'${blob}') with (format='${format}')`;
    const { status, message } = await post("/v1/rest/mgmt", JSON.stringify({ db: "demo", csl }));
    assert.deepEqual(
      [status, message.includes("is too large: a record has more than")],
      [400, true],
      `${format}: ${message}`,
    );
  }
  assert.deepEqual(await rowsOf(emulator, "T | count"), [[0]]);
});

/** A container of the emulator's own storage. */
async function container(): Promise<{ url: string; sas: string }> {
  const resources = await rowsOf(emulator, ".get ingestion resources");
  const [url = "", sas = ""] = String(resources.find(([type]) => type === "TempStorage")![1]).split("?");
  return { url, sas };
}

test("what a blob may be unpacked counts all files of an archive", async () => {
  const packed = deflateRawSync(Buffer.alloc(2 * mebi, "0\n"));
  const header = (signature: number, bytes: number, write: (part: Buffer) => void) => {
    const part = Buffer.alloc(bytes);
    part.writeUInt32LE(signature);
    write(part);
    return part;
  };
  const local = header(0x04034b50, 30, (part) => {
    part.writeUInt16LE(8, 8);
    part.writeUInt32LE(packed.length, 18);
  });
  const entry = header(0x02014b50, 46, (part) => {
    part.writeUInt16LE(8, 10);
    part.writeUInt32LE(packed.length, 20);
  });
  const end = header(0x06054b50, 22, (part) => {
    part.writeUInt16LE(3, 10);
    part.writeUInt32LE(30 + packed.length, 16);
  });
  const archive = Buffer.concat([local, packed, entry, entry, entry, end]);
  const read = async (most: number) => {
    async function* bytes() {
      yield archive;
    }
    const { files, rawBytes } = filesOf(bytes(), undefined, most);
    for await (const file of files) for await (const _ of file);
    return rawBytes();
  };
  assert.equal(await read(6 * mebi), 6 * mebi);
  await assert.rejects(
    read(6 * mebi - 1),
    (error) => error instanceof IngestionFailure && error.code === "BadRequest_FileTooLarge",
  );
});

test("JSON of any depth is a value or a refusal", { timeout: 120_000 }, async () => {
  const deep = 200_000;
  const json = `{"a":"deep","d":${"[".repeat(deep)}${"]".repeat(deep)}}\n`;
  const { status } = await stream(json, "json");
  assert.ok(status === 200 || status === 400, `${status}`);
  for (const csl of [
    "T | where a == 'deep' | project d",
    "T | project d[0]",
    "T | mv-expand d",
    "T | project tostring(d)",
  ]) {
    const answer = await query(csl);
    assert.ok([200, 400].includes(answer.status), `${csl}: ${answer.status} ${answer.message}`);
  }
  const body = await post("/v2/rest/query", `${"[".repeat(deep)}${"]".repeat(deep)}`);
  assert.equal(body.status, 400);
  const policy = await post(
    "/v1/rest/mgmt",
    JSON.stringify({ db: "demo", csl: `.alter table T policy merge '${"[".repeat(deep)}${"]".repeat(deep)}'` }),
  );
  assert.equal(policy.status, 400, policy.message);
  assert.deepEqual((await query("print 1")).status, 200);
});

test("a body of a query is at most 8 MiB, packed or not", async () => {
  const text = JSON.stringify({ db: "demo", csl: `print "${"x".repeat(8 * mebi)}"` });
  assert.equal((await post("/v2/rest/query", text)).status, 413);
  assert.equal((await post("/v2/rest/query", gzipSync(text), { "content-encoding": "gzip" })).status, 413);
  assert.equal((await post("/page/kql", text)).status, 413);
  assert.equal((await query("print 1")).status, 200);
});

test("a query ends when its time is over, and others go on meanwhile", { timeout: 120_000 }, async () => {
  const endless =
    "range a from 1 to 100000000 step 1 | extend k = 1 | join kind=inner (range b from 1 to 100000000 step 1 | extend k = 1) on k | summarize sum(a * b)";
  const ending = query(endless, { servertimeout: "00:00:02" });
  assert.equal((await query("print 1")).status, 200);
  const { status, code, message } = await ending;
  assert.deepEqual([status, code], [504, "General_RequestTimeout"]);
  assert.match(message, /stopped after 2 s/);
  const wrong = await query("print 1", { servertimeout: "soon" });
  assert.equal(wrong.status, 400);
  assert.match(wrong.message, /'servertimeout' is no timespan/);
  for (const servertimeout of ["00:04:00", "0:04:00", "0.00:04:00", "00:04:00.0000000"])
    assert.equal((await query("print 1", { servertimeout })).status, 200, servertimeout);
});

test("an answer has at most 500 000 rows and 64 MiB, unless the query asks for all", { timeout: 120_000 }, async () => {
  const rows = "range x from 1 to 500001 step 1";
  assert.match((await query(rows)).message, /record count limit 500000 \(E_QUERY_RESULT_SET_TOO_LARGE\)/);
  assert.match(
    (await query(`range x from 1 to 700 step 1 | extend s = "${"x".repeat(100_000)}"`)).message,
    /data size limit 67108864 \(E_QUERY_RESULT_SET_TOO_LARGE\)/,
  );
  assert.equal((await query(`set notruncation; ${rows}`)).status, 200);
  assert.equal((await query(rows, { notruncation: true })).status, 200);
});
