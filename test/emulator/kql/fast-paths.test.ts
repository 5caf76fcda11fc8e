import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { type Engine, startEngine } from "./engine.ts";

/** What goes by DuckDB's own functions because it is quicker must give what JavaScript gives; fast-check prints the seed of a failure. */
let engine: Engine;

before(async () => {
  engine = await startEngine();
});
after(() => engine.close());

async function column(query: string): Promise<unknown[]> {
  return (await engine.query(query)).rows.map((row) => (JSON.parse(row) as unknown[])[0]);
}

const quoted = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
const rows = (name: string, values: readonly string[]) => `datatable(${name})[${values.join(", ")}]`;

test("parts and formats of datetimes, as Date has them", async () => {
  const moment = fc.date({ min: new Date("0001-01-02T00:00:00Z"), max: new Date("9999-12-30"), noInvalidDate: true });
  await fc.assert(
    fc.asyncProperty(fc.array(moment, { minLength: 20, maxLength: 60 }), async (dates) => {
      const texts = dates.map((date) => date.toISOString());
      const query = `${rows(
        "t:datetime",
        texts.map((text) => `datetime(${text})`),
      )}
        | project x = strcat(getyear(t), '|', getmonth(t), '|', monthofyear(t), '|', dayofmonth(t), '|', hourofday(t), '|', format_datetime(t, 'yyyy-MM-dd HH:mm:ss'))`;
      const expected = dates.map((date, index) => {
        const [year, month] = [date.getUTCFullYear(), date.getUTCMonth() + 1];
        const text = texts[index]!.slice(0, 19).replace("T", " ");
        return [year, month, month, date.getUTCDate(), date.getUTCHours(), text].join("|");
      });
      assert.deepEqual(await column(query), expected);
    }),
    { numRuns: 10 },
  );
});

test("rounding of reals by their written digits", async () => {
  const real = fc.oneof(
    fc.double({ min: 1e-5, max: 1e8, noNaN: true }),
    fc.integer({ min: 1, max: 1e8 }).map((n) => n / 1_000),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(real, { minLength: 50, maxLength: 100 }), async (values) => {
      const query = `${rows(
        "r:real",
        values.map((value) => `real(${value})`),
      )} | project x = round(r, 2)`;
      const expected = values.map((value) => {
        const [mantissa, exponent = "0"] = String(value).split("e");
        return Number(`${Math.round(Number(`${mantissa}e${Number(exponent) + 2}`))}e-2`);
      });
      assert.deepEqual(await column(query), expected);
    }),
    { numRuns: 10 },
  );
});

test("terms, wherever the wanted text comes from, as a regular expression of JavaScript finds them", async () => {
  const text = fc.array(fc.constantFrom("ab", "Ab", "abc", "é", "ß", "1", "-", ".", " ", "_", "日本"), {
    maxLength: 6,
  });
  const wanted = fc.constantFrom("ab", "AB", "a", "é", "日本", "a-b", "ab.1", "1", "-", "ab abc");
  const pair = fc.tuple(
    text.map((parts) => parts.join("")),
    wanted,
  );
  await fc.assert(
    fc.asyncProperty(fc.array(pair, { minLength: 20, maxLength: 60 }), async (pairs) => {
      const table = rows(
        "s:string, w:string",
        pairs.map(([s, w]) => `${quoted(s)}, ${quoted(w)}`),
      );
      const found = (before: string, after: string) =>
        pairs.map(([s, w]) => {
          const pattern = `${before}${w.toLowerCase().replaceAll(/[.-]/g, "\\$&").replaceAll("\\-", "[-]")}${after}`;
          return new RegExp(pattern, "u").test(s.toLowerCase());
        });
      const edge = "[^\\p{L}\\p{N}]";
      assert.deepEqual(await column(`${table} | project x = s has w`), found(`(^|${edge})`, `($|${edge})`));
      assert.deepEqual(await column(`${table} | project x = s hasprefix w`), found(`(^|${edge})`, ""));
      assert.deepEqual(await column(`${table} | project x = s hassuffix w`), found("", `($|${edge})`));
      assert.deepEqual(
        await column(`${table} | project x = s has_any (pack_array(w))`),
        found(`(^|${edge})`, `($|${edge})`),
      );
    }),
    { numRuns: 10 },
  );
});

test("arrays that a query writes out are as good as lists", async () => {
  const table = "datatable(s:string, l:long)['a', 1, 'B c', 2, '3', 3, '', long(null)]";
  for (const [list, array] of [
    ["s in ('a', '3')", "s in (dynamic(['a', 3, null]))"],
    ["s !in ('a', '3')", "s !in (dynamic(['a', '3']))"],
    ["s in~ ('A', 'b C')", "s in~ (dynamic(['A', 'b C']))"],
    ["l in (1, 3)", "l in (dynamic([1, '3', 'x', null]))"],
    ["s has_any ('A', 'c')", "s has_any (dynamic(['A', 'c']))"],
    ["s has_all ('b', 'c')", "s has_all (dynamic(['b', 'c']))"],
    ["s in ('a')", "s in (dynamic('a'))"],
  ])
    assert.deepEqual(
      await column(`${table} | project x = ${array}`),
      await column(`${table} | project x = ${list}`),
      array,
    );
});
