import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import { closureRow, type RowPacker } from "../../src/encode/closure-row.ts";
import { generatedRow } from "../../src/encode/generated-row.ts";
import type { TableShape } from "../../src/encode/layout.ts";
import { layoutOf } from "../../src/encode/layout.ts";
import type { Misfit } from "../../src/encode/misfit.ts";
import { openNodes } from "../../src/encode/node-text.ts";
import { nodeTape } from "../../src/encode/nodes.ts";
import { rowWriter, viewsOf } from "../../src/encode/row-text.ts";
import { tableAndRecords } from "./arbitraries.ts";

/** Values of every sort, so that most records with one of them are refused, and some are not. */
const anything = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    undefined,
    Number.NaN,
    2 ** 31,
    -(2 ** 31) - 1,
    2 ** 53,
    1.5,
    -0,
    2n ** 64n,
    "\ud83d",
    "\ude00",
    "x\ud83d",
    "\ude00x",
    "x".repeat(400_000),
    "x".repeat(1_048_577),
    new Date(Number.NaN),
    new Date(8.64e15),
    new Date(-8.64e15),
    new Date(253_402_300_799_999),
    [],
    () => 1,
    Symbol("s"),
    true,
  ),
  fc.anything({ withBigInt: true, withDate: true }),
);

function openTape(buffer: ArrayBuffer) {
  return { ...viewsOf(buffer), text: "", nodes: nodeTape("ndjson", true) };
}

/**
 * The row, and what is left on the tape but in the slots of dynamics: how often a column tries to take its values apart hangs on how
 * many it was given, and generated code gives it some twice.
 */
function packed(pack: RowPacker, table: TableShape, record: Record<string, unknown>): unknown[] {
  const { stride, slots } = layoutOf(table);
  // As a recycled buffer would be: what an earlier chunk left there must not show.
  const buffer = new ArrayBuffer(3 * stride);
  new Uint8Array(buffer).fill(0xaa);
  const tape = openTape(buffer);
  const text = pack(tape, stride, record);
  if (typeof text !== "string") return [text];
  const writer = rowWriter(table, "ndjson");
  const nodes = openNodes(tape.nodes);
  assert.equal(writer.textUnits(tape, stride, nodes), text.length);
  const row = writer.write(tape, stride, text, 0, nodes);
  for (const { kind, offset } of slots) if (kind === "dynamic") tape.words[(stride + offset) >> 2] = 0;
  return [row, slots.some(({ kind }) => kind === "dynamic") ? "" : text, Buffer.from(buffer)];
}

for (const malformedText of ["refuse", "replace"] as const)
  test(`generated code and closures pack alike, and refuse alike (malformedText: ${malformedText})`, () => {
    fc.assert(
      fc.property(tableAndRecords, fc.array(fc.tuple(fc.nat(), anything), { maxLength: 3 }), (sample, changes) => {
        const { table, records } = sample;
        const layout = layoutOf(table);
        const generated = generatedRow(layout, malformedText)!;
        const closures = closureRow(layout, malformedText);
        for (const record of records) {
          const odd = { ...record };
          for (const [at, value] of changes) {
            const column = table.list[at % table.list.length]!;
            Object.defineProperty(odd, column.name, { value, enumerable: true, configurable: true });
          }
          for (const one of [record, odd])
            assert.deepEqual(packed(generated, table, one), packed(closures, table, one));
        }
      }),
      { numRuns: 400 },
    );
  });

test("of several columns that do not fit the first one is named, though texts are checked together", () => {
  const list = (["string", "string", "int"] as const).map((kind, i) => ({ name: `c${i}`, kind, isOptional: false }));
  const generated = generatedRow(layoutOf({ name: "T", list }), "refuse")!;
  const columnOf = (record: Record<string, unknown>) =>
    (packed(generated, { name: "T", list }, record)[0] as Misfit).column?.name;
  assert.equal(columnOf({ c0: "x\ud83d", c1: "\ude00y", c2: 1 }), "c0");
  assert.equal(columnOf({ c0: "x", c1: "\ude00y", c2: 1 }), "c1");
  assert.equal(columnOf({ c0: "x", c1: "y\ud83d", c2: "no" }), "c1");
  assert.equal(columnOf({ c0: "x", c1: "\ud83d\ude00", c2: "no" }), "c2");
});

test("a table wider than one function is packed by several", () => {
  const list = Array.from({ length: 100 }, (_, i) => ({
    name: `c${i}`,
    kind: "int" as const,
    isOptional: i % 2 === 0,
  }));
  const layout = layoutOf({ name: "Wide", list });
  const generated = generatedRow(layout, "refuse")!;
  const closures = closureRow(layout, "refuse");
  const record = Object.fromEntries(list.map(({ name }, i) => [name, i % 4 === 0 ? null : i]));
  assert.deepEqual(packed(generated, { name: "Wide", list }, record), packed(closures, { name: "Wide", list }, record));
  const misfit = generated(openTape(new ArrayBuffer(layout.stride)), 0, { ...record, c77: "no" });
  assert.equal((misfit as Misfit).column?.name, "c77");
});

test("where code from text is forbidden, the closures pack", () => {
  const program = `
    import { compilePacker } from "./src/encode/packer.ts";
    import { generatedRow } from "./src/encode/generated-row.ts";
    import { layoutOf } from "./src/encode/layout.ts";
    import { k, table } from "./src/schema/table.ts";
    const t = table("T", { n: k.int() });
    const packer = compilePacker(t, { format: "csv", maxRecordBytes: 100 });
    packer.pack({ n: 7 });
    console.log(generatedRow(layoutOf(t), "refuse"), packer.take().rows);`;
  const options = ["--disallow-code-generation-from-strings", "--import", "tsx", "--input-type=module", "-e", program];
  const run = spawnSync(process.execPath, options, { encoding: "utf8" });
  assert.equal(run.stdout, "undefined 1\n", run.stderr);
});
