import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type JsonRecord, jsonLines, multiJson } from "../../../src/emulator/ingest/json.ts";
import { membersOf } from "../../../src/emulator/values/json-texts.ts";

async function read(
  reader: (pieces: AsyncIterable<string>) => AsyncGenerator<JsonRecord[]>,
  text: string,
  cuts: readonly number[] = [],
): Promise<JsonRecord[]> {
  const at = [0, ...[...cuts].map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length];
  async function* pieces() {
    for (let index = 1; index < at.length; index++) yield text.slice(at[index - 1], at[index]);
  }
  const records: JsonRecord[] = [];
  for await (const batch of reader(pieces())) records.push(...batch);
  return records;
}

const bag = fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue({ stringUnit: "binary" }));

test("multijson: bags with blanks between them, or one array of them, however cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(bag, { maxLength: 6 }),
      fc.constantFrom("", " ", "\n", "\r\n\t"),
      fc.boolean(),
      fc.constantFrom(0, 2),
      fc.array(fc.nat(), { maxLength: 6 }),
      async (bags, blank, isArray, indent, cuts) => {
        const texts = bags.map((each) => JSON.stringify(each, null, indent));
        const text = isArray ? `[${blank}${texts.join(`${blank},`)}${blank}]` : texts.join(blank);
        const records = await read(multiJson, text, cuts);
        assert.deepEqual(
          records.map(({ value }) => value),
          texts.map((each) => JSON.parse(each)),
        );
        for (const record of records)
          for (const [name, member] of membersOf(record.text))
            assert.deepEqual(JSON.parse(member), (record.value as Record<string, unknown>)[name]);
      },
    ),
  );
});

test("multijson that is broken is refused as a whole", async () => {
  const between = ["\0{}", "{}\v{}", "[\f]", "[{}\u00a0]", "\u2028[]", "[{}]\0"];
  const arrays = [
    "[][]",
    "[{}] [{}]",
    "[] {}",
    "{}[]",
    "[{}]]",
    "[,{}]",
    "[{},]",
    "[{},,{}]",
    "[{} {}]",
    "{},{}",
    ",{}",
    "[[{}]]",
  ];
  for (const text of ['{"a":1', '{"a":}', "[1,2]", '{"a":1}x', '[{"a":1}', '{"a":1],', ...between, ...arrays])
    await assert.rejects(read(multiJson, text), { code: "BadRequest_InvalidBlob" });
});

test("json: a broken line is left out, its neighbours stay", async () => {
  const records = await read(jsonLines, '\ufeff{"a":1}\r\n{"a":\n[1]\n\n{"a":2}');
  assert.deepEqual(
    records.map(({ value }) => value),
    [{ a: 1 }, { a: 2 }],
  );
});
