import { documented } from "./example.ts";

const logs =
  ".create table MyLogs (Level:string, Timestamp:datetime, UserId:string, TraceId:string, Message:string, ProcessId:int32)";
const logsSchema = "Level:string,Timestamp:datetime,UserId:string,TraceId:string,Message:string,ProcessId:int";
const schemaColumns = "TableName, Schema, DatabaseName, Folder, DocString";
const nameColumns = "TableName, DatabaseName, Folder, DocString";
const json = (name: string, ...columns: [string, string, string, string?][]) =>
  JSON.stringify({
    Name: name,
    OrderedColumns: columns.map(([Name, Type, CslType, DocString]) => ({
      ...{ Name, Type, CslType },
      ...(DocString ? { DocString } : {}),
    })),
  });
const text = (name: string): [string, string, string] => [name, "System.String", "string"];

documented([
  {
    page: ".create table",
    command: `${logs} with (folder = "Logs", docstring = "of mine")`,
    columns: schemaColumns,
    after: {
      ".show table MyLogs cslschema": [["MyLogs", logsSchema, "TestDB", "Logs", "of mine"]],
      "MyLogs | count": [[0]],
    },
  },
  {
    page: ".create table: one that is there stays as it is",
    given: [logs],
    command: '.create table MyLogs (Other:long) with (folder = "F")',
    after: { ".show table MyLogs cslschema": [["MyLogs", logsSchema, "TestDB", "", ""]] },
  },
  {
    page: ".create table",
    command: ".create table S (a:string, b:long) with (hidden=true, folder='x')",
    rows: [["S", json("S", text("a"), ["b", "System.Int64", "long"]), "TestDB", "x", ""]],
    after: { ".show tables": [["S", "TestDB", "x", ""]] },
  },
  {
    page: ".create tables",
    command: `.create tables
  MyLogs (Level:string, Timestamp:datetime, UserId:string, TraceId:string, Message:string, ProcessId:int32),
  MyUsers (UserId:string, Name:string)`,
    columns: nameColumns,
    rows: [
      ["MyLogs", "TestDB", "", ""],
      ["MyUsers", "TestDB", "", ""],
    ],
    after: { ".show table MyUsers cslschema": [["MyUsers", "UserId:string,Name:string", "TestDB", "", ""]] },
  },
  {
    page: ".create tables: those that are there stay",
    given: [".create table A (x:long)"],
    command: ".create tables A (y:string), B (y:string)",
    after: {
      ".show table A cslschema | project Schema": [["x:long"]],
      ".show table B cslschema | project Schema": [["y:string"]],
    },
  },
  {
    page: ".create-merge table",
    given: [".create table MyLogs (Level:string)", ".ingest inline into table MyLogs <| one"],
    command: `.create-merge table MyLogs (Level:string, Timestamp:datetime) with (docstring = "d")`,
    columns: schemaColumns,
    rows: [["MyLogs", json("MyLogs", text("Level"), ["Timestamp", "System.DateTime", "datetime"]), "TestDB", "", "d"]],
    after: { MyLogs: [["one", null]] },
  },
  {
    page: ".create-merge tables",
    given: [".create table MyUsers (UserId:string)"],
    command: ".create-merge tables MyLogs (Level:string), MyUsers (UserId:string, Name:string)",
    columns: nameColumns,
    rows: [
      ["MyLogs", "TestDB", "", ""],
      ["MyUsers", "TestDB", "", ""],
    ],
    after: { ".show table MyUsers cslschema | project Schema": [["UserId:string,Name:string"]] },
  },
  {
    page: ".create-merge tables: all or none",
    given: [".create table MyUsers (UserId:string)"],
    command: ".create-merge tables MyLogs (Level:string), MyUsers (UserId:long)",
    refused: /'UserId' already exists in table 'MyUsers' with type 'string'/,
  },
  {
    page: ".create table based-on",
    given: [
      `${logs} with (folder = "Old", docstring = "d")`,
      `.create table MyLogs ingestion csv mapping "m" '[{"column":"Level","Properties":{"Ordinal":0}}]'`,
      ".alter table MyLogs policy restricted_view_access true",
    ],
    command: '.create table MyLogs_Temp based-on MyLogs with (folder="TempTables")',
    columns: schemaColumns,
    after: {
      ".show table MyLogs_Temp cslschema": [["MyLogs_Temp", logsSchema, "TestDB", "TempTables", "d"]],
      ".show table MyLogs_Temp ingestion mappings | project Name, Table": [["m", "MyLogs_Temp"]],
      ".show table MyLogs_Temp policy restricted_view_access | project Policy": [['{"IsEnabled":true}']],
    },
  },
  {
    page: ".create table based-on: ifnotexists",
    given: [".create table A (x:long)", ".create table B (y:long)"],
    command: ".create table A based-on B ifnotexists",
    after: { ".show table A cslschema | project Schema": [["x:long"]] },
  },
  {
    page: ".create table based-on: the new name must be free",
    given: [".create table A (x:long)", ".create table B (y:long)"],
    command: ".create table A based-on B",
    refused: /'A' of kind 'Table' already exists/,
  },
  {
    page: ".alter table",
    given: [".create table MyTable (Old:long, ColumnX:string)", ".ingest inline into table MyTable <| 1,x"],
    command:
      '.alter table MyTable (ColumnX:string, ColumnY:int) with (docstring = "Some documentation", folder = "Folder1")',
    columns: schemaColumns,
    rows: [
      [
        "MyTable",
        json("MyTable", text("ColumnX"), ["ColumnY", "System.Int32", "int"]),
        "TestDB",
        "Folder1",
        "Some documentation",
      ],
    ],
    after: { MyTable: [["x", null]] },
  },
  {
    page: ".alter table: columns change their order",
    given: [".create table T (a:long, b:string)", ".ingest inline into table T <| 1,x"],
    command: ".alter table T (b:string, a:long)",
    after: { T: [["x", 1]] },
  },
  {
    page: ".alter table: a type cannot be altered",
    given: [".create table T (a:long)"],
    command: ".alter table T (a:string)",
    refused: /'a' already exists in table 'T' with type 'long'/,
  },
  { page: ".alter table: of a table that is not there", command: ".alter table T (a:string)", refused: /'T'/ },
  {
    page: ".alter-merge table",
    given: [".create table MyTable (ColumnX:string)", ".ingest inline into table MyTable <| x"],
    command:
      '.alter-merge table MyTable (ColumnX:string, ColumnY:int) with (docstring = "Some documentation", folder = "Folder1")',
    columns: schemaColumns,
    after: {
      MyTable: [["x", null]],
      ".show tables": [["MyTable", "TestDB", "Folder1", "Some documentation"]],
    },
  },
  {
    page: ".alter table docstring",
    given: [".create table LyricsAsTable (Line:string)"],
    command: '.alter table LyricsAsTable docstring "This is the theme to Garry\'s show"',
    columns: schemaColumns,
    after: { ".show tables | project DocString": [["This is the theme to Garry's show"]] },
  },
  {
    page: ".alter table folder",
    given: [".create table MyTable (a:string)"],
    command: '.alter table MyTable folder "Level1\\\\Level2"',
    after: { ".show tables | project Folder": [["Level1\\Level2"]] },
  },
  {
    page: ".alter table folder: none",
    given: [".create table MyTable (a:string) with (folder='f')"],
    command: '.alter table MyTable folder ""',
    after: { ".show tables | project Folder": [[""]] },
  },
  {
    page: ".alter table column-docstrings",
    given: [
      ".create table Table1 (Column1:string, Column2:string)",
      `.alter table Table1 column-docstrings (Column2:"x")`,
    ],
    command: '.alter table Table1 column-docstrings (Column1:"DocString1")',
    rows: [
      [
        "Table1",
        json("Table1", ["Column1", "System.String", "string", "DocString1"], text("Column2")),
        "TestDB",
        "",
        "",
      ],
    ],
  },
  {
    page: ".alter-merge table column-docstrings",
    given: [
      ".create table Table1 (Column1:string, Column2:string)",
      `.alter table Table1 column-docstrings (Column2:"x")`,
    ],
    command: '.alter-merge table Table1 column-docstrings (Column1:"DocString1")',
    rows: [
      [
        "Table1",
        json(
          "Table1",
          ["Column1", "System.String", "string", "DocString1"],
          ["Column2", "System.String", "string", "x"],
        ),
        "TestDB",
        "",
        "",
      ],
    ],
  },
  {
    page: ".alter column",
    given: [".create table ['Table'] (['ColumnX']:long, b:long)", ".ingest inline into table ['Table'] <| 1,2"],
    command: ".alter column ['Table'].['ColumnX'] type=string",
    columns: "EntityName, DataType, Policy",
    rows: [["[TestDB].[Table].[ColumnX]", "string", ""]],
    after: { "['Table']": [["", 2]], ".show table ['Table'] cslschema | project Schema": [["ColumnX:string,b:long"]] },
  },
  {
    page: ".alter column: old data is null, new data is not",
    given: [
      ".create table T (a:string)",
      ".ingest inline into table T <| 5",
      ".alter column T.a type=long",
      ".ingest inline into table T <| 6",
    ],
    command: ".alter column T.a type=long",
    after: { "T | sort by a asc": [[null], [6]] },
  },
  {
    page: ".rename column",
    given: [".create table T (a:string, b:long)", ".ingest inline into table T <| x,1"],
    command: ".rename column T.a to c",
    after: { "T | project c, b": [["x", 1]], ".show table T cslschema | project Schema": [["c:string,b:long"]] },
  },
  {
    page: ".rename columns: names swapped",
    given: [".create table MyTable (Col1:string, Col2:string)", ".ingest inline into table MyTable <| one,two"],
    command: ".rename columns Col1 = MyTable.Col2, Col2 = MyTable.Col1",
    after: { "MyTable | project Col1, Col2": [["two", "one"]] },
  },
  {
    page: ".rename column: onto one that is there",
    given: [".create table T (a:string, b:long)"],
    command: ".rename column T.a to b",
    refused: /'b' is defined more than once/,
  },
  {
    page: ".drop column",
    given: [".create table MyTable (a:string, MyColumn:long)", ".ingest inline into table MyTable <| x,1"],
    command: ".drop column MyTable.MyColumn",
    columns: schemaColumns,
    after: { MyTable: [["x"]] },
  },
  {
    page: ".drop table columns",
    given: [".create table T (Col1:string, Col2:long, Col3:real)", ".ingest inline into table T <| x,1,2"],
    command: ".drop table T columns (Col2, Col3)",
    after: { T: [["x"]] },
  },
  {
    page: ".drop column, then one of the same name",
    given: [".create table T (a:string, b:long)", ".ingest inline into table T <| x,1", ".drop column T.b"],
    command: ".alter-merge table T (b:string)",
    after: { T: [["x", ""]] },
  },
  {
    page: ".rename table",
    given: [".create table OldName (a:string) with (folder='f')", ".ingest inline into table OldName <| x"],
    command: ".rename table OldName to NewName",
    columns: nameColumns,
    rows: [["NewName", "TestDB", "f", ""]],
    after: { NewName: [["x"]], ".show tables | project TableName": [["NewName"]] },
  },
  {
    page: ".rename tables: A and A_TEMP are swapped, B is renamed",
    given: [
      ".create tables A (a:string), B (b:string), C (c:string), A_TEMP (t:string)",
      ".ingest inline into table A <| a",
      ".ingest inline into table A_TEMP <| temp",
    ],
    command: ".rename tables A=A_TEMP, NEWB=B, A_TEMP=A",
    after: {
      A: [["temp"]],
      A_TEMP: [["a"]],
      ".show tables | project TableName | sort by TableName asc": [["A"], ["A_TEMP"], ["C"], ["NEWB"]],
    },
  },
  {
    page: ".rename tables: ifexists, in place of a table that is not there",
    given: [".create table TempTable (a:string)"],
    command: ".rename tables TempTable=['Table'] ifexists, ['Table']=TempTable",
    rows: [["Table", "TestDB", "", ""]],
  },
  {
    page: ".rename tables: ifexists, in place of a table that is there",
    given: [".create tables TempTable (new:string), ['Table'] (old:string)"],
    command: ".rename tables TempTable=['Table'] ifexists, ['Table']=TempTable",
    after: { ".show table TempTable cslschema | project Schema": [["old:string"]] },
  },
  {
    page: ".rename tables: one that is not there fails them all",
    given: [".create tables A (a:string), B (b:string)"],
    command: ".rename tables C=A, D=Nowhere",
    refused: /'Nowhere'/,
  },
  {
    page: ".rename table: onto one that is there",
    given: [".create tables A (a:string), B (b:string)"],
    command: ".rename table A to B",
    refused: /'B' of kind 'Table' already exists/,
  },
  {
    page: ".drop table",
    given: [".create tables CustomersTable (a:string), OthersTable (a:string)"],
    command: ".drop table CustomersTable ifexists",
    columns: "TableName, DatabaseName",
    rows: [["OthersTable", "TestDB"]],
  },
  { page: ".drop table: ifexists", command: ".drop table ['S'] ifexists", rows: [] },
  { page: ".drop table: that is not there", command: ".drop table S", refused: /'S' of kind 'Table' was not found/ },
  {
    page: ".drop tables",
    given: [".create tables A (a:string), B (a:string), C (a:string)"],
    command: ".drop tables (A, B, Nowhere) ifexists",
    rows: [["C", "TestDB"]],
  },
  {
    page: ".clear table data",
    given: [".create table T (a:string)", ".ingest inline into table T <| x"],
    command: ".clear table T data",
    columns: "Status",
    rows: [["Succeeded"]],
    after: { "T | count": [[0]], ".show table T extents | count": [[0]] },
  },
  {
    page: ".ingest inline",
    given: [".create table Purchases (Product:string, Quantity:long)"],
    command: `.ingest inline into table Purchases <|
Shoes,1000
Wide Shoes,50
"Coats, black",20`,
    columns: "ExtentId",
    after: {
      "Purchases | sort by Quantity desc": [
        ["Shoes", 1000],
        ["Wide Shoes", 50],
        ["Coats, black", 20],
      ],
    },
  },
  {
    page: ".ingest inline: in brackets",
    given: [".create table Shapes (ShapeName:string, Edges:int)"],
    command: ".ingest inline into table Shapes [Pentagon,5]",
    after: { Shapes: [["Pentagon", 5]] },
  },
  {
    page: ".ingest inline: json, with a mapping and tags",
    given: [".create table T (a:string, b:long, c:string)"],
    command: `.ingest inline into table T with (format="json", tags='["drop-by:x"]',
  ingestionMapping='[{"column":"a","Properties":{"Path":"$.x.y"}},{"column":"b","Properties":{"Path":"$.n"}},{"column":"c","Properties":{"ConstValue":"k"}}]') <|
{"x":{"y":"deep"},"n":7}`,
    after: { T: [["deep", 7, "k"]], ".show table T extents | project Tags": [["drop-by:x"]] },
  },
]);
