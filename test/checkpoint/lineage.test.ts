import assert from "node:assert/strict";
import { test } from "node:test";
import {
  digestOf,
  knowsEpochs,
  knowsOpening,
  type Lineage,
  newLineageId,
  withLineage,
} from "../../src/checkpoint/lineage.ts";
import type { LoggedBatch } from "../../src/log/write-ahead-log.ts";

const [a, b, c] = ["aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc"];
/** Epochs 1 to 3 by a, 4 and 5 by b, which is open. */
const openings: Lineage[] = [
  { id: a, generation: 1, from: 1 },
  { id: b, generation: 2, from: 4 },
];

test("a state knows the epochs that it decided on, by the opening that did", () => {
  assert.equal(knowsEpochs(openings, 5, a, 1, 3), true);
  assert.equal(knowsEpochs(openings, 5, b, 4, 5), true);
  assert.equal(knowsEpochs(openings, 5, b, 4, 6), false, "the original went on behind the copy");
  assert.equal(knowsEpochs(openings, 5, a, 3, 4), false, "epoch 4 was another opening's here");
  assert.equal(knowsEpochs(openings, 5, b, 3, 4), false);
  assert.equal(knowsEpochs(openings, 5, c, 5, 5), false, "another copy decided on it");
});

test("epochs from before there were lineages are known up to where those begin", () => {
  const later: Lineage[] = [{ id: a, generation: 8, from: 6 }];
  assert.equal(knowsEpochs(later, 7, undefined, 1, 5), true);
  assert.equal(knowsEpochs(later, 7, undefined, 1, 6), false);
  assert.equal(knowsEpochs([], 5, undefined, 1, 5), true, "a state that this version opens first");
  assert.equal(knowsEpochs([], 5, undefined, 1, 6), false);
});

test("openings are known by their lineage, and those from before there were any", () => {
  assert.equal(knowsOpening(openings, 2, b), true);
  assert.equal(knowsOpening(openings, 2, c), false, "a copy that counts its generations alike");
  assert.equal(knowsOpening(openings, 3, c), false);
  assert.equal(knowsOpening(openings, 1, undefined), true);
});

test("of many openings the newest thousand are kept, and what is older counts as known", () => {
  let many: Lineage[] = [];
  for (let n = 1; n <= 1_500; n++) many = withLineage(many, { id: newLineageId(), generation: n, from: n });
  assert.equal(many.length, 1_000);
  assert.equal(knowsEpochs(many, 1_500, c, 500, 500), true);
  assert.equal(knowsEpochs(many, 1_500, c, 501, 501), false);
  assert.equal(knowsOpening(many, 500, c), true);
  assert.equal(knowsOpening(many, 501, c), false);
});

test("a digest tells epochs apart by the bytes, the ids and the number of rows of their batches", () => {
  const batch = (id: string, rows: number, sha256: string) => ({ id, rows, sha256 }) as LoggedBatch;
  const of = [
    [batch("x", 1, "11")],
    [batch("x", 1, "12")],
    [batch("x", 2, "11")],
    [batch("y", 1, "11")],
    [batch("x", 1, "11"), batch("y", 1, "11")],
  ];
  const digests = of.map(digestOf);
  assert.equal(new Set(digests).size, digests.length);
  for (const digest of digests) assert.match(digest, /^[0-9a-f]{12}$/);
  assert.equal(digestOf([batch("x", 1, "11")]), digests[0]);
});
