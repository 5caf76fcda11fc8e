import { randomUUID } from "node:crypto";
import type { Kind } from "../../schema/kinds.ts";
import { noVisualization } from "../kql/visualization.ts";
import type { KustoError } from "../kusto-error.ts";
import { type ResultColumn, type ResultTable, rowOf } from "../values/result.ts";
import { datetimeText, nowTicks } from "../values/ticks.ts";

/** The .NET names that version 1 of the protocol gives beside the type. */
const dataTypes: Readonly<Record<Kind, string>> = {
  bool: "Boolean",
  datetime: "DateTime",
  decimal: "SqlDecimal",
  dynamic: "Object",
  guid: "Guid",
  int: "Int32",
  long: "Int64",
  real: "Double",
  string: "String",
  timespan: "TimeSpan",
};

/** The answer to a command: `{"Tables":[...]}`, one table. */
export function v1Command(table: ResultTable): string {
  return `{"Tables":[${v1Table("Table_0", table)}]}`;
}

/** The answer to a query over version 1: the result, its properties, its status, and a table of contents. */
export function v1Query(table: ResultTable, requestId: string): string {
  const properties: ResultTable = {
    columns: [{ name: "Value", kind: "string" }],
    rows: [JSON.stringify([visualizationText(table)])],
  };
  const status: ResultTable = { columns: statusColumnsV1, rows: [statusRowV1(requestId)] };
  const contents: ResultTable = {
    columns: (["Ordinal", "Kind", "Name", "Id", "PrettyName"] as const).map((name) => ({
      name,
      kind: name === "Ordinal" ? "long" : "string",
    })),
    rows: [
      ["QueryResult", "PrimaryResult"],
      ["QueryProperties", "@ExtendedProperties"],
      ["QueryStatus", "QueryStatus"],
    ].map(([kind, name], ordinal) => JSON.stringify([ordinal, kind, name, randomUUID(), ""])),
  };
  const tables = [table, properties, status, contents].map((each, index) => v1Table(`Table_${index}`, each));
  return `{"Tables":[${tables.join(",")}]}`;
}

function v1Table(name: string, { columns, rows }: ResultTable): string {
  const described = columns.map(({ name: ColumnName, kind }) => ({
    ColumnName,
    DataType: dataTypes[kind],
    ColumnType: kind,
  }));
  return `{"TableName":${JSON.stringify(name)},"Columns":${JSON.stringify(described)},"Rows":[${rows.join(",")}]}`;
}

const statusColumnsV1: ResultColumn[] = [
  { name: "Timestamp", kind: "datetime" },
  { name: "Severity", kind: "int" },
  { name: "SeverityName", kind: "string" },
  { name: "StatusCode", kind: "int" },
  { name: "StatusDescription", kind: "string" },
  { name: "Count", kind: "int" },
  { name: "RequestId", kind: "guid" },
  { name: "ActivityId", kind: "guid" },
  { name: "SubActivityId", kind: "guid" },
  { name: "ClientActivityId", kind: "string" },
];

function statusRowV1(requestId: string): string {
  const [a, b, c] = [randomUUID(), randomUUID(), randomUUID()];
  return rowOf(statusColumnsV1, [nowTicks(), 4, "Info", 0, "Query completed successfully", 1, a, b, c, requestId]);
}

const visualizationText = ({ visualization }: ResultTable) => JSON.stringify(visualization ?? noVisualization);

/** The answer to a query over version 2: frames. */
export function v2Query(table: ResultTable, requestId: string): string {
  const properties: ResultTable = {
    columns: [
      { name: "TableId", kind: "int" },
      { name: "Key", kind: "string" },
      { name: "Value", kind: "dynamic" },
    ],
    rows: [`[1,"Visualization",${JSON.stringify(visualizationText(table))}]`],
  };
  const frames = [
    '{"FrameType":"DataSetHeader","IsProgressive":false,"Version":"v2.0"}',
    v2Table(0, "QueryProperties", "@ExtendedProperties", properties),
    v2Table(1, "PrimaryResult", "PrimaryResult", table),
    v2Table(2, "QueryCompletionInformation", "QueryCompletionInformation", completion(requestId)),
    '{"FrameType":"DataSetCompletion","HasErrors":false,"Cancelled":false}',
  ];
  return `[${frames.join(",")}]`;
}

function v2Table(id: number, kind: string, name: string, { columns, rows }: ResultTable): string {
  const described = JSON.stringify(columns.map((column) => ({ ColumnName: column.name, ColumnType: column.kind })));
  return `{"FrameType":"DataTable","TableId":${id},"TableKind":"${kind}","TableName":"${name}","Columns":${described},"Rows":[${rows.join(",")}]}`;
}

function completion(requestId: string): ResultTable {
  const columns: ResultColumn[] = [
    { name: "Timestamp", kind: "datetime" },
    { name: "ClientRequestId", kind: "string" },
    { name: "ActivityId", kind: "guid" },
    { name: "SubActivityId", kind: "guid" },
    { name: "ParentActivityId", kind: "guid" },
    { name: "Level", kind: "int" },
    { name: "LevelName", kind: "string" },
    { name: "StatusCode", kind: "int" },
    { name: "StatusCodeName", kind: "string" },
    { name: "EventType", kind: "int" },
    { name: "EventTypeName", kind: "string" },
    { name: "Payload", kind: "string" },
  ];
  const [a, b, c] = [randomUUID(), randomUUID(), randomUUID()];
  const payload = '{"Count":1,"Text":"Query completed successfully"}';
  const row = [nowTicks(), requestId, a, b, c, 4, "Info", 0, "S_OK (0)", 4, "QueryInfo", payload];
  return { columns, rows: [rowOf(columns, row)] };
}

/** The body of a refusal, in the service's form. */
export function errorBody(error: KustoError, requestId: string, activityId: string): string {
  return JSON.stringify({
    error: {
      code: error.code,
      message: summaryOf(error),
      "@type": error.type,
      "@message": error.message,
      "@context": {
        timestamp: datetimeText(nowTicks()),
        serviceAlias: "MILLRACE",
        clientRequestId: requestId,
        activityId,
      },
      "@permanent": error.permanent,
    },
  });
}

function summaryOf({ status }: KustoError): string {
  if (status === 401) return "Caller is not authenticated";
  if (status === 403) return "Caller is not authorized to perform this action";
  return status < 500 ? "Request is invalid and cannot be executed." : "The service failed to act on the request.";
}
