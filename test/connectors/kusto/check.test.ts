import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Server, Socket } from "node:net";
import { createServer as createTcpServer } from "node:net";
import { after, afterEach, before, test } from "node:test";
import type { KustoIngestionOptions } from "../../../src/connectors/kusto/index.ts";
import { type Emulator, type EmulatorSecurity, startEmulator } from "../../../src/emulator/index.ts";
import { selfSigned } from "../../../src/emulator/security/self-signed.ts";
import {
  type CheckItem,
  type CheckReport,
  type CheckTargetOptions,
  checkTarget,
  k,
  MillraceError,
  memoryState,
  open,
  table,
} from "../../../src/index.ts";
import {
  createMergeTableCommand,
  createOrAlterMappingCommand,
  type KustoAdmin,
  type KustoOptions,
  kusto,
  kustoAdmin,
} from "../../../src/kusto.ts";
import { eventNames } from "../../../src/telemetry/index.ts";
import { parted } from "../../../src/write-sink.ts";
import { startDouble, tableOf } from "./double.ts";

// What a check says is wrong is wrong, and what it says helps does help: against the emulator, with its roles and policies.

const database = "it's a db";
let emulator: Emulator;
let security: EmulatorSecurity;
let admin: KustoAdmin;
const servers: Server[] = [];
const sockets = new Set<Socket>();
/** One application each, for roles stay. */
const people = ["ingestor", "move", "append", "tag", "nobody"];

