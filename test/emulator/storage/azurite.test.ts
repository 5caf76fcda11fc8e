import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

test("Azurite still has the two intervals that we shorten, so that removed blobs give their memory back", () => {
  const require = createRequire(import.meta.url);
  const intervals = [
    require("azurite/dist/src/blob/utils/constants.js").DEFAULT_GC_INTERVAL_MS,
    require("azurite/dist/src/common/utils/constants.js").DEFAULT_EXTENT_GC_PROTECT_TIME_IN_MS,
  ];
  assert.deepEqual(intervals, [600_000, 600_000]);
});
