import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { ClientRequestProperties } from "azure-kusto-data";
import { type Emulator, startEmulator } from "../../src/emulator/index.ts";
import { ask } from "../emulator/ask.ts";
import { type Clients, clientsOf } from "./sdk.ts";

/** What azure-kusto-data asks and reads, unmodified. */
let emulator: Emulator;
let clients: Clients;
before(async () => {
  emulator = await startEmulator();
  clients = clientsOf(emulator);
});
after(async () => {
  clients.close();
  await emulator.close();
});

const types = ["string", "bool", "int", "long", "real", "datetime", "timespan", "guid", "decimal", "dynamic"];
const nothing = `print '', ${types
  .slice(1)
  .map((type) => `${type}(null)`)
  .join(", ")}`;
const everything =
  "print s='it\\'s', b=true, i=int(-5), l=9007199254740991, r=1.5, t=datetime(2020-02-29T23:59:59.123Z), g=-(1d + 2h + 0.5s), u=guid(74be27de-1e4e-49d9-b579-fe0b331d3642), m=decimal(1.25), d=dynamic({'x':[1,null]})";

for (const [version, run] of [
  ["v2", (csl: string) => clients.data.executeQuery("demo", csl)],
  ["v1", (csl: string) => clients.data.executeQueryV1("demo", csl)],
] as const) {
  test(`${version}: all ten types, as the client turns them into its own, and their nulls`, async () => {
    const table = (await run(everything)).primaryResults[0]!;
    assert.deepEqual([...table.rows()][0]!.toJSON(), {
      s: "it's",
      b: true,
      i: -5,
      l: Number.MAX_SAFE_INTEGER,
      r: 1.5,
      t: new Date("2020-02-29T23:59:59.123Z"),
      g: -(26 * 3_600_000 + 500),
      u: "74be27de-1e4e-49d9-b579-fe0b331d3642",
      m: "1.25",
      d: { x: [1, null] },
    });
    assert.deepEqual(
      table.columns.map(({ type }) => type),
      types,
    );
    const { raw } = [...(await run(nothing)).primaryResults[0]!.rows()][0] as unknown as { raw: unknown[] };
    assert.deepEqual(raw, ["", ...Array(9).fill(null)]);
  });

  test(`${version}: the tables about the query are told from its result`, async () => {
    const answer = await run("range n from 1 to 3 step 1 | render barchart");
    assert.equal(answer.primaryResults.length, 1);
    assert.deepEqual(
      answer.tables.map(({ kind }) => kind),
      version === "v2"
        ? ["QueryProperties", "PrimaryResult", "QueryCompletionInformation"]
        : ["PrimaryResult", "QueryProperties", "QueryCompletionInformation", "TableOfContents"],
    );
    const properties = answer.tables.find(({ kind }) => kind === "QueryProperties")!;
    assert.match(JSON.stringify([...properties.rows()]), /barchart/);
    assert.deepEqual(answer.getErrorsCount(), { errors: 0, warnings: 0 });
    assert.deepEqual(answer.getExceptions(), []);
  });
}

test("client request properties: parameters, options, who asks and under what id", async () => {
  const properties = new ClientRequestProperties({ query_language: "kql" }, undefined, "millrace.js;1", "me", "tests");
  properties.setTimeout(60_000);
  // A client may ask for frames as they come; an answer at once is one of the service's ways.
  properties.setOption("results_progressive_enabled", true);
  properties.setParameter("n", "41");
  properties.setParameter("who", "it's; .drop table T");
  properties.setParameter("at", "datetime(2020-01-01)");
  const csl =
    "declare query_parameters(n:long, who:string, at:datetime, g:timespan = 1h); print a=n + 1, who, b=at + g";
  const answer = await clients.data.executeQuery("demo", csl, properties);
  const { raw } = [...answer.primaryResults[0]!.rows()][0] as unknown as { raw: unknown[] };
  assert.deepEqual(raw, [42, "it's; .drop table T", "2020-01-01T01:00:00Z"]);
  const completion = answer.tables.find(({ kind }) => kind === "QueryCompletionInformation")!;
  assert.equal([...completion.rows()][0]!.toJSON<{ ClientRequestId: string }>().ClientRequestId, "millrace.js;1");
  properties.clearParameters();
  await assert.rejects(clients.data.executeQuery("demo", csl, properties), isRefusal(/'n' has no value/));
});

