import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { deflateRawSync, gzipSync } from "node:zlib";
import { zipSync } from "fflate";
import { ingest } from "../../../src/emulator/ingest/ingest.ts";
import type { IngestionProperties } from "../../../src/emulator/ingest/properties.ts";
import { datetimeOf } from "../../../src/emulator/values/text-values.ts";
import { type EngineHost, engineHost } from "../engine-host.ts";

let host: EngineHost;
before(async () => {
  host = await engineHost();
});
after(() => host.close());

let tables = 0;

/** Ingests bytes into a fresh table of these columns, and gives its rows as JSON text. */
async function landed(
  columns: string,
  properties: IngestionProperties,
  bytes: string | Uint8Array,
  path = "http://account/container/blob",
): Promise<string> {
  const table = `F${++tables}`;
  await host.ask(`.create table ${table} (${columns})`);
  const data = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
  // A few bytes at a time: no record is whole in a piece.
  async function* pieces() {
    const step = Math.max(7, data.length >> 9);
    for (let at = 0; at < data.length; at += step) yield data.subarray(at, at + step);
  }
  await ingest(host.catalogue, { database: "demo", table, ...properties }, pieces(), path);
  return (await host.ask(table)).rows;
}

const mapping = (...entries: [column: string, properties: object][]) =>
  JSON.stringify(entries.map(([Column, Properties]) => ({ Column, Properties })));

test("delimited formats: tsv, psv, scsv, sohsv, and tsve with its backslashes", async () => {
  const expected = '[["a",1],["b, c",2]]';
  for (const [format, separator] of [
    ["csv", ","],
    ["tsv", "\t"],
    ["psv", "|"],
    ["scsv", ";"],
    ["sohsv", "\u0001"],
    ["TSVE", "\t"],
  ] as const) {
    const second = format === "csv" ? '"b, c"' : "b, c";
    assert.equal(await landed("s:string, l:long", { format }, `a${separator}1\n${second}${separator}2\n`), expected);
  }
  assert.equal(
    await landed("s:string, l:long", { format: "tsve" }, "a\\tb\\nc\\\\\t1\r\nd\\\ne\t2\n\nf\\\\\t3"),
    '[["a\\tb\\nc\\\\",1],["d\\ne",2],["f\\\\",3]]',
  );
});

test("txt is a record per line that is not empty, raw is one record", async () => {
  assert.equal(await landed("s:string", { format: "txt" }, 'a,b\r\n\n"c\nd'), '[["a,b"],["\\"c"],["d"]]');
  assert.equal(await landed("s:string", { format: "raw" }, 'a,b\n"c\n'), '[["a,b\\n\\"c\\n"]]');
  assert.equal(
    await landed("a:string, s:string", { format: "txt", mapping: mapping(["s", { Ordinal: 0 }]) }, "x"),
    '[["","x"]]',
  );
});

test("w3clogfile: fields by name, a dash is no value, the transforms of the source", async () => {
  const log = [
    "#Software: Internet Information Services 6.0",
    "#Fields: date time cs-method sc-status cs(User-Agent)",
    "2002-05-02 17:42:15 GET 200 Mozilla/4.0+(compatible)",
    "2002-05-02 17:42:16 GET - -",
  ].join("\r\n");
  const fields = mapping(
    ["d", { Field: "date" }],
    ["status", { Field: "sc-status" }],
    ["agent", { Field: "cs(User-Agent)" }],
    ["line", { Transform: "SourceLineNumber" }],
    ["source", { Transform: "SourceLocation" }],
  );
  assert.equal(
    await landed(
      "d:datetime, status:int, agent:string, line:long, source:string",
      { format: "w3clogfile", mapping: fields },
      log,
    ),
    '[["2002-05-02T00:00:00Z",200,"Mozilla/4.0+(compatible)",1,"http://account/container/blob"],["2002-05-02T00:00:00Z",null,"",2,"http://account/container/blob"]]',
  );
  await assert.rejects(landed("d:datetime", { format: "w3clogfile" }, "2002-05-02"), {
    code: "BadRequest_InvalidBlob",
  });
});

