import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { toJson } from "../../../src/cli/answer-text.ts";
import { answerOfV1, answerOfV2 } from "../../../src/connectors/kusto/answer.ts";
import { BrokenAnswerError } from "../../../src/connectors/kusto/errors.ts";

function frames(columns: string[], rowsJson: string): string {
  const Columns = JSON.stringify(columns.map((type, i) => ({ ColumnName: `c${i}`, ColumnType: type })));
  return `[{"FrameType":"DataSetHeader"},
    {"FrameType":"DataTable","TableKind":"QueryProperties","Columns":[],"Rows":[[1]]},
    {"FrameType":"DataTable","TableKind":"PrimaryResult","Columns":${Columns},"Rows":${rowsJson}},
    {"FrameType":"DataTable","TableKind":"QueryCompletionInformation","Columns":[],"Rows":[]},
    {"FrameType":"DataSetCompletion","HasErrors":false}]`;
}

test("longs are exact: any 64-bit integer comes back as itself", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      const read = answerOfV2(frames(["long"], `[[${value}]]`)).rows[0]![0];
      return (
        BigInt(read as number | bigint) === value &&
        (typeof read === "bigint" || Number.isSafeInteger(read) || -(2n ** 53n) === value)
      );
    }),
  );
});

test("text, dynamics and reals that look like long integers keep their kind", () => {
  const columns = ["string", "dynamic", "real", "decimal", "string", "dynamic"];
  const row =
    '["9007199254740993",{"a":[9007199254740993,"12345678901234567890"]},12345678901234567890,1234567890123456789,"x\\"12345678901234567",12345678901234567890]';
  assert.deepEqual(answerOfV2(frames(columns, `[${row}]`)).rows[0], [
    "9007199254740993",
    { a: [9007199254740993n, "12345678901234567890"] },
    12345678901234567000,
    "1234567890123456789",
    'x"12345678901234567',
    12345678901234567890n,
  ]);
});

test("text that looks like the reader's own mark is left alone", () => {
  const odd = "\u0001abc";
  const answer = answerOfV2(
    frames(["string", "dynamic", "real"], JSON.stringify([[`\u0001${"1".repeat(20)}`, odd, null]])),
  );
  assert.deepEqual(answer.rows[0], [`\u0001${"1".repeat(20)}`, odd, null]);
  for (const depth of [1, 2, 7]) {
    const text = `${"\u0001".repeat(depth)}9007199254740993`;
    const row = `[[${JSON.stringify(text)},${JSON.stringify({ [text]: [text] })},9007199254740993]]`;
    assert.deepEqual(answerOfV2(frames(["string", "dynamic", "long"], row)).rows[0], [
      text,
      { [text]: [text] },
      9007199254740993n,
    ]);
  }
});

test("any JSON in a dynamic or string column comes back as the same JSON, to the last digit", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string(), (value, text) => {
      const json = JSON.stringify([value, text]);
      const [dynamic, string] = answerOfV2(frames(["dynamic", "string"], `[${json}]`)).rows[0]!;
      assert.equal(toJson([dynamic, string]), json);
    }),
  );
});

test("what JSON has no numbers for: NaN, infinities; and v1's booleans", () => {
  assert.deepEqual(
    answerOfV2(frames(["real", "real", "real", "real"], '[["NaN","Infinity","-Infinity",null]]')).rows[0],
    [Number.NaN, Infinity, -Infinity, null],
  );
  const v1 = `{"Tables":[{"TableName":"t","Columns":[{"ColumnName":"a","DataType":"SByte"},{"ColumnName":"b","DataType":"Int64"}],"Rows":[[1,9007199254740993],[0,null]]}]}`;
  assert.deepEqual(answerOfV1(v1), {
    columns: [
      { name: "a", type: "bool" },
      { name: "b", type: "long" },
    ],
    rows: [
      [true, 9007199254740993n],
      [false, null],
    ],
  });
});

test("v1 with a table of contents gives the result it lists", () => {
  const column = '[{"ColumnName":"v","DataType":"String"}]';
  const contents = '[{"ColumnName":"Ordinal"},{"ColumnName":"Kind"},{"ColumnName":"Name"},{"ColumnName":"Id"}]';
  const body = `{"Tables":[
    {"TableName":"a","Columns":${column},"Rows":[["status"]]},
    {"TableName":"b","Columns":${column},"Rows":[["result"]]},
    {"TableName":"toc","Columns":${contents},"Rows":[[0,"QueryStatus","s","1"],[1,"QueryResult","r","2"]]}]}`;
  assert.deepEqual(answerOfV1(body).rows, [["result"]]);
});

test("an answer of HTTP 200 that holds an error throws it, wherever it stands", () => {
  const error = '{"error":{"code":"LimitsExceeded","@message":"too many rows","@permanent":true}}';
  const completion = `[{"FrameType":"DataSetCompletion","HasErrors":true,"OneApiErrors":[${error}]}]`;
  const rows = frames(["long"], `[[1],{"OneApiErrors":[${error}]}]`);
  for (const body of [completion, rows]) assert.throws(() => answerOfV2(body), /too many rows/);
  const exceptions = '{"Tables":[{"TableName":"t","Columns":[],"Rows":[]}],"Exceptions":["too many rows"]}';
  const inRows = `{"Tables":[{"TableName":"t","Columns":[{"ColumnName":"a"}],"Rows":[[1],{"Exceptions":["too many rows"]}]}]}`;
  const oneApi = `{"Tables":[{"TableName":"t","Columns":[],"Rows":[]}],"OneApiErrors":[${error}]}`;
  const inMiddle = frames(["long"], `[[1],{"OneApiErrors":[${error}]},[2]]`);
  for (const body of [exceptions, inRows, oneApi]) assert.throws(() => answerOfV1(body), /too many rows/);
  assert.throws(() => answerOfV2(inMiddle), /too many rows/);
  assert.throws(() => answerOfV2("[]"), /no primary result/);
  assert.throws(() => answerOfV1('{"Tables":[]}'), /no table/);
});

test("a status of severity error beside the result of version 1 is a failure, and a warning is none", () => {
  const contents = '[{"ColumnName":"Ordinal"},{"ColumnName":"Kind"}]';
  const body = (severity: number) => `{"Tables":[
    {"TableName":"a","Columns":[{"ColumnName":"v","DataType":"String"}],"Rows":[["result"]]},
    {"TableName":"b","Columns":[{"ColumnName":"Severity"},{"ColumnName":"StatusDescription"}],"Rows":[[${severity},"ran away"]]},
    {"TableName":"toc","Columns":${contents},"Rows":[[0,"QueryResult"],[1,"QueryStatus"]]}]}`;
  for (const severity of [1, 2]) assert.throws(() => answerOfV1(body(severity)), /ran away/);
  for (const severity of [3, 4]) assert.deepEqual(answerOfV1(body(severity)).rows, [["result"]]);
});

test("answers of another shape are broken ones, not refusals", () => {
  for (const body of ["null", "[]", "7", '"text"', "{}", '{"Tables":{}}', '{"Tables":[{}]}', '{"Tables":[null]}'])
    assert.throws(() => answerOfV1(body), BrokenAnswerError, body);
  for (const body of ["null", "{}", "7", "[]", "[null]", '[{"FrameType":"DataTable","TableKind":"PrimaryResult"}]'])
    assert.throws(() => answerOfV2(body), BrokenAnswerError, body);
});
