import { test } from "node:test";
import { randomWords, seedOf } from "../assembly/compile-kernels.ts";
import { json } from "./json.ts";
import { jsonFiles } from "./json-files.ts";
import { raw } from "./raw.ts";

// A slice of `npm run fuzz` for those subjects that no other test makes a campaign of.

for (const [subject, least] of [
  [json(), 4_000],
  [raw(), 400],
  [jsonFiles(), 200],
] as const) {
  const seed = seedOf();
  test(`${subject.name}: ${least} cases, seed ${seed}`, async () => {
    const next = randomWords(seed);
    for (let cases = 0; cases < least; ) cases += await subject.step(next);
  });
}
