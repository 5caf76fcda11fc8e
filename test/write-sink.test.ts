import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { MillraceError } from "../src/errors.ts";
import { k, table } from "../src/schema/table.ts";
import { KustoConnectionOptions, KustoWriteOptions, KustoWriteSink } from "../src/write-sink.ts";

const readings = table("Readings", { n: k.int() });

test("KustoWriteOptions has the connector's names and defaults", () => {
  const built = KustoWriteOptions.builder().withDatabase("iot").withTable(readings).build();
  assert.equal(built.database, "iot");
  assert.equal(built.table, readings);
  assert.deepEqual(built.options, {
    deliveryGuarantee: "at-least-once",
    batchSize: 1_000,
    batchIntervalMs: 30_000,
    clientBatchSizeLimit: 314_572_800,
    flushImmediately: false,
    ingestByTags: [],
    additionalTags: [],
    pollForIngestionStatus: false,
  });
});

test("every with...() of the connector sets its option", () => {
  const { options } = KustoWriteOptions.builder()
    .withDatabase("iot")
    .withTable(readings)
    .withIngestionMappingRef("map")
    .withFlushImmediately(true)
    .withBatchIntervalMs(-1)
    .withBatchSize(7)
    .withClientBatchSizeLimit(1_000)
    .withIngestByTags(["a"])
    .withAdditionalTags(["b"])
    .withPollForIngestionStatus(true)
    .withTagBatches(true)
    .withDeliveryGuarantee("none")
    .build();
  assert.deepEqual(options, {
    deliveryGuarantee: "none",
    batchSize: 7,
    batchIntervalMs: 0,
    clientBatchSizeLimit: 1_000,
    flushImmediately: true,
    ingestByTags: ["a"],
    additionalTags: ["b"],
    pollForIngestionStatus: true,
    tagBatches: true,
    ingestionMappingRef: "map",
  });
});

test("KustoConnectionOptions keeps the key out of sight", () => {
  const connection = KustoConnectionOptions.builder()
    .setClusterUrl("https://adx.westeurope.kusto.windows.net")
    .setAppId("app")
    .setAppKey("very-secret")
    .setTenantId("tenant")
    .build();
  assert.doesNotMatch(
    inspect(connection, { depth: null, showHidden: true }) + JSON.stringify(connection),
    /very-secret/,
  );
  assert.deepEqual(connection.toKustoOptions("iot"), {
    cluster: "https://adx.westeurope.kusto.windows.net",
    database: "iot",
    appId: "app",
    appKey: "very-secret",
    tenantId: "tenant",
  });
});

for (const [what, act] of [
  ["setClusterUrl", () => KustoConnectionOptions.builder().build()],
  ["withDatabase", () => KustoWriteOptions.builder().withTable(readings).build()],
  ["withTable", () => KustoWriteOptions.builder().withDatabase("iot").build()],
  ["setConnectionOptions", () => KustoWriteSink.builder().build([])],
] as const)
  test(`a missing ${what}() is named`, () => {
    assert.throws(
      act,
      (error: unknown) =>
        error instanceof MillraceError && error.code === "BAD_OPTION" && error.message.includes(`${what}()`),
    );
  });
