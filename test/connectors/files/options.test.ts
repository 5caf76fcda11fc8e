import assert from "node:assert/strict";
import { test } from "node:test";
import { filesDestination, filesOn } from "../../../src/connectors/files/index.ts";
import { k, memoryState, open, table } from "../../../src/index.ts";
import { memoryDisk } from "../../../src/log/memory-disk.ts";

test("options that are unknown or take another value are refused by name", () => {
  for (const [options, message] of [
    [{ compresion: "gzip" }, /no option compresion\. Did you mean compression\?/],
    [{ compression: "zstd" }, /compression is a text; it takes "gzip" or "none"/],
    [{ header: 1 }, /header is the number 1/],
    [{ maxFileBytes: 0 }, /maxFileBytes is the number 0; it takes a whole number from 1 on/],
    [{ maxFileRows: 1.5 }, /maxFileRows is the number 1.5/],
    [{ maxPartitions: "3" }, /maxPartitions is a text/],
    [{ readableBy: "everyone" }, /readableBy is a text; it takes "owner", "group" or "all"/],
    [{ partitionBy: "country" }, /partitionBy is a text; it takes a list of columns/],
    [{ partitionBy: [1] }, /partitionBy\[0\] is the number 1/],
    [
      { partitionBy: [{ column: "at", by: "week" }] },
      /partitionBy\[0\]\.by is a text; it takes "hour", "day" or "month"/,
    ],
    [{ partitionBy: [{ by: "day" }] }, /partitionBy\[0\]\.column is undefined/],
    [{ partitionBy: [{ column: "at", by: "day", utc: true }] }, /has no member utc/],
    [null, /options is null/],
  ] as const)
    assert.throws(() => filesDestination("x", options as never), { code: "BAD_OPTION", message });
  for (const folder of ["", 3, "a\0b"]) assert.throws(() => filesDestination(folder as string), { code: "BAD_OPTION" });
});

const events = table("T", {
  a: k.string(),
  A: k.string(),
  at: k.datetime(),
  at_day: k.string(),
  r: k.real(),
  d: k.dynamic(),
});

test("partitionBy that does not fit the table is refused when the sink opens", async () => {
  for (const [partitionBy, message] of [
    [["b"], /the table has no column b/],
    [["r"], /column r is of kind real/],
    [["d"], /column d is of kind dynamic/],
    [["at"], /column at is a datetime: use \{ column: "at", by: "day" \}/],
    [[{ column: "a", by: "day" }], /column a is of kind string, and by: "day" needs a datetime/],
    [[{ column: "at", by: "day" }], /column at_day has the name of the folders/],
    [["a", "A"], /two of them make folders named A=/],
  ] as const)
    for (const options of [{}, { deliveryGuarantee: "exactly-once", state: memoryState() } as const])
      await assert.rejects(open({ table: events, to: filesOn(memoryDisk(), "data", { partitionBy }), ...options }), {
        code: "BAD_OPTION",
        message,
      });
});

test("a sink says where an option of the destination belongs", async () => {
  const options = { table: events, to: filesOn(memoryDisk(), "data"), maxFileRows: 3 };
  await assert.rejects(open(options as never), { code: "BAD_OPTION", message: /filesDestination\(/ });
});