test("executeMgmt: of the engine and of data management, with a default database too", async () => {
  const [version] = (await clients.data.executeMgmt(null, ".show version")).primaryResults[0]!.rows();
  assert.equal(version!.toJSON<{ ServiceType: string }>().ServiceType, "Engine");
  // Java's SDK asks for the resources by `.show`.
  const resources = async (verb: string) =>
    [...(await clients.data.executeMgmt("demo", `.${verb} ingestion resources`)).primaryResults[0]!.rows()].map(
      (row) => row.toJSON<{ ResourceTypeName: string }>().ResourceTypeName,
    );
  assert.deepEqual(await resources("show"), await resources("get"));
  const unread = new ClientRequestProperties();
  unread.raw = true;
  const raw = await clients.data.execute("demo", ".show databases | project DatabaseName", unread);
  assert.deepEqual(
    (raw as unknown as { Tables: { Rows: unknown[] }[] }).Tables[0]!.Rows.flat().sort(),
    [...emulator.databases].sort(),
  );
});

interface Refusal {
  readonly response: { status: number; data: { error: Record<string, unknown> }; headers: Record<string, string> };
}

const isRefusal =
  (message: RegExp, code = "General_BadRequest") =>
  ({ response }: Refusal) => {
    const { error } = response.data;
    assert.equal(response.status, 400);
    assert.match(String(error["@message"]), message);
    assert.equal(error.code, code);
    assert.equal(error["@permanent"], true);
    return true;
  };

test("errors: as the client shows them, with the request's id", async () => {
  await assert.rejects(clients.data.execute("demo", "print nope"), isRefusal(/^Semantic error: SEM0100/));
  await assert.rejects(clients.data.execute("demo", "print 1 |"), isRefusal(/^Syntax error/));
  await assert.rejects(
    clients.data.executeMgmt("demo", ".show table Nope details"),
    isRefusal(/Nope/, "BadRequest_EntityNotFound"),
  );
  await assert.rejects(clients.data.execute("nope", "print 1"), isRefusal(/nope/, "BadRequest_DatabaseNotExist"));
  const properties = new ClientRequestProperties();
  properties.clientRequestId = "millrace.js;2";
  await assert.rejects(clients.data.execute("demo", "print nope", properties), ({ response }: Refusal) => {
    assert.equal(response.headers["x-ms-client-request-id"], "millrace.js;2");
    return response.headers["x-ms-activity-id"] !== undefined;
  });
});

test("errors: throttling has a class of its own, and an ill service its status", async () => {
  emulator.faults.answer("query", 429, { retryAfterSeconds: 1 });
  await assert.rejects(clients.data.execute("demo", "print 1"), { name: "ThrottlingError" });
  emulator.faults.answer("query", 503);
  await assert.rejects(clients.data.execute("demo", "print 1"), ({ response }: Refusal) => {
    assert.equal(response.data.error["@permanent"], false);
    return response.status === 503;
  });
  await clients.data.execute("demo", "print 1");
});

test("an answer is packed for those who take gzip, and for nobody else", async () => {
  const plain = (await ask(emulator, "range n from 1 to 100 step 1")).rows;
  for (const [accepted, isPacked] of [
    [undefined, false],
    ["identity", false],
    ["deflate, gzip;q=0", false],
    ["gzip,deflate", true],
    ["gzip;q=0.5", true],
  ] as const) {
    const { encoding, bytes } = await post("range n from 1 to 100 step 1", accepted);
    assert.equal(encoding, isPacked ? "gzip" : undefined, accepted);
    assert.ok(String(isPacked ? gunzipSync(bytes) : bytes).includes(plain), accepted);
  }
});

/** Node's own client, which adds no header and unpacks nothing. */
function post(csl: string, accepted?: string): Promise<{ encoding: string | undefined; bytes: Buffer }> {
  return new Promise((resolve, reject) => {
    const headers = accepted === undefined ? {} : { "accept-encoding": accepted };
    const sent = request(`${emulator.url}/v1/rest/query`, { method: "POST", headers }, async (response) => {
      const bytes = Buffer.concat(await response.toArray());
      resolve({ encoding: response.headers["content-encoding"], bytes });
    });
    sent.on("error", reject);
    sent.end(JSON.stringify({ db: "demo", csl }));
  });
}
