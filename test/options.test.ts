import assert from "node:assert/strict";
import { test } from "node:test";
import { filesDestination } from "../src/connectors/files/index.ts";
import { kusto } from "../src/connectors/kusto/index.ts";
import type { KustoOptions } from "../src/connectors/kusto/options.ts";
import { socket } from "../src/connectors/streams/socket.ts";
import { stdout } from "../src/connectors/streams/stdout.ts";
import { memory } from "../src/destination/memory.ts";
import { type ErrorCode, MillraceError } from "../src/errors.ts";
import { nearestName } from "../src/option-names.ts";
import { defaults, resolveOptions, type SinkOptions } from "../src/options.ts";

function refusal(options: object): MillraceError {
  try {
    resolveOptions("open()", options as SinkOptions);
  } catch (error) {
    assert.ok(error instanceof MillraceError);
    assert.equal(error.code satisfies ErrorCode, "BAD_OPTION");
    return error;
  }
  return assert.fail(`${JSON.stringify(options)} was taken`);
}

test("the connector's defaults", () => {
  const options = resolveOptions("open()", {});
  assert.equal(options.batchIntervalMs, 30_000);
  assert.equal(options.batchSize, 1_000);
  assert.equal(options.clientBatchSizeLimit, 314_572_800);
  assert.equal(options.deliveryGuarantee, "at-least-once");
});

test("an undefined option is the default", () => {
  assert.equal(resolveOptions("open()", { batchSize: undefined }).batchSize, defaults.batchSize);
});

test("a preset is a group of defaults that own options override", () => {
  const options = resolveOptions("open()", { preset: "realtime", batchSize: 7 });
  assert.equal(options.batchIntervalMs, 1_000);
  assert.equal(options.batchSize, 7);
});

test("an unknown option is refused, and the nearest known one is named", () => {
  assert.match(refusal({ batchsize: 3 }).message, /no option batchsize\. Did you mean batchSize\?/);
  assert.match(refusal({ clientBatchLimit: 3 }).message, /clientBatchSizeLimit/);
  assert.match(refusal({ zzz: 3 }).message, /It takes: .*batchSize/);
});

test("an option of the destination is refused with a word about where it belongs", () => {
  const to = kusto({ cluster: "http://127.0.0.1:1", database: "db" });
  const given = { flushImmediately: true } as SinkOptions;
  assert.throws(() => resolveOptions("open()", given, to), {
    code: "BAD_OPTION",
    message: "open() has no option flushImmediately: it is one of the destination: give it to kusto().",
  });
  assert.throws(() => resolveOptions("open()", given, memory()), /open\(\) has no option flushImmediately\./);
});

for (const [options, named] of [
  [{ batchSize: 0 }, /batchSize is 0; it takes a whole number from 1/],
  [{ batchSize: 1.5 }, /batchSize is 1\.5/],
  [{ batchSize: "10" }, /batchSize is "10"/],
  [{ batchIntervalMs: -1 }, /batchIntervalMs is -1/],
  [{ clientBatchSizeLimit: Number.NaN }, /clientBatchSizeLimit is NaN/],
  [{ parallelism: -1 }, /parallelism/],
  [{ gzipLevel: 6 }, /gzipLevel is 6; it takes a whole number from 1 to 2/],
  [{ gzipLevel: 0 }, /gzipLevel is 0/],
  [{ deliveryGuarantee: "exactly" }, /deliveryGuarantee is "exactly"; it takes none, at-least-once/],
  [{ format: "parquet" }, /format/],
  [{ preset: "fast" }, /preset is "fast"; it takes realtime, bulk/],
  [{ deadLetter: "refused.ndjson" }, /deadLetter is "refused\.ndjson"; it takes fileDeadLetter\(path\)/],
  [{ deadLetter: null }, /deadLetter/],
  [{ signal: new AbortController() }, /signal is .*; it takes an AbortSignal/],
  [{ retryBaseMs: 20_000 }, /retryBaseMs 20000 is greater than retryMaxMs/],
] as const)
  test(`refused: ${JSON.stringify(options)}`, () => assert.match(refusal(options).message, named));

test("an option of open() that is given to a destination is refused with a word about where it belongs", () => {
  const wrong = { batchSize: 5 };
  for (const [name, make] of Object.entries({
    kusto: () => kusto({ cluster: "http://127.0.0.1:1", database: "d", ...wrong } as KustoOptions),
    filesDestination: () => filesDestination("out", wrong as never),
    stdout: () => stdout(wrong as never),
    socket: () => socket({ host: "localhost", port: 1, ...wrong }),
  }))
    assert.throws(make, {
      code: "BAD_OPTION",
      message: `${name}() has no option batchSize. It is an option of open().`,
    });
});

test("the nearest name is a slip of the keyboard away, or there is none", () => {
  assert.equal(nearestName("batchsze", ["batchSize", "format"]), "batchSize");
  assert.equal(nearestName("colour", ["batchSize", "format"]), undefined);
});
