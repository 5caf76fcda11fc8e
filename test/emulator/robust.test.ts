import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { QueueClient } from "@azure/storage-queue";
import fc from "fast-check";
import { type Emulator, startEmulator } from "../../src/emulator/index.ts";
import { ask, rowsOf, until } from "./ask.ts";

let emulator: Emulator;
before(async () => {
  emulator = await startEmulator();
  await ask(
    emulator,
    ".create table T (s:string, l:long, i:int, r:real, t:datetime, g:timespan, m:decimal, d:dynamic, u:guid, b:bool)",
  );
  await ask(
    emulator,
    '.ingest inline into table T <| x,1,2,1.5,2020-01-01,1.02:03:04,1.5,"{""a"":[1]}",74be27de-1e4e-49d9-b579-fe0b331d3642,true\n,,,,,,,,,',
  );
});
after(() => emulator.close());

const columns = ["s", "l", "i", "r", "t", "g", "m", "d", "u", "b"];
const literals = [
  "1",
  "1.5",
  "'x'",
  "true",
  "1h",
  "datetime(2020-01-01)",
  "decimal(1.5)",
  "int(null)",
  "dynamic([1])",
  "real(nan)",
  "long(-9223372036854775808)",
];
const name = fc.constantFrom(...columns, ...literals);
const functions = [
  "tostring",
  "tolong",
  "toint",
  "toreal",
  "todatetime",
  "totimespan",
  "todecimal",
  "tobool",
  "toguid",
  "parse_json",
  "isnull",
  "isempty",
  "strlen",
  "abs",
  "sqrt",
  "log",
  "not",
  "startofday",
  "getyear",
  "array_length",
  "toupper",
  "dayofweek",
  "ago",
];
const binary = [
  "+",
  "-",
  "*",
  "/",
  "%",
  "==",
  "!=",
  "<",
  ">=",
  "and",
  "or",
  "has",
  "contains",
  "startswith",
  "=~",
  "matches regex",
];
const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { depthSize: "small", maxDepth: 3 },
    name,
    fc.tuple(fc.constantFrom(...functions), tie("expression")).map(([f, x]) => `${f}(${x})`),
    fc.tuple(tie("expression"), fc.constantFrom(...binary), tie("expression")).map(([a, op, b]) => `(${a} ${op} ${b})`),
    fc.tuple(tie("expression"), tie("expression")).map(([a, b]) => `iff(isnull(${a}), ${b}, ${a})`),
    fc.tuple(tie("expression"), tie("expression")).map(([a, b]) => `bin(${a}, ${b})`),
  ),
}));
const aggregate = fc
  .tuple(fc.constantFrom("sum", "avg", "min", "max", "dcount", "take_any", "stdev"), name)
  .map(([f, x]) => `${f}(${x})`);
const operator = fc.oneof(
  expression.map((x) => `where ${x}`),
  expression.map((x) => `extend z = ${x}`),
  expression.map((x) => `project z = ${x}, s`),
  expression.map((x) => `sort by ${x}`),
  expression.map((x) => `top 3 by ${x}`),
  fc.tuple(aggregate, name).map(([a, x]) => `summarize ${a} by ${x}`),
  name.map((x) => `distinct ${x}`),
  fc.constant("count"),
  fc.constant("take 1"),
);

async function post(path: string, body: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`${emulator.url}${path}`, { method: "POST", body });
  return { status: response.status, text: await response.text() };
}

test("any query is answered or refused: no failure of ours, no SQL in the refusal", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operator, { minLength: 1, maxLength: 3 }), async (operators) => {
      const csl = `T | ${operators.join(" | ")}`;
      const { status, text } = await post("/v2/rest/query", JSON.stringify({ db: "demo", csl }));
      assert.ok(status === 200 || status === 400, `${csl}: ${status} ${text}`);
      if (status === 200) JSON.parse(text);
      else assert.doesNotMatch(text, /Binder Error|Parser Error|Catalog Error|Conversion Error/, csl);
    }),
    { numRuns: 200 },
  );
});