test("json transforms, as the documentation gives them", async () => {
  const events = mapping(["d", { Path: "$.events", Transform: "PropertyBagArrayToDictionary" }]);
  assert.equal(
    await landed("d:dynamic", { format: "multijson", mapping: events }, '{"events":[{"n1":"v1"},{"n2":1.50}]}'),
    '[[{"n1":"v1","n2":1.50}]]',
  );
  const dropping = mapping(
    ["Time", { Path: "$.Time" }],
    ["EventName", { Path: "$.Props.EventName" }],
    ["Props", { Path: "$.Props", Transform: "DropMappedFields" }],
  );
  assert.equal(
    await landed(
      "Time:datetime, EventName:string, Props:dynamic",
      { format: "json", mapping: dropping },
      '{"Time":"2012-01-15T10:45","Props":{"EventName":"CustomEvent","Revenue":0.456}}',
    ),
    '[["2012-01-15T10:45:00Z","CustomEvent",{"Revenue":0.456}]]',
  );
  const times = mapping(
    ["s", { Path: "$.t", Transform: "DateTimeFromUnixSeconds" }],
    ["m", { Path: "$.t", Transform: "DateTimeFromUnixMilliseconds" }],
    ["u", { Path: "$.t", Transform: "DateTimeFromUnixMicroseconds" }],
    ["n", { Path: "$.t", Transform: "DateTimeFromUnixNanoseconds" }],
    ["x", { Path: "$.t", Transform: "DateTimeFromUnixSeconds" }],
  );
  assert.equal(
    await landed(
      "s:datetime, m:datetime, u:datetime, n:datetime, x:string",
      { format: "json", mapping: times },
      '{"t":1546300800}',
    ),
    '[["2019-01-01T00:00:00Z","1970-01-18T21:31:40.8Z","1970-01-01T00:25:46.3008Z","1970-01-01T00:00:01.5463008Z","2019-01-01T00:00:00Z"]]',
  );
  for (const Transform of ["BytesAsBase64", "Nonsense"])
    await assert.rejects(
      landed("s:string", { format: "json", mapping: mapping(["s", { Path: "$.s", Transform }]) }, '{"s":"x"}'),
      { code: "BadRequest_InvalidMapping", message: new RegExp(Transform) },
    );
});

test("json paths: a constant without $, a field by name, quoted names behind a dot", async () => {
  const paths = mapping(
    ["a", { Path: "fixed" }],
    ["b", { ConstValue: "7" }],
    ["c", { Path: "$.['Property name with space']" }],
    ["d", { Field: "x" }],
    ["e", { Path: "$" }],
  );
  assert.equal(
    await landed(
      "a:string, b:int, c:string, d:long, e:dynamic",
      { format: "json", mapping: paths },
      '{"Property name with space":"y","x":5}',
    ),
    '[["fixed",7,"y",5,{"Property name with space":"y","x":5}]]',
  );
});

