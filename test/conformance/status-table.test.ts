import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { TableClient } from "@azure/data-tables";
import { ContainerClient } from "@azure/storage-blob";
import { QueueClient } from "@azure/storage-queue";
import { type Emulator, startEmulator } from "../../src/emulator/index.ts";
import { ask, rowsOf, until } from "../emulator/ask.ts";

// Clients of typed languages cast what they read from the status table: Java's SDK before 7.0.3 casts the three ids to UUID.
// The oracle is @azure/data-tables, which gives a type only where the answer names one.

let emulator: Emulator;
let table: TableClient;

before(async () => {
  emulator = await startEmulator();
  const url = new URL(await resource("IngestionsStatusTable"));
  const [account, name] = url.pathname.slice(1).split("/") as [string, string];
  table = new TableClient(`${url.origin}/${account}${url.search}`, name, { allowInsecureConnection: true });
  await ask(emulator, ".create table T (a:string, b:long)");
});
after(() => emulator.close());

async function resource(type: string): Promise<string> {
  const found = (await rowsOf(emulator, ".get ingestion resources")).find(([each]) => each === type);
  return String(found![1]);
}

/** Posts a message as a client does that wants its status in the table. */
async function announce(id: string, into: string): Promise<void> {
  const container = new ContainerClient(await resource("TempStorage"));
  const blob = container.getBlockBlobClient(`${randomUUID()}.csv`);
  await blob.uploadData(Buffer.from("x,1\n"));
  const message = {
    Id: id,
    BlobPath: blob.url,
    DatabaseName: "demo",
    TableName: into,
    ReportLevel: 2,
    ReportMethod: 1,
    FlushImmediately: true,
    IngestionStatusInTable: {
      TableConnectionString: await resource("IngestionsStatusTable"),
      PartitionKey: id,
      RowKey: id,
    },
    AdditionalProperties: { format: "csv" },
  };
  const queue = new QueueClient(await resource("SecuredReadyForAggregationQueue"));
  await queue.sendMessage(Buffer.from(JSON.stringify(message)).toString("base64"));
}

/** The row when it has left Pending, types not dropped. */
const told = (id: string) =>
  until(
    () => table.getEntity<Record<string, unknown>>(id, id, { disableTypeConversion: true }),
    ({ Status }) => typed(Status).value !== "Pending",
  );

/** What Java's SDK writes, and one property of every type that a table has. */
const written = (id: string) => ({
  partitionKey: id,
  rowKey: id,
  Status: "Pending",
  IngestionSourceId: { type: "Guid" as const, value: id },
  UpdatedOn: { type: "DateTime" as const, value: "2020-01-01T00:00:00.1234567Z" },
  guid: { type: "Guid" as const, value: "74be27de-1e4e-49d9-b579-fe0b331d3642" },
  datetime: { type: "DateTime" as const, value: "2020-02-29T23:59:59.1234567Z" },
  long: { type: "Int64" as const, value: "9007199254740993" },
  int: 7,
  real: 1.5,
  nan: { type: "Double" as const, value: "NaN" },
  bool: true,
  binary: { type: "Binary" as const, value: "AQID" },
  text: "74be27de-1e4e-49d9-b579-fe0b331d3643",
});

const writings = {
  insert: (id: string) => table.createEntity(written(id)),
  "insert or replace": (id: string) => table.upsertEntity(written(id), "Replace"),
  "insert or merge": (id: string) => table.upsertEntity(written(id), "Merge"),
  "insert and merge": async (id: string) => {
    await table.createEntity({ partitionKey: id, rowKey: id, Status: "Pending", guid: "text before" });
    await table.updateEntity(written(id), "Merge");
  },
  "insert and replace": async (id: string) => {
    await table.createEntity({ partitionKey: id, rowKey: id, Status: "Pending", long: "text before" });
    await table.updateEntity(written(id), "Replace");
  },
};

for (const [name, write] of Object.entries(writings))
  test(`${name}: the emulator's update keeps the type of every property, and gives its own theirs`, async () => {
    const id = randomUUID();
    await write(id);
    await announce(id, "T");
    const row = await told(id);
    const { partitionKey: _p, rowKey: _r, Status: _s, UpdatedOn: _u, ...kept } = written(id);
    // The reader names every type that it was told of.
    const expected = {
      ...kept,
      int: { type: "Int32", value: "7" },
      real: { type: "Double", value: "1.5" },
      bool: { type: "Boolean", value: "true" },
      text: { type: "String", value: kept.text },
    };
    for (const [property, value] of Object.entries(expected)) assert.deepEqual(typed(row[property]), value, property);
    assert.equal(typed(row.Status).value, "Succeeded");
    for (const property of ["OperationId", "ActivityId"]) assert.equal(typed(row[property]).type, "Guid", property);
    assert.equal(typed(row.UpdatedOn).type, "DateTime");
  });

/** With its type: where the answer names none, that of the value in JSON, which the client may leave bare. */
function typed(value: unknown): { type: string; value: string } {
  if (typeof value === "boolean") return { type: "Boolean", value: String(value) };
  if (typeof value === "number") return { type: Number.isInteger(value) ? "Int32" : "Double", value: String(value) };
  return typeof value === "string" ? { type: "String", value } : (value as { type: string; value: string });
}

test("a failure's row has types too", async () => {
  const id = randomUUID();
  await table.createEntity({ partitionKey: id, rowKey: id, Status: "Pending" });
  await announce(id, "NoSuchTable");
  const row = await told(id);
  assert.equal(typed(row.Status).value, "Failed");
  assert.deepEqual(typed(row.IngestionSourceId), { type: "Guid", value: id });
  assert.deepEqual(typed(row.OriginatesFromUpdatePolicy), { type: "Boolean", value: "false" });
  assert.deepEqual(typed(row.ErrorCode), { type: "String", value: "BadRequest_TableNotExist" });
});

test("an id that is no GUID stays text", async () => {
  const id = "my source's id";
  await table.createEntity({ partitionKey: id, rowKey: id, Status: "Pending" });
  await announce(id, "T");
  assert.deepEqual(typed((await told(id)).IngestionSourceId), { type: "String", value: id });
});

test("each level of metadata names the types that Azure's documentation gives it", async () => {
  const id = randomUUID();
  await table.createEntity(written(id));
  await announce(id, "T");
  await told(id);
  const [address, sas] = (await resource("IngestionsStatusTable")).split("?") as [string, string];
  const row = `${address}(PartitionKey='${id}',RowKey='${id}')?${sas}`;
  const read = async (level: string) => {
    const answer = await fetch(row, { headers: { accept: `application/json;odata=${level}` } });
    return (await answer.json()) as Record<string, unknown>;
  };
  const types = (entity: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(entity).filter(([name]) => name.endsWith("@odata.type")));
  const named = {
    "IngestionSourceId@odata.type": "Edm.Guid",
    "OperationId@odata.type": "Edm.Guid",
    "ActivityId@odata.type": "Edm.Guid",
    "UpdatedOn@odata.type": "Edm.DateTime",
    "guid@odata.type": "Edm.Guid",
    "datetime@odata.type": "Edm.DateTime",
    "long@odata.type": "Edm.Int64",
    "nan@odata.type": "Edm.Double",
    "binary@odata.type": "Edm.Binary",
  };
  assert.deepEqual(types(await read("nometadata")), {});
  assert.deepEqual(types(await read("minimalmetadata")), named);
  assert.deepEqual(types(await read("fullmetadata")), { ...named, "Timestamp@odata.type": "Edm.DateTime" });
});
