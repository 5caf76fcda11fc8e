import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { type Emulator, startEmulator } from "../../src/emulator/index.ts";
import { elementsOf } from "../../src/emulator/values/json-texts.ts";
import { ask } from "../emulator/ask.ts";
import { type Clients, clientsOf } from "./sdk.ts";

/**
 * Every value of all ten types, written by hand as RFC 4180 and as JSON, comes back over the wire as it went in.
 * `csv` and `json` are the value as text in each format, `wire` is what the answer must hold.
 */
interface Sample {
  readonly csv: string;
  readonly json: string;
  readonly wire: string;
}

let emulator: Emulator;
let clients: Clients;
before(async () => {
  emulator = await startEmulator();
  clients = clientsOf(emulator);
  await ask(
    emulator,
    ".create table R (run:long, n:long, s:string, b:bool, i:int, l:long, r:real, t:datetime, g:timespan, u:guid, m:decimal, d:dynamic)",
  );
});
after(async () => {
  clients.close();
  await emulator.close();
});

const nothing: Sample = { csv: "", json: "null", wire: "null" };
const orNull = (samples: fc.Arbitrary<Sample>) => fc.oneof({ weight: 8, arbitrary: samples }, fc.constant(nothing));
const plain = (text: string): Sample => ({ csv: text, json: text, wire: text });
const asText = (text: string, wire = text): Sample => ({
  csv: text,
  json: JSON.stringify(text),
  wire: JSON.stringify(wire),
});

const string = fc
  .oneof(
    fc.string({ unit: "binary" }),
    fc.string({
      unit: fc.constantFrom(" ", '"', ",", "\r", "\n", "\0", "\ufeff", "a", "\u{1F600}", "\u2028", "\\", "'"),
    }),
    fc.constantFrom("null", "NaN", "NULL", "\u0000", " lead", "trail "),
  )
  .map((text) => text.toWellFormed())
  .map((text): Sample => asText(text));
const bool = fc.boolean().map((value) => plain(String(value)));
const int = fc.integer().map((value) => plain(String(value)));
const long = fc
  .oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.constantFrom(2n ** 53n + 1n, -(2n ** 63n), 2n ** 63n - 1n, 0n),
  )
  .map((value) => plain(String(value)));
const real = fc.oneof(fc.double(), fc.constantFrom(-0, 5e-324, 1.7976931348623157e308)).map((value): Sample => {
  if (!Number.isFinite(value)) return asText(String(value));
  const text = Object.is(value, -0) ? "-0" : String(value);
  return { csv: text, json: text, wire: `real ${text}` };
});
const seven = fc.integer({ min: 0, max: 9_999_999 }).map((n) => String(n).padStart(7, "0"));
const trimmed = (fraction: string) => (/^0+$/.test(fraction) ? "" : `.${fraction.replace(/0+$/, "")}`);
const datetime = fc
  .tuple(
    fc.date({ min: new Date("0001-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59Z"), noInvalidDate: true }),
    seven,
  )
  .map(([date, fraction]) => {
    const whole = date.toISOString().slice(0, 19);
    return asText(`${whole}.${fraction}Z`, `${whole}${trimmed(fraction)}Z`);
  });
const two = (most: number) => fc.integer({ min: 0, max: most }).map((n) => String(n).padStart(2, "0"));
const timespan = fc
  .tuple(fc.boolean(), fc.integer({ min: 0, max: 10_675_198 }), two(23), two(59), two(59), seven)
  .map(([isNegative, days, h, m, s, fraction]) => {
    const text = `${days === 0 ? "" : `${days}.`}${h}:${m}:${s}${fraction === "0000000" ? "" : `.${fraction}`}`;
    return asText(isNegative && /[1-9]/.test(text) ? `-${text}` : text);
  });