test("any text at all is answered or refused", async () => {
  const pieces = fc.constantFrom(
    "T",
    "|",
    "where",
    "project",
    "(",
    ")",
    "'",
    '"',
    "['",
    "']",
    ".",
    ".show",
    ".create table",
    "let",
    ";",
    "=",
    "1",
    "\n",
    "//",
    "{",
    "<|",
    "\0",
    "😀",
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(pieces, fc.string({ unit: "binary", maxLength: 5 })), { maxLength: 12 }),
      async (words) => {
        const { status, text } = await post("/v2/rest/query", JSON.stringify({ db: "demo", csl: words.join(" ") }));
        assert.ok(status === 200 || status === 400, `${words.join(" ")}: ${status} ${text}`);
      },
    ),
    { numRuns: 100 },
  );
});

test("any bytes into streaming ingestion are rows or a refusal, and the next ones are rows", async () => {
  await ask(emulator, ".create table B (a:string, b:long, c:dynamic)");
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 60 }),
      fc.constantFrom("csv", "json", "multijson", "tsv", "orc"),
      async (bytes, format) => {
        const response = await fetch(`${emulator.url}/v1/rest/ingest/demo/B?streamFormat=${format}`, {
          method: "POST",
          body: bytes,
        });
        assert.ok(response.status === 200 || response.status === 400, `${response.status} ${await response.text()}`);
      },
    ),
    { numRuns: 100 },
  );
  await ask(emulator, ".clear table B data");
  assert.equal((await post("/v1/rest/ingest/demo/B?streamFormat=csv", "x,1,2\n")).status, 200);
  assert.equal((await ask(emulator, "B")).rows, '[["x",1,2]]');
});

test("commands, ingestion and queries at once do not trip over each other", async () => {
  await ask(emulator, ".create table Busy (a:string)");
  const acts = Array.from({ length: 12 }, async (_, n) => {
    await ask(emulator, `.create-merge table Busy (c${n % 4}:long)`);
    await ask(emulator, ".ingest inline into table Busy <| x");
    await ask(emulator, "Busy | count");
    await ask(emulator, `.create-merge table Own${n % 3} (a:string)`);
  });
  await Promise.all(acts);
  assert.equal((await ask(emulator, "Busy | count")).rows, "[[12]]");
});

test("a client that goes away in mid-request harms nobody", async () => {
  const port = Number(new URL(emulator.url).port);
  for (const head of [
    "POST /v1/rest/ingest/demo/T?streamFormat=csv HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\nx,1",
    "POST /v2/rest/query HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n{",
    "rubbish\r\n\r\n",
  ]) {
    const before = (await ask(emulator, "T | count")).rows;
    await new Promise<void>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => socket.write(head, () => setTimeout(() => socket.destroy(), 20)));
      socket.on("close", () => resolve()).on("error", () => resolve());
    });
    assert.equal((await ask(emulator, "T | count")).rows, before);
  }
});

test("the status row of a message is updated, if it is in our table", async () => {
  const resources = await rowsOf(emulator, ".get ingestion resources");
  const of = (type: string) => String(resources.find(([each]) => each === type)![1]);
  const [table, sas] = of("IngestionsStatusTable").split("?") as [string, string];
  const headers = { "content-type": "application/json", accept: "application/json;odata=nometadata" };
  const key = "0d1f7e5e-0000-4000-8000-000000000000";
  const created = await fetch(`${table}?${sas}`, {
    method: "POST",
    headers,
    body: JSON.stringify({ PartitionKey: key, RowKey: key, Status: "Pending" }),
  });
  assert.equal(created.status, 201);
  const message = {
    Id: key,
    BlobPath: `${of("TempStorage").replace("?", "/gone.csv?")}`,
    DatabaseName: "demo",
    TableName: "T",
    ReportLevel: 2,
    ReportMethod: 1,
    IngestionStatusInTable: { TableConnectionString: of("IngestionsStatusTable"), PartitionKey: key, RowKey: key },
  };
  await new QueueClient(of("SecuredReadyForAggregationQueue")).sendMessage(
    Buffer.from(JSON.stringify(message)).toString("base64"),
  );
  const row = async () =>
    (await (await fetch(`${table}(PartitionKey='${key}',RowKey='${key}')?${sas}`, { headers })).json()) as Record<
      string,
      string
    >;
  const updated = await until(row, ({ Status }) => Status !== "Pending");
  assert.equal(updated.Status, "Failed");
  assert.equal(updated.ErrorCode, "Download_SourceNotFound");
});