before(async () => {
  // A proxy of this machine's would make a host that does not answer a warning.
  for (const name of ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]) delete process.env[name];
  emulator = await startEmulator({
    databases: [database],
    security: {
      applications: [{ name: "admin", clusterRole: "AllDatabasesAdmin" }, ...people.map((name) => ({ name }))],
    },
  });
  security = emulator.security!;
  admin = await kustoAdmin(as("admin"));
});
after(async () => {
  admin?.close();
  await emulator?.close();
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

function application(name: string) {
  return security.applications.find((each) => each.name === name)!;
}

function as(name: string): KustoOptions {
  return { cluster: emulator.url, database, token: security.token(application(name).appId) };
}

type Looked = Omit<CheckTargetOptions, "to"> & KustoIngestionOptions;

function look(options: Looked, login: KustoOptions = as("admin")): Promise<CheckReport> {
  const { ingestion, sink } = parted(options);
  return checkTarget({ preset: "bulk", ...(sink as typeof options), to: kusto({ ...login, ...ingestion }) });
}

function item({ items }: CheckReport, name: string): CheckItem {
  return items.find((each) => each.name === name) ?? assert.fail(`${name} is not among ${items.map((i) => i.name)}`);
}

const of = ({ items }: CheckReport, status: CheckItem["status"]) =>
  items.filter((each) => each.status === status).map(({ name }) => name);

/** The command that a fix ends with. */
function commandOf({ fix }: CheckItem): string {
  return /: (\.[a-z].*)$/s.exec(fix ?? "")?.[1] ?? assert.fail(`no command in: ${fix}`);
}

async function listening(server: Server): Promise<number> {
  servers.push(server);
  server.on("connection", (socket: Socket) => sockets.add(socket.on("error", () => {})));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

let tables = 0;

/** A new table whose names need their quotes. */
async function target(columns = { ts: k.datetime(), "a device": k.string() }) {
  const made = table(`T'${++tables}`, columns);
  await admin.execute(createMergeTableCommand(made));
  return made;
}

test("a target that is as it should be: every item is ok", async () => {
  const report = await look({ table: await target() });
  assert.deepEqual(
    report.items.map(({ name, status }) => `${name}: ${status}`),
    [
      "trust",
      "dns",
      "connection",
      "login",
      "database",
      "view",
      "table",
      "schema",
      "ingest",
      "resources",
      "storage",
      "batching",
      "blob-size",
    ].map((name) => `${name}: ok`),
  );
  assert.equal(report.isReady, true);
  assert.ok(item(report, "login").message.includes(application("admin").principal), "the principal is named");
});

test("items are told as they are known, in their order", async () => {
  const told: CheckItem[] = [];
  const report = await look({ table: await target(), onItem: (each) => told.push(each) });
  assert.deepEqual(told, report.items);
});

test("a host that does not resolve, and its ingest- host", async () => {
  const login = { cluster: "https://nowhere.invalid", database, token: "x", trustedHosts: ["nowhere.invalid"] };
  const report = await look({ table: "T" }, login);
  assert.equal(report.isReady, false);
  assert.deepEqual(of(report, "failed"), ["dns", "ingest-dns"]);
  assert.deepEqual(of(report, "ok"), ["trust"]);
  assert.match(item(report, "dns").message, /^nowhere\.invalid is not resolved \((ENOTFOUND|EAI_AGAIN)\)\.$/);
  assert.match(item(report, "ingest-dns").message, /^ingest-nowhere\.invalid /);
  assert.equal(item(report, "dns").code, "UNREACHABLE");
  assert.ok(item(report, "dns").fix);
  assert.equal(item(report, "login").message, "connection comes first.");
});

test("a host that is not Kusto's is given no token", async () => {
  let asked = 0;
  const token = () => {
    asked++;
    return "x";
  };
  const report = await look({ table: "T" }, { cluster: "https://nowhere.invalid", database, token });
  assert.equal(item(report, "trust").code, "UNTRUSTED_HOST");
  assert.match(item(report, "trust").fix!, /trustedHosts: \["nowhere\.invalid"\]/);
  assert.equal(item(report, "login").status, "not reached");
  const alike = await look({ table: "T" }, { cluster: "https://adx.kusto.windwos.net", database, token });
  assert.equal(item(alike, "trust").code, "UNTRUSTED_HOST");
  assert.equal(item(alike, "trust").fix, "Did you mean https://adx.kusto.windows.net?");
  assert.equal(asked, 0);
});

test("a port on which nobody listens", async () => {
  const server = createTcpServer();
  const port = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  servers.length = 0;
  const report = await look({ table: "T" }, { cluster: `http://127.0.0.1:${port}`, database });
  assert.deepEqual(of(report, "failed"), ["connection"]);
  assert.deepEqual(of(report, "ok"), ["trust", "dns"]);
  assert.match(item(report, "connection").message, /ECONNREFUSED/);
  assert.equal(item(report, "connection").retryable, true);
});

test("a certificate that nobody trusts, by name", async () => {
  const { certificate, privateKey } = await selfSigned();
  const port = await listening(createTlsServer({ cert: certificate, key: privateKey }));
  const report = await look({ table: "T" }, { cluster: `https://localhost:${port}`, database });
  assert.deepEqual(of(report, "failed"), ["connection"]);
  assert.match(item(report, "connection").message, /has signed itself \(DEPTH_ZERO_SELF_SIGNED_CERT\)/);
  assert.match(item(report, "connection").fix!, /NODE_EXTRA_CA_CERTS/);
  assert.equal(item(report, "connection").retryable, false);
  assert.equal(item(report, "resources").status, "not reached");
});

test("something that does not speak TLS", async () => {
  const port = await listening(createTcpServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")));
  const report = await look({ table: "T" }, { cluster: `https://127.0.0.1:${port}`, database });
  assert.deepEqual(of(report, "failed"), ["connection"]);
  assert.match(item(report, "connection").fix!, /does not speak TLS/);
});

test("a login that fails, and a token that the cluster refuses", async () => {
  const made = await target();
  const none = () => Promise.reject(new Error("no token today"));
  const without = await look({ table: made }, { ...as("admin"), token: none });
  assert.deepEqual(of(without, "failed"), ["login"]);
  assert.match(item(without, "login").message, /no token today/);
  const report = await look(
    { table: made },
    { ...as("admin"), token: `${security.token(application("admin").appId)}x` },
  );
  assert.deepEqual(of(report, "failed"), ["login"]);
  assert.equal(item(report, "login").code, "UNAUTHENTICATED");
  assert.deepEqual(of(report, "ok"), ["trust", "dns", "connection"]);
});

test("a database that does not exist, with the nearest that does", async () => {
  const report = await look({ table: "T" }, { ...as("admin"), database: "it's a bd" });
  assert.deepEqual(of(report, "failed"), ["database"]);
  assert.equal(item(report, "database").code, "NOT_FOUND");
  assert.equal(item(report, "database").fix, `Did you mean ${database}?`);
  assert.equal(item(report, "ingest").status, "not reached");
});

test("a table that does not exist: the fix makes it", async () => {
  const made = table(`Missing'${++tables}`, { a: k.long(), "b c": k.dynamic() });
  const report = await look({ table: made });
  assert.deepEqual(of(report, "failed"), ["table"]);
  assert.deepEqual(of(report, "not reached"), ["schema", "ingest", "batching", "blob-size"]);
  await admin.execute(commandOf(item(report, "table")));
  assert.equal((await look({ table: made })).isReady, true);
});

test("by its name alone a table is checked with its own columns", async () => {
  const { name } = await target();
  const report = await look({ table: name });
  assert.match(item(report, "schema").message, /those of the table are used: ts:datetime, a device:string/);
  assert.equal((await look({ table: `${name}x` })).isReady, false);
});

test("schema: a column that the table lacks; the fix adds it", async () => {
  const { name } = await target();
  const declared = table(name, { ts: k.datetime(), "a device": k.string(), "it's new": k.real() });
  const report = await look({ table: declared });
  assert.deepEqual(of(report, "failed"), ["schema"]);
  assert.match(item(report, "schema").message, /no column it's new/);
  await admin.execute(commandOf(item(report, "schema")));
  assert.equal((await look({ table: declared })).isReady, true);
});

test("schema: a column of another type, and nothing that would harm the table's", async () => {
  const { name } = await target();
  const report = await look({ table: table(name, { ts: k.string(), "a device": k.string() }) });
  assert.deepEqual(of(report, "failed"), ["schema"]);
  assert.equal(item(report, "schema").code, "BAD_SCHEMA");
  assert.match(item(report, "schema").message, /ts is declared as string and is datetime/);
  assert.match(item(report, "schema").fix!, /^Declare ts as datetime;/);
  assert.ok(!item(report, "schema").fix!.includes(".alter"));
});

test("schema: another order matters to CSV without a mapping, and the fix's mapping helps", async () => {
  const { name } = await target();
  const declared = table(name, { "a device": k.string(), ts: k.datetime() });
  const report = await look({ table: declared });
  assert.deepEqual(of(report, "failed"), ["schema"]);
  assert.match(item(report, "schema").message, /Column 1 is declared as a device and is ts/);
  assert.equal((await look({ table: declared, format: "ndjson" })).isReady, true);
  await admin.execute(commandOf(item(report, "schema")));
  const mapped = await look({ table: declared, ingestionMappingRef: "millrace_csv" });
  assert.equal(item(mapped, "mapping").status, "ok");
  assert.equal(mapped.isReady, true);
});

test("schema: columns that are not declared are a warning", async () => {
  const { name } = await target();
  const report = await look({ table: table(name, { ts: k.datetime() }) });
  assert.deepEqual(of(report, "warning"), ["schema"]);
  assert.match(item(report, "schema").message, /a device:string/);
  assert.equal(report.isReady, true);
});

test("mapping: missing, or of the other kind; the fix makes it", async () => {
  const made = await target();
  await admin.execute(createOrAlterMappingCommand(made, "csv", "the 'map'"));
  const options = { table: made, ingestionMappingRef: "the 'map'", format: "ndjson" } as const;
  const report = await look(options);
  assert.deepEqual(of(report, "failed"), ["mapping"]);
  assert.match(item(report, "mapping").message, /no ingestion json mapping named the 'map'/);
  await admin.execute(commandOf(item(report, "mapping")));
  assert.equal((await look(options)).isReady, true);
});

test("mapping: one of the database is one", async () => {
  const made = await target();
  const text = JSON.stringify([
    { Column: "ts", Properties: { Path: "$.ts" } },
    { column: "a device", path: "$['a device']" },
  ]);
  await admin.execute(
    `.create database ['it\\'s a db'] ingestion json mapping 'shared' '${text.replaceAll("'", "\\'")}'`,
  );
  const report = await look({ table: made, ingestionMappingRef: "shared", format: "ndjson" });
  assert.equal(item(report, "mapping").status, "ok", item(report, "mapping").message);
});

const misfits: Record<string, [kind: "csv" | "json", mapping: object[], status: CheckItem["status"], says: RegExp]> = {
  "a field that it does not read, by number": [
    "csv",
    [{ Column: "ts", Properties: { Ordinal: "0" } }],
    "failed",
    /reads no a device/,
  ],
  "a field that it does not read, by path": [
    "json",
    [{ Column: "ts", Properties: { Path: "$.ts" } }],
    "failed",
    /reads no a device/,
  ],
  "a field whose type is another": [
    "csv",
    [
      { Column: "ts", Properties: { Ordinal: "1" } },
      { Column: "a device", Properties: { Ordinal: "0" } },
    ],
    "failed",
    /takes a device:string to ts:datetime/,
  ],
  "a column that is not there, without a type": [
    "csv",
    [
      { Column: "ts", Properties: { Ordinal: "0" } },
      { Column: "gone", Properties: { Ordinal: "1" } },
    ],
    "failed",
    /names gone, which the table has not/,
  ],
  "a column that is not there, which the service makes": [
    "csv",
    [
      { Column: "ts", DataType: "datetime", Properties: { Ordinal: "0" } },
      { Column: "a device", DataType: "string", Properties: { Ordinal: "1" } },
      { Column: "more", DataType: "long", Properties: { ConstValue: "7" } },
    ],
    "warning",
    /names more:long/,
  ],
  "parts of members, and the whole record": [
    "json",
    [
      { Column: "ts", Properties: { Path: "$.ts", Transform: "DateTimeFromUnixSeconds" } },
      { Column: "a device", Properties: { Path: "$" } },
    ],
    "ok",
    /fills 2 of the table's 2 columns/,
  ],
};

for (const [what, [kind, mapping, status, says]] of Object.entries(misfits))
  test(`mapping: ${what}`, async () => {
    const made = await target();
    await admin.execute(
      `.create table ['${made.name.replace("'", "\\'")}'] ingestion ${kind} mapping 'm' '${JSON.stringify(mapping)}'`,
    );
    const report = await look({ table: made, ingestionMappingRef: "m", format: kind === "csv" ? "csv" : "ndjson" });
    const found = item(report, "mapping");
    assert.equal(found.status, status, found.message);
    assert.match(found.message, says);
    assert.equal(report.isReady, status !== "failed");
  });

/** Runs the fix of the first failed item as an admin, until none fails. */
async function repaired(options: Looked, who: string): Promise<string[]> {
  const granted: string[] = [];
  for (let report = await look(options, as(who)); !report.isReady; report = await look(options, as(who))) {
    const first = report.items.find(({ status }) => status === "failed")!;
    assert.equal(first.code, "FORBIDDEN", first.message);
    assert.ok(granted.length < 5, first.message);
    const command = commandOf(first);
    assert.ok(command.endsWith(` ('${application(who).principal}')`), command);
    await admin.execute(command);
    granted.push(`${first.name}: ${command.slice(0, command.lastIndexOf(" ("))}`);
  }
  return granted;
}

test("rights: an ingestor needs one role, and may not look", async () => {
  const made = await target();
  const name = made.name.replace("'", "\\'");
  assert.deepEqual(await repaired({ table: made }, "ingestor"), [`ingest: .add table ['${name}'] ingestors`]);
  const blind = await look({ table: made }, as("ingestor"));
  assert.deepEqual(of(blind, "warning"), ["view"]);
  assert.deepEqual(of(blind, "not reached"), ["table", "schema", "batching", "blob-size"]);
  assert.equal(blind.isReady, true);
  await admin.execute(commandOf(item(blind, "view")));
  const seeing = await look({ table: made }, as("ingestor"));
  assert.deepEqual(of(seeing, "ok").length, seeing.items.length);
  // And what it says is so: rows do arrive.
  const sink = await open({
    table: made,
    to: kusto({ ...as("ingestor"), flushImmediately: true, pollForIngestionStatus: true, pollIntervalMs: 20 }),
  });
  sink.write({ ts: "2024-05-06", "a device": "x" });
  await sink.close();
  assert.equal((await admin.query(`['${name}'] | count`)).rows[0]![0], 1);
});

const users = `.add database ['it\\'s a db'] users`;
const needed = {
  move: (name: string) => [`view: ${users}`, `commit: .add table ['${name}'] admins`],
  append: (name: string) => [`view: ${users}`, `commit: .add table ['${name}'] ingestors`],
  tag: (name: string) => [`view: .add database ['it\\'s a db'] viewers`, `ingest: .add table ['${name}'] ingestors`],
} as const;

for (const commitMode of ["move", "append", "tag"] as const)
  test(`rights: exactly once by ${commitMode} needs these, one by one, and then a sink opens`, async () => {
    const made = await target();
    const options = { table: made, deliveryGuarantee: "exactly-once" } as const;
    assert.deepEqual(
      await repaired({ ...options, commitMode }, commitMode),
      needed[commitMode](made.name.replace("'", "\\'")),
    );
    const { rows } = await admin.execute(".show tables");
    assert.ok(!rows.some(([name]) => String(name).includes("__millrace_check_")), "nothing stays behind");
    const sink = await open({
      ...options,
      to: kusto({ ...as(commitMode), commitMode }),
      check: true,
      state: memoryState(),
    });
    await sink.close();
  });

test("rights: who may look but not create fails at staging", async () => {
  const made = await target();
  await admin.execute(`.add database ['it\\'s a db'] viewers ('${application("nobody").principal}')`);
  const report = await look({ table: made, deliveryGuarantee: "exactly-once" }, as("nobody"));
  assert.deepEqual(of(report, "failed"), ["staging"]);
  assert.equal(item(report, "commit").message, "staging comes first.");
  assert.ok(commandOf(item(report, "staging")).startsWith(users));
  await admin.execute(`.drop database ['it\\'s a db'] viewers ('${application("nobody").principal}')`);
});

test("batching: small batches, flushing at once, waits that are too short; each fix helps", async () => {
  const made = await target();
  const small = await look({ table: made, preset: undefined });
  assert.deepEqual(of(small, "warning"), ["batching"]);
  assert.match(item(small, "batching").message, /^Batches of 1000 records .* up to 500 for up to 00:05:00;/);
  assert.match(item(small, "batching").fix!, /batchSize of 3000 or more/);
  assert.equal(item(await look({ table: made, preset: undefined, batchSize: 3_000 }), "batching").status, "ok");

  const flushing = await look({ table: made, flushImmediately: true });
  assert.match(item(flushing, "batching").message, /flushImmediately has the service load each blob by itself/);

  const impatient = { table: made, pollForIngestionStatus: true };
  const waiting = await look(impatient);
  assert.match(item(waiting, "batching").message, /up to 00:05:00, and pollTimeoutMs 300000 gives up by then/);
  await admin.execute(commandOf(item(waiting, "batching")));
  assert.match(item(await look(impatient), "batching").message, /60 s in the sink and 00:00:30 in the service/);

  const staging = { table: made, deliveryGuarantee: "exactly-once" } as const;
  const hasty = await look({ ...staging, attemptTimeoutMs: 10_000 });
  assert.deepEqual(of(hasty, "warning"), ["batching"]);
  assert.match(
    item(hasty, "batching").message,
    /staging table for up to 00:00:10, and attemptTimeoutMs 10000 gives up/,
  );
  assert.match(item(hasty, "batching").fix!, /attemptTimeoutMs to 40000/);
  assert.equal(item(await look({ ...staging, attemptTimeoutMs: 40_000 }), "batching").status, "ok");
});

test("batching: what bears an ingest-by: tag is loaded by itself, whatever the policy says", async () => {
  const made = await target();
  const name = `['${made.name.replace("'", "\\'")}']`;
  await admin.execute(`.alter table ${name} policy ingestionbatching '{"MaximumBatchingTimeSpan":"00:30:00"}'`);
  const tagging = { table: made, deliveryGuarantee: "exactly-once", commitMode: "tag" } as const;
  const patient = item(await look({ ...tagging, attemptTimeoutMs: 60_000 }), "batching");
  assert.equal(patient.status, "ok");
  assert.match(patient.message, /by itself and at once, .* \(commitMode "tag"\)\.$/);
  const small = item(await look({ ...tagging, batchSize: 99_999 }), "batching");
  assert.equal(small.status, "warning");
  assert.match(small.message, /one of 99999 records \(batchSize\) is 100\.0 MB at 1 kB a record/);
  assert.equal(item(await look({ ...tagging, batchSize: 100_000 }), "batching").status, "ok");
  assert.equal(item(await look({ table: made, ingestByTags: ["t"], batchSize: 10 }), "batching").status, "warning");
  const capped = await look({ table: made, ingestByTags: ["t"], clientBatchSizeLimit: 50_000_000 });
  assert.match(item(capped, "batching").message, /is 50\.0 MB at 1 kB/);
  // A tag that stages says nothing of it.
  assert.match(
    item(await look({ ...tagging, commitMode: "move", ingestByTags: ["t"] }), "batching").message,
    /gathers/,
  );
  // And what it says is so: the rows do not wait for the policy's half an hour.
  const sink = await open({
    table: made,
    to: kusto({ ...as("admin"), ingestByTags: ["t"], pollForIngestionStatus: true }),
  });
  sink.write({ ts: "2024-05-06", "a device": "x" });
  await sink.close();
  assert.equal((await admin.query(`${name} | count`)).rows[0]![0], 1);
});

test("blob-size: a blob larger than what the policy ends a batch at; each fix helps", async () => {
  const made = await target();
  const name = `['${made.name.replace("'", "\\'")}']`;
  const bound = 100 * 1_048_576;
  const size = async (options: Partial<Looked>) => item(await look({ table: made, ...options }), "blob-size");
  assert.match(
    (await size({})).message,
    /at most 314\.6 MB uncompressed, of which the service gathers up to 1073\.7 MB/,
  );
  assert.equal((await size({ clientBatchSizeLimit: 1024 ** 3 })).status, "ok", "the service's own policy takes any");
  await admin.execute(
    `.alter table ${name} policy ingestionbatching '{"MaximumRawDataSizeMB":100,"MaximumNumberOfItems":7}'`,
  );
  const large = await size({});
  assert.equal(large.status, "warning");
  assert.match(large.message, /^clientBatchSizeLimit 314572800 is more than the 104857600 bytes .*MB 100\)/);
  assert.match(large.fix!, /^Set clientBatchSizeLimit to 104857600 or less/);
  assert.equal((await size({ clientBatchSizeLimit: bound })).status, "ok");
  assert.equal((await size({ clientBatchSizeLimit: bound + 1 })).status, "warning");
  // What is loaded by itself anyway is not gathered, and only what is staged shares blobs.
  assert.equal((await size({ flushImmediately: true })).status, "ok");
  assert.equal((await size({ ingestByTags: ["t"] })).status, "ok");
  assert.equal((await size({ clientBatchSizeLimit: bound, blobBytesLimit: bound + 1 })).status, "ok");
  // The staging table has a policy of its own.
  assert.equal((await size({ deliveryGuarantee: "exactly-once" })).status, "ok");
  await admin.execute(commandOf(large));
  assert.equal((await size({})).status, "ok");
  const { rows } = await admin.execute(`.show table ${name} policy ingestionbatching`);
  const { MaximumRawDataSizeMB, MaximumNumberOfItems } = JSON.parse(String(rows[0]![2]));
  assert.deepEqual([MaximumRawDataSizeMB, MaximumNumberOfItems], [300, 7], "the rest stays as it was");
});

test("blob-size: where staging may not set its policy, the database's counts, and blobBytesLimit with it", async () => {
  const double = await startDouble();
  try {
    double.answer = (csl) => {
      const empty = tableOf(["TableName"], []);
      if (/^\.show (table|database) .* policy ingestionbatching/.test(csl)) {
        const policy = csl.startsWith(".show database") ? '{"MaximumRawDataSizeMB":100}' : "null";
        return tableOf(["PolicyName", "EntityName", "Policy"], [["p", "e", policy]]);
      }
      if (/^\.show (table|database) .* policy /.test(csl)) return tableOf(["Policy"], [["null"]]);
      if (csl.includes("extents") || csl === ".show tables") return empty;
      if (/^\.alter table .* policy ingestionbatching/.test(csl))
        return { status: 403, body: { error: { code: "Forbidden", message: "not you", "@permanent": true } } };
      return /^\.(create|alter|drop) /.test(csl) ? empty : undefined;
    };
    const made = table("T", { a: k.long(), b: k.string() });
    const size = async (clientBatchSizeLimit: number, blobBytesLimit: number, ingestByTags: string[] = []) => {
      const limits = { clientBatchSizeLimit, blobBytesLimit };
      const options = { table: made, deliveryGuarantee: "exactly-once", ingestByTags, ...limits } as const;
      return item(await look(options, { cluster: double.url, database: "db" }), "blob-size");
    };
    const bound = 100 * 1_048_576;
    assert.equal((await size(bound, bound)).status, "ok");
    const shared = await size(bound, bound + 1);
    assert.match(shared.message, /^blobBytesLimit 104857601 is more than .* the staging table's batching policy ends/);
    assert.equal(shared.fix, "Set blobBytesLimit to 104857600 or less.");
    assert.deepEqual(await size(bound, bound + 1, ["t"]), shared, "what is staged bears no ingest-by: tag");
    assert.match(
      (await size(bound + 2, bound + 1)).message,
      /^clientBatchSizeLimit 104857602 and blobBytesLimit 104857601 are/,
    );
  } finally {
    await double.close();
  }
});

test("batching: where the table has no policy, the database's counts", async () => {
  const made = await target();
  const policy = { MaximumBatchingTimeSpan: "00:01:00", MaximumNumberOfItems: 20, MaximumRawDataSizeMB: 1000 };
  await admin.execute(`.alter database ['it\\'s a db'] policy ingestionbatching '${JSON.stringify(policy)}'`);
  const report = await look({ table: made, preset: undefined, batchSize: 10_000 });
  await admin.execute(`.delete database ['it\\'s a db'] policy ingestionbatching`);
  assert.match(item(report, "batching").message, /up to 20 for up to 00:01:00; .* from 52\.4 MB on/);
});

test("retention of tags and rows: less than 7 days is a warning, and the fix keeps what others have set", async () => {
  const made = await target();
  const name = `['${made.name.replace("'", "\\'")}']`;
  const rules = [
    { TagPrefix: "drop-by:", RetentionPeriod: "1.00:00:00" },
    { TagPrefix: "millrace:", RetentionPeriod: "6.23:59:59" },
  ];
  await admin.execute(`.alter table ${name} policy extent_tags_retention '${JSON.stringify(rules)}'`);
  await admin.execute(
    `.alter table ${name} policy retention '{"SoftDeletePeriod":"3.00:00:00","Recoverability":"Disabled"}'`,
  );
  const options = { table: made, deliveryGuarantee: "exactly-once" } as const;
  const report = await look(options);
  assert.deepEqual(of(report, "warning"), ["tag-retention", "retention"]);
  assert.equal(report.isReady, true);
  // Tags of this prefix are no business of this mode.
  assert.equal(item(await look({ ...options, commitMode: "tag" }), "tag-retention").status, "ok");
  for (const each of ["tag-retention", "retention"]) await admin.execute(commandOf(item(report, each)));
  assert.deepEqual(of(await look(options), "warning"), []);
  const { rows } = await admin.execute(`.show table ${name} policy extent_tags_retention`);
  assert.deepEqual(JSON.parse(String(rows[0]![2])), [
    rules[0],
    { TagPrefix: "millrace:", RetentionPeriod: "7.00:00:00" },
  ]);
  // At least once knows no tags.
  assert.ok(!(await look({ table: made })).items.some((each) => each.name.endsWith("retention")));
});

test("storage: an account that is not there is a warning beside one that is, and a failure alone", async () => {
  const double = await startDouble();
  try {
    const closed = createTcpServer();
    const port = await listening(closed);
    await new Promise((resolve) => closed.close(resolve));
    servers.length = 0;
    double.answer = (csl) =>
      csl.includes("policy") ? tableOf(["PolicyName", "EntityName", "Policy"], [["p", "e", "null"]]) : undefined;
    const made = table("T", { a: k.long(), b: k.string() });
    const login = { cluster: double.url, database: "db" };
    const dead: [string, string] = ["TempStorage", `http://127.0.0.1:${port}/dead/temp?sig=secret-of-it`];
    double.resources = () => [...double.defaultResources(), dead];
    const one = item(await look({ table: made }, login), "storage");
    assert.equal(one.status, "warning");
    assert.match(one.message, new RegExp(`127\\.0\\.0\\.1:${port} .*ECONNREFUSED.* Batches go to the others`));
    double.resources = () => [dead, ...double.defaultResources().filter(([type]) => type !== "TempStorage")];
    const report = await look({ table: made }, login);
    assert.equal(item(report, "storage").status, "failed");
    assert.equal(item(report, "storage").code, "UNREACHABLE");
    assert.ok(!JSON.stringify(report).includes("sig="), "no SAS is told");
    double.resources = () => [
      ["TempStorage", "https://storage.evil.example/c?sig=secret"],
      ...double.defaultResources(),
    ];
    const foreign = item(await look({ table: made }, login), "resources");
    assert.equal(foreign.code, "UNTRUSTED_HOST");
    assert.match(foreign.fix!, /trustedHosts: \["storage\.evil\.example"\]/);
    assert.doesNotMatch(JSON.stringify(foreign), /secret/);
    double.resources = () => [];
    assert.equal(item(await look({ table: made }, login), "resources").code, "SERVICE_UNAVAILABLE");
  } finally {
    await double.close();
  }
});

test("a cluster that does not answer costs one item's time, and what depends on it is not reached", async () => {
  const mute = createTcpServer((socket) => socket.resume());
  const port = await listening(mute);
  const report = await look({ table: "T" }, { cluster: `http://127.0.0.1:${port}`, database, requestTimeoutMs: 200 });
  assert.deepEqual(of(report, "failed"), ["login"]);
  assert.match(item(report, "login").message, /no answer within 200 ms/);
  assert.equal(item(report, "database").status, "not reached");
});

test("a check is aborted at once", async () => {
  const mute = createTcpServer((socket) => socket.resume());
  const port = await listening(mute);
  const controller = new AbortController();
  mute.once("connection", (socket) => {
    // The check's own look at the port comes first and is closed again; the next is a request.
    mute.once("connection", (next) => {
      controller.abort(new Error("enough"));
      next.destroy();
    });
    socket.resume();
  });
  await assert.rejects(
    look({ table: "T", signal: controller.signal }, { cluster: `http://127.0.0.1:${port}`, database }),
    { code: "ABORTED" },
  );
});

test("open({ check: true }) fails with the first failed item's code and all items, before anything is sent", async () => {
  const { name } = await target();
  const declared = table(name, { ts: k.string() });
  const error = await open({ table: declared, to: kusto(as("admin")), check: true }).then(
    () => assert.fail("it opened"),
    (thrown) => thrown as MillraceError,
  );
  assert.ok(error instanceof MillraceError);
  assert.equal(error.code, "BAD_SCHEMA");
  assert.equal(error.context.item, "schema");
  assert.match(
    error.message,
    /is not ready: schema: ts is declared as string and is datetime in the table.* Declare ts as datetime/,
  );
  const items = JSON.parse(String(error.context.items)) as CheckItem[];
  assert.equal(items.find((each) => each.name === "table")!.status, "ok");
  assert.equal(items.find((each) => each.name === "schema")!.status, "failed");
});

test("open({ check: true }) tells warnings by an event; without it nothing is looked at", async () => {
  const made = await target();
  const heard: unknown[] = [];
  const listen = (message: unknown) => heard.push(message);
  assert.ok((eventNames as readonly string[]).includes("millrace:check:warning"));
  subscribe("millrace:check:warning", listen);
  try {
    await (await open({ table: made, to: kusto(as("admin")) })).close();
    assert.deepEqual(heard, []);
    await (await open({ table: made, to: kusto(as("admin")), check: true })).close();
    const [{ sink: _, ...event }] = heard as unknown as [Record<string, unknown>];
    assert.equal(heard.length, 1);
    assert.equal(event.table, made.name);
    assert.equal(event.name, "batching");
    assert.match(String(event.fix), /bulk/);
  } finally {
    unsubscribe("millrace:check:warning", listen);
  }
});
