import { documented } from "./example.ts";

const functionColumns = "Name, Parameters, Body, Folder, DocString";
const demo1 = `.create function
with (docstring = 'Simple demo function', folder='Demo')
MyFunction1()  {StormEvents | take 100}`;
const demo2 = `.create function
with (docstring = 'Demo function with parameter', folder='Demo')
 MyFunction2(myLimit: long)  {StormEvents | take myLimit}`;
const row1 = ["MyFunction1", "()", "{StormEvents | take 100}", "Demo", "Simple demo function"];
const row2 = ["MyFunction2", "(myLimit:long)", "{StormEvents | take myLimit}", "Demo", "Demo function with parameter"];
const events = ".create table Events (Name:string, StartTime:datetime, EndTime:datetime, City:string, SessionId:int)";
const flat = ["TestDB", "Events"];
const csv = (ordinal: number) => `[{"column":"Name","Properties":{"Ordinal":"${ordinal}"}}]`;
const mappingColumns = "Name, Kind, Mapping, LastUpdatedOn, Database";

documented([
  { page: ".create function", command: demo1, columns: functionColumns, rows: [row1] },
  { page: ".create function", command: demo2, rows: [row2] },
  {
    page: ".create function: it is called",
    given: [".create table StormEvents (n:long)", ".ingest inline into table StormEvents <|\n1\n2\n3"],
    command: demo2,
    after: { "MyFunction2(2) | count": [[2]] },
  },
  {
    page: ".create function: ifnotexists",
    given: [demo1],
    command: ".create function ifnotexists MyFunction1() {print 1}",
    rows: [row1],
  },
  {
    page: ".create function: that is there",
    given: [demo1],
    command: demo1,
    refused: /'MyFunction1' of kind 'Function' already exists/,
  },
  {
    page: ".create-or-alter function",
    given: [demo1],
    command: `.create-or-alter function  with (docstring = 'Demo function', folder='MyFolder') MyFunction1(myLimit:int) { StormEvents | take myLimit }`,
    rows: [["MyFunction1", "(myLimit:int)", "{ StormEvents | take myLimit }", "MyFolder", "Demo function"]],
  },
  {
    page: ".alter function",
    given: [demo1],
    command: ".alter function MyFunction1() { print x = 1 }",
    after: { "MyFunction1()": [[1]] },
  },
  {
    page: ".alter function: that is not there",
    command: ".alter function F() { print 1 }",
    refused: /'F' of kind 'Function'/,
  },
  {
    page: ".alter function docstring",
    given: [demo1],
    command: '.alter function MyFunction1 docstring "Updated docstring"',
    rows: [[...row1.slice(0, 4), "Updated docstring"]],
  },
  {
    page: ".alter function folder",
    given: [demo1],
    command: '.alter function MyFunction1 folder "First Level\\\\Second Level"',
    rows: [[...row1.slice(0, 3), "First Level\\Second Level", "Simple demo function"]],
  },
  {
    page: ".show functions",
    given: [demo1, demo2],
    command: ".show functions",
    columns: functionColumns,
    rows: [row1, row2],
  },
  { page: ".show function", given: [demo1, demo2], command: ".show function MyFunction2", rows: [row2] },
  {
    page: ".drop function",
    given: [demo1, demo2],
    command: ".drop function MyFunction1",
    columns: "Name",
    rows: [["MyFunction1"]],
    after: { ".show functions": [row2] },
  },
  {
    page: ".drop function: ifexists",
    command: ".drop function MyFunction1 ifexists",
    after: { ".show functions": [] },
  },
  {
    page: ".drop functions",
    given: [demo1, demo2],
    command: ".drop functions (MyFunction1, Nowhere) ifexists",
    columns: functionColumns,
    rows: [row2],
  },
  {
    page: ".execute database script",
    given: [".create table T1 (a:string)"],
    command: `.execute database script with (ContinueOnErrors=true)
<|
//
// Create tables
.create-merge table T(a:string, b:string)
//
// Apply policies
.alter-merge table T policy retention softdelete = 10d
//
// Create functions
.create-or-alter function
  with (skipvalidation = "true")
  SampleT1(myLimit: long) {
    T1 | take myLimit
}`,
    columns: "OperationId, CommandType, CommandText, Result, Reason",
    after: {
      ".show table T cslschema | project Schema": [["a:string,b:string"]],
      ".show functions | project Name, Parameters": [["SampleT1", "(myLimit:long)"]],
      ".show table T policy retention | project Policy": [
        [JSON.stringify({ SoftDeletePeriod: "10.00:00:00", Recoverability: "Enabled" })],
      ],
    },
  },
  {
    page: ".execute database script: its rows",
    command: `.execute database script with (ContinueOnErrors=true) <|
.create-merge table T(a:string, b:string)
.alter-merge table T policy retention softdelete = 10d
.show tables

.create table T2 (a:nonsense)
.create-or-alter function with (skipvalidation = "true") F() { T }`,
    columns: "OperationId, CommandType, CommandText, Result, Reason",
    types: [
      ["TableCreate", "Completed"],
      ["RetentionPolicyAlter", "Completed"],
      ["Show", "Skipped"],
      ["", "Failed"],
      ["FunctionCreateOrAlter", "Completed"],
    ],
  },
  {
    page: ".execute database script: it ends at the first error",
    command: ".execute database script <|\n.create table A (a:string)\n.drop table Nowhere\n.create table B (b:string)",
    types: [
      ["TableCreate", "Completed"],
      ["", "Failed"],
    ],
    after: { ".show tables | project TableName": [["A"]] },
  },
  {
    page: ".execute database script: ThrowOnErrors",
    command: ".execute database script with (ThrowOnErrors=true) <|\n.create table A (a:string)\n.drop table Nowhere",
    refused: /'Nowhere'/,
  },
  {
    page: ".show database schema",
    given: [events],
    command: ".show database TestDB schema",
    columns:
      "DatabaseName, TableName, ColumnName, ColumnType, IsDefaultTable, IsDefaultColumn, PrettyName, Version, Folder, DocString",
    rows: [
      ["TestDB", "", "", "", false, false, "", "v1.0", "", ""],
      [...flat, "", "", false, false, "", "", "", ""],
      [...flat, "Name", "System.String", false, false, "", "", "", ""],
      [...flat, "StartTime", "System.DateTime", false, false, "", "", "", ""],
      [...flat, "EndTime", "System.DateTime", false, false, "", "", "", ""],
      [...flat, "City", "System.String", false, false, "", "", "", ""],
      [...flat, "SessionId", "System.Int32", false, false, "", "", "", ""],
    ],
  },
  {
    page: ".show database schema: if_later_than",
    given: [events],
    command: '.show database TestDB schema if_later_than "v0.9" | count',
    rows: [[7]],
  },
  {
    page: ".show database schema: if_later_than",
    given: [events],
    command: '.show database TestDB schema if_later_than "v1.0" | count',
    rows: [[0]],
  },
  {
    page: ".show database schema as json",
    given: [".create table Events (Name:string)"],
    command: ".show database TestDB schema as json",
    columns: "DatabaseSchema",
    rows: [
      [
        '{"Databases":{"TestDB":{"Name":"TestDB","Tables":{"Events":{"Name":"Events","OrderedColumns":[{"Name":"Name","Type":"System.String","CslType":"string"}]}},"PrettyName":null,"MajorVersion":1,"MinorVersion":0,"Functions":{}}}}',
      ],
    ],
  },
  {
    page: ".show databases schema as json",
    given: [events],
    command: ".show databases (TestDB, demo) schema as json",
    columns: "DatabaseSchema",
  },
  {
    page: ".show database cslschema",
    given: [".create table Events (Name:string)"],
    command: ".show database TestDB cslschema",
    rows: [["Events", "Name:string", "TestDB", "", ""]],
  },
  {
    page: ".show database schema as csl script",
    given: [
      ".create table Events (Name:string, ['b c']:long) with (folder='f', docstring='it\\'s')",
      ".alter table Events policy caching hot = 1d",
    ],
    command: ".show database TestDB schema as csl script",
    columns: "DatabaseSchemaScript",
    rows: [
      [
        `.create-merge table Events (Name:string,['b c']:long) with (folder = 'f', docstring = 'it\\'s')

.alter table Events policy caching hotdata = timespan(1.00:00:00) hotindex = timespan(1.00:00:00)`,
      ],
    ],
  },
  {
    page: ".show databases",
    command: ".show databases | where DatabaseName == 'TestDB' | project DatabaseName, IsCurrent, DatabaseAccessMode",
    rows: [["TestDB", true, "ReadWrite"]],
  },
  {
    page: ".show database",
    command: ".show database",
    columns:
      "DatabaseName, PersistentStorage, Version, IsCurrent, DatabaseAccessMode, PrettyName, ReservedSlot1, DatabaseId, InTransitionTo",
  },
  {
    page: ".show database details",
    command: ".show database details | project DatabaseName, IsCurrent, TotalSize",
    rows: [["TestDB", true, 0]],
  },
  {
    page: ".show tables",
    given: [".create tables StormEvents (a:string), Other (a:string) with (folder='f')"],
    command: ".show tables",
    columns: "TableName, DatabaseName, Folder, DocString",
    rows: [
      ["StormEvents", "TestDB", "f", ""],
      ["Other", "TestDB", "f", ""],
    ],
  },
  {
    page: ".show tables",
    given: [".create tables A (a:string), B (a:string), C (a:string)"],
    command: ".show tables (A, C) | project TableName",
    rows: [["A"], ["C"]],
  },
  {
    page: ".show table",
    given: [events],
    command: ".show table Events | project AttributeName, AttributeType | take 2",
    rows: [
      ["Name", "System.String"],
      ["StartTime", "System.DateTime"],
    ],
  },
  {
    page: ".show table details",
    given: [".create table T (a:string)", ".ingest inline into table T <|\nx\ny"],
    command:
      ".show table T details | project TableName, TotalExtents, TotalRowCount, HotRowCount, AuthorizedPrincipals",
    rows: [["T", 1, 2, 2, "[]"]],
  },
  {
    page: ".show tables details",
    given: [".create tables A (a:string), B (a:string)"],
    command: ".show tables details | project TableName, TotalRowCount",
    rows: [
      ["A", 0],
      ["B", 0],
    ],
  },
  {
    page: ".show table cslschema",
    given: [events],
    command: ".show table Events cslschema | project Schema",
    rows: [["Name:string,StartTime:datetime,EndTime:datetime,City:string,SessionId:int"]],
  },
  {
    page: ".show table principals",
    given: [events],
    command: ".show table Events principals",
    columns:
      "Role, PrincipalType, PrincipalDisplayName, PrincipalObjectId, PrincipalFQN, Notes, RoleAssignmentIdentifier",
    rows: [],
  },
  {
    page: ".show capacity",
    command: ".show capacity ingestions | project Resource, Consumed",
    rows: [["Ingestions", 0]],
  },
  {
    page: ".alter database prettyname",
    command: '.alter database TestDB prettyname "My pretty name"',
    columns: "DatabaseName, PrettyName",
    rows: [["TestDB", "My pretty name"]],
    after: { ".show database | project PrettyName": [["My pretty name"]] },
  },
  { page: ".drop database prettyname", given: [], command: ".drop database TestDB prettyname", rows: [["TestDB", ""]] },
  {
    page: ".create database",
    command: ".create database TestDB volatile",
    refused: /'TestDB\d+' of kind 'Database' already exists/,
  },
  {
    page: ".create database: ifnotexists",
    command: ".create database TestDB volatile ifnotexists",
    columns: "DatabaseName, PersistentPath, Created, StoresMetadata, StoresData",
    rows: [["TestDB", "", "False", true, true]],
  },
  {
    page: ".create ingestion mapping",
    given: [".create table MyTable (Name:string)"],
    command: `.create table MyTable ingestion csv mapping "Mapping1" '${csv(0)}'`,
    columns: `${mappingColumns}, Table`,
    after: {
      ".show table MyTable ingestion csv mappings | project Name, Kind, Mapping, Table": [
        ["Mapping1", "Csv", csv(0), "MyTable"],
      ],
    },
  },
  {
    page: ".create ingestion mapping: at the database",
    given: [".create table MyTable (Name:string)"],
    command: `.create database TestDB ingestion csv mapping "Mapping2" '${csv(1)}'`,
    columns: mappingColumns,
    after: {
      ".show database TestDB ingestion mappings | project Name, Kind, Database": [["Mapping2", "Csv", "TestDB"]],
    },
  },
  {
    page: "ingestion mappings: one of the database serves its tables",
    given: [".create table MyTable (Name:string)", `.create database TestDB ingestion csv mapping "M" '${csv(1)}'`],
    command: ".ingest inline into table MyTable with (format='csv', ingestionMappingReference='M') <| x,y",
    after: { MyTable: [["y"]] },
  },
  {
    page: ".drop ingestion mapping: at the database",
    given: [`.create database TestDB ingestion csv mapping "M" '${csv(1)}'`],
    command: '.drop database TestDB ingestion csv mapping "M"',
    columns: mappingColumns,
    rows: [],
  },
  {
    page: ".create ingestion mapping: the table's own goes before the database's",
    given: [
      ".create table MyTable (Name:string)",
      `.create database TestDB ingestion csv mapping "M" '${csv(1)}'`,
      `.create table MyTable ingestion csv mapping "M" '${csv(0)}'`,
    ],
    command: ".ingest inline into table MyTable with (format='csv', ingestionMappingReference='M') <| x,y",
    after: { MyTable: [["x"]] },
  },
  {
    page: ".create-or-alter ingestion mapping",
    given: [
      ".create table MyTable (Name:string)",
      `.create table MyTable ingestion json mapping "M" '[{"column":"Name","Properties":{"Path":"$.a"}}]'`,
    ],
    command: `.create-or-alter table MyTable ingestion json mapping "M" '[{"column":"Name","Properties":{"Path":"$.b"}}]'`,
    after: {
      '.show table MyTable ingestion json mapping "M" | project Mapping': [
        ['[{"column":"Name","Properties":{"Path":"$.b"}}]'],
      ],
    },
  },
  {
    page: ".alter-merge ingestion mapping",
    given: [
      ".create table MyTable (a:string, b:string)",
      `.create table MyTable ingestion json mapping "M" '[{"column":"a","Path":"$.a"}]'`,
    ],
    command: `.alter-merge table MyTable ingestion json mapping "M" '[{"column":"b","Path":"$.b"}]'`,
    after: {
      '.show table MyTable ingestion json mapping "M" | project Mapping': [
        ['[{"column":"a","Path":"$.a"},{"column":"b","Path":"$.b"}]'],
      ],
    },
  },
  {
    page: ".drop ingestion mapping",
    given: [
      ".create table MyTable (Name:string)",
      `.create table MyTable ingestion csv mapping "Mapping1" '${csv(0)}'`,
    ],
    command: '.drop table MyTable ingestion csv mapping "Mapping1"',
    after: { ".show table MyTable ingestion mappings": [] },
  },
  {
    page: ".undo drop table is refused",
    command: '.undo drop table T version="v24.3"',
    refused: /\.undo drop table.*not supported/,
  },
  { page: ".show queries is refused", command: ".show queries", refused: /\.show queries.*not supported/ },
]);