test("parquet: columns by name, by path and by field; types, nulls, nesting; broken and empty ones", async () => {
  const folder = mkdtempSync(join(tmpdir(), "millrace-formats-"));
  const file = join(folder, "x.parquet");
  try {
    await host.catalogue.store.change(
      `COPY (SELECT * FROM (VALUES
        ('a', 9223372036854775807::BIGINT, 1.5::DOUBLE, TIMESTAMP '2020-01-02 03:04:05.123456', true,
         123456789012345678.1234::DECIMAL(22,4), '74be27de-1e4e-49d9-b579-fe0b331d3642'::UUID, {'y z': [1, 2]}, '\\xFF\\x00'::BLOB, 5::INTEGER),
        (NULL, NULL, 'nan'::DOUBLE, NULL, NULL, NULL, NULL, NULL, 'text'::BLOB, NULL)
      ) AS v(s, l, r, t, b, m, u, d, bytes, extra)) TO '${file}' (FORMAT parquet)`,
    );
    const bytes = readFileSync(file);
    assert.equal(
      await landed(
        "s:string, l:long, r:real, t:datetime, b:bool, m:decimal, u:guid, d:dynamic, absent:int",
        { format: "parquet" },
        bytes,
      ),
      '[["a",9223372036854775807,1.5,"2020-01-02T03:04:05.123456Z",true,"123456789012345678.1234","74be27de-1e4e-49d9-b579-fe0b331d3642",{"y z":[1,2]},null],["",null,"NaN",null,null,null,null,null,null]]',
    );
    const paths = mapping(
      ["f1", { Path: "$.d['y z'][0]" }],
      ["name", { Field: "s" }],
      ["packed", { Field: "bytes", Transform: "BytesAsBase64" }],
      ["text", { Field: "bytes" }],
      ["n", { Transform: "SourceLineNumber" }],
    );
    assert.equal(
      await landed(
        "f1:long, name:string, packed:string, n:long",
        { format: "Parquet", mapping: paths.replace(/,\{"Column":"text"[^}]*\}\}/, "") },
        bytes,
      ),
      '[[1,"a","/wA=",1],[null,"","dGV4dA==",2]]',
    );
    assert.equal(
      await landed(
        "text:string",
        { format: "parquet", mapping: mapping(["text", { Field: "bytes" }]) },
        gzipSync(bytes),
      ),
      '[[""],["text"]]',
    );
    await assert.rejects(landed("s:string", { format: "parquet" }, "PAR1 broken"), { code: "BadRequest_InvalidBlob" });
    await assert.rejects(landed("s:string", { format: "parquet" }, ""), { code: "BadRequest_EmptyBlob" });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("zip: every file that matches, deflated or stored, each with a header of its own", async () => {
  const archive = zipSync({
    "a.csv": [Buffer.from("h\na\n"), { level: 9 }],
    "sub/b.csv": [Buffer.from("h\nb\nb\n"), { level: 0 }],
    "c.txt": Buffer.from("no\n"),
  });
  const properties = { format: "csv", ignoreFirstRecord: true, zipPattern: "*.csv" };
  assert.equal(await landed("s:string", properties, archive), '[["a"],["b"],["b"]]');
  assert.equal(await landed("s:string", { ...properties, zipPattern: "^sub/" }, archive), '[["b"],["b"]]');
  assert.equal(await landed("s:string", { format: "txt" }, zipSync({ x: Buffer.from("y") })), '[["y"]]');
  await assert.rejects(landed("s:string", { ...properties, zipPattern: "nothing" }, archive), {
    code: "BadRequest_EmptyArchive",
  });
  await assert.rejects(landed("s:string", { ...properties, zipPattern: "(" }, archive), {
    code: "BadRequest_MalformedIngestionProperty",
  });
  await assert.rejects(landed("s:string", properties, archive.subarray(0, archive.length - 30)), {
    code: "BadRequest_InvalidArchive",
  });
  const broken = Buffer.from(archive);
  broken.set(deflateRawSync("x").subarray(0, 1).fill(0xff), 40);
  await assert.rejects(landed("s:string", { ...properties, zipPattern: "^a" }, broken), {
    code: "BadRequest_InvalidArchive",
  });
});

test("avro, orc and others are refused by name", async () => {
  for (const format of ["avro", "apacheavro", "orc", "sstream"])
    await assert.rejects(landed("s:string", { format }, "x"), {
      code: "BadRequest_FormatNotSupported",
      message: new RegExp(`'${format}'.*parquet`),
    });
});

test("a string over 1 MB is cut, a dynamic over 1 MB is null, in every format", async () => {
  const large = "é".repeat(600_000);
  const csv = (await landed("s:string, d:dynamic", { format: "csv" }, `${large},"[""${large}""]"\n`)).slice(3, -8);
  assert.equal(Buffer.byteLength(csv), 1_048_576);
  const json = `{"s":"${large}","d":["${large}"]}`;
  assert.equal(await landed("s:string, d:dynamic", { format: "json" }, json), `[["${csv}",null]]`);
});

test("validation: without constant columns, records may differ; creation time is the extent's", async () => {
  assert.equal(
    await landed("a:long, b:long", { format: "csv", constantFields: false }, "1,2\n3\n"),
    "[[1,2],[3,null]]",
  );
  await assert.rejects(landed("a:long, b:long", { format: "csv" }, "1,2\n3\n"), { code: "Stream_WrongNumberOfFields" });
  await landed("a:long", { format: "csv", creationTime: datetimeOf("2017-02-13T11:09:36.7992775Z")! }, "1\n");
  const [row] = await host.rows(`.show table F${tables} extents | project MinCreatedOn`);
  assert.deepEqual(row, ["2017-02-13T11:09:36.7992775Z"]);
});