const guid = fc.uuid().map((text) => asText(text));
const decimal = fc
  .tuple(fc.boolean(), fc.bigInt({ min: 0n, max: 10n ** 34n - 1n }), fc.integer({ min: 0, max: 40 }))
  .map(([isNegative, digits, scale]): Sample => {
    const padded = String(digits).padStart(scale + 1, "0");
    const text = scale === 0 ? padded : `${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
    const signed = isNegative && digits !== 0n ? `-${text}` : text;
    return { csv: signed, json: scale % 2 === 0 ? signed : JSON.stringify(signed), wire: `decimal ${signed}` };
  });
const dynamic = fc
  .oneof(
    fc.json({ stringUnit: "binary", maxDepth: 4 }),
    fc.constantFrom('{"a":1.50,"b":[ 1 , 2 ],"a":12345678901234567890123}', "[]", "{}", '"text"', "1e400", "true"),
  )
  .filter((text) => text !== "null")
  .map((text) => plain(text));

const row = fc.tuple(
  string,
  orNull(bool),
  orNull(int),
  orNull(long),
  orNull(real),
  orNull(datetime),
  orNull(timespan),
  orNull(guid),
  orNull(decimal),
  orNull(dynamic),
);
const names = ["s", "b", "i", "l", "r", "t", "g", "u", "m", "d"];

async function ingest(format: string, body: string, isPacked: boolean): Promise<void> {
  const response = await fetch(`${emulator.url}/v1/rest/ingest/demo/R?streamFormat=${format}`, {
    method: "POST",
    body: isPacked ? gzipSync(body) : body,
  });
  assert.equal(response.status, 200, await response.text());
}

const quoted = (text: string) => (/[",\r\n\ufeff]|^ | $/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Same value: numbers by value, decimals by digits, all else word for word. */
function same(wire: string, got: string): boolean {
  if (wire.startsWith("real ")) return Object.is(Number(got), Number(wire.slice(5)));
  if (wire.startsWith("decimal ")) return sameDecimal(wire.slice(8), String(JSON.parse(got)));
  return wire === got;
}

function sameDecimal(a: string, b: string): boolean {
  const [x, y] = [a, b].map((text) => {
    const [mantissa, power = "0"] = text.toLowerCase().split("e");
    const [whole, fraction = ""] = mantissa!.split(".");
    return { digits: BigInt(whole + fraction), power: Number(power) - fraction.length };
  }) as [{ digits: bigint; power: number }, { digits: bigint; power: number }];
  const low = Math.min(x.power, y.power);
  return x.digits * 10n ** BigInt(x.power - low) === y.digits * 10n ** BigInt(y.power - low);
}

let run = 0;
for (const format of ["csv", "multijson"])
  test(`${format}: every value of every type comes back as it went in`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 30 }), fc.boolean(), async (rows, isPacked) => {
        run++;
        const lines = rows.map((samples, n) =>
          format === "csv"
            ? [String(run), String(n), ...samples.map(({ csv }) => quoted(csv))].join(",")
            : `{"run":${run},"n":${n},${samples.map(({ json }, index) => `"${names[index]}":${json}`).join(",")}}`,
        );
        await ingest(format, `${lines.join("\n")}\n`, isPacked);
        const answer = await ask(emulator, `R | where run == ${run} | sort by n asc | project-away run, n`);
        const got = elementsOf(answer.rows).map(elementsOf);
        assert.equal(got.length, rows.length);
        for (const [n, samples] of rows.entries())
          for (const [index, { wire }] of samples.entries())
            assert.ok(
              same(wire, got[n]![index]!),
              `${names[index]}: sent ${JSON.stringify(samples[index])}, got ${got[n]![index]}`,
            );
      }),
      { numRuns: 25 },
    );
  });

test("the SDK reads the same values, in both versions of the protocol", async () => {
  await ask(emulator, ".create table V (s:string, l:long, r:real, t:datetime, g:timespan, d:dynamic, m:decimal)");
  await ask(
    emulator,
    '.ingest inline into table V <| "a ""q"" \u{1F600}",9007199254740991,-0,2020-02-29T23:59:59.9999999Z,-1.02:03:04.5,"{""x"":[1]}",1.50',
  );
  for (const answer of [await clients.data.executeQuery("demo", "V"), await clients.data.executeQueryV1("demo", "V")]) {
    const table = answer.primaryResults[0]!;
    const { raw } = [...table.rows()][0] as unknown as { raw: unknown[] };
    assert.deepEqual(raw, [
      'a "q" \u{1F600}',
      9_007_199_254_740_991,
      -0,
      "2020-02-29T23:59:59.9999999Z",
      "-1.02:03:04.5000000",
      { x: [1] },
      "1.5",
    ]);
    assert.deepEqual(
      table.columns.map(({ type }) => type),
      ["string", "long", "real", "datetime", "timespan", "dynamic", "decimal"],
    );
  }
});
