import assert from "node:assert/strict";
import { test } from "node:test";
import { kusto } from "../../../src/connectors/kusto/index.ts";
import { ingestionDefaults, ingestionOf, isFlushed } from "../../../src/connectors/kusto/ingestion-options.ts";

test("the connector's defaults", () => {
  const options = ingestionOf({}, "kusto()");
  assert.deepEqual(options, ingestionDefaults);
  assert.equal(options.pollForIngestionStatus, false);
  assert.equal(options.pollTimeoutMs, 300_000);
  assert.deepEqual([options.ingestByTags, options.additionalTags], [[], []]);
  assert.equal(options.ingestionMappingRef, undefined);
});

test("an undefined option is the default", () => {
  assert.equal(ingestionOf({ pollTimeoutMs: undefined as never }, "kusto()").pollTimeoutMs, 300_000);
});

test("blobs ask to be loaded at once where the preset says realtime, unless the option says otherwise", () => {
  const flushed = (flushImmediately: boolean | undefined, preset?: string) =>
    isFlushed(ingestionOf(flushImmediately === undefined ? {} : { flushImmediately }, "kusto()"), preset);
  assert.deepEqual(
    [flushed(undefined), flushed(undefined, "bulk"), flushed(undefined, "realtime"), flushed(false, "realtime")],
    [false, false, true, false],
  );
  assert.equal(flushed(true, "bulk"), true);
});

for (const [options, named] of [
  [{ flushImmediately: "yes" }, /flushImmediately is a text; it takes true or false/],
  [{ ingestByTags: "x" }, /ingestByTags/],
  [{ additionalTags: [""] }, /additionalTags/],
  [{ ingestionMappingRef: "" }, /ingestionMappingRef is an empty text; it takes the name of a mapping/],
  [{ commitMode: "swap" }, /commitMode is a text; it takes move, append, tag/],
  [{ blobBytesLimit: 0 }, /blobBytesLimit is the number 0; it takes a whole number from 1 to/],
  [{ attemptTimeoutMs: 1.5 }, /attemptTimeoutMs is the number 1\.5/],
  [{ pollForIngestionStatus: true, pollIntervalMs: 600_000 }, /never be looked at/],
] as const)
  test(`refused: ${JSON.stringify(options)}`, () =>
    assert.throws(() => kusto({ cluster: "http://127.0.0.1:1", database: "db", ...(options as object) }), {
      code: "BAD_OPTION",
      message: named,
    }));
