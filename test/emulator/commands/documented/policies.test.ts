import { documented, type Example } from "./example.ts";

const columns = "PolicyName, EntityName, Policy, ChildEntities, EntityType";
const given = [".create tables Table1 (a:string), Table2 (a:string)"];
const row = (name: string, policy: unknown, table = "Table1") => [
  ...[name, `[TestDB].[${table}]`, policy === null ? "null" : JSON.stringify(policy), "", "Table"],
];
const retention = "RetentionPolicy";
const always = { SoftDeletePeriod: "365000.00:00:00", Recoverability: "Enabled" };
const shown = (kind: string, policy: unknown): Example["after"] => ({
  [`.show table Table1 policy ${kind} | project Policy`]: [[policy === null ? "null" : JSON.stringify(policy)]],
});

documented([
  {
    page: ".alter table policy retention",
    given,
    command: `.alter table Table1 policy retention \`\`\`
{
  "SoftDeletePeriod": "10.00:00:00",
  "Recoverability": "Enabled"
}
\`\`\``,
    columns,
    rows: [row(retention, { SoftDeletePeriod: "10.00:00:00", Recoverability: "Enabled" })],
  },
  {
    page: ".alter tables policy retention",
    given,
    command: `.alter tables (Table1, Table2) policy retention '{"SoftDeletePeriod": "10.00:00:00", "Recoverability": "Enabled"}'`,
    rows: ["Table1", "Table2"].map((table) =>
      row(retention, { SoftDeletePeriod: "10.00:00:00", Recoverability: "Enabled" }, table),
    ),
  },
  {
    page: ".alter-merge table policy retention",
    given,
    command: ".alter-merge table Table1 policy retention softdelete = 10d recoverability = disabled",
    rows: [row(retention, { SoftDeletePeriod: "10.00:00:00", Recoverability: "Disabled" })],
  },
  {
    page: ".alter-merge table policy retention: what is not named stays",
    given: [...given, ".alter-merge table Table1 policy retention recoverability = disabled"],
    command: ".alter-merge table Table1 policy retention softdelete = 7d",
    rows: [row(retention, { SoftDeletePeriod: "7.00:00:00", Recoverability: "Disabled" })],
  },
  {
    page: ".alter-merge database policy retention: it holds for its tables",
    given,
    command: ".alter-merge database TestDB policy retention softdelete = 10d",
    rows: [
      [
        ...[retention, "[TestDB]", JSON.stringify({ SoftDeletePeriod: "10.00:00:00", Recoverability: "Enabled" })],
        ...["", "Database"],
      ],
    ],
    after: shown("retention", { SoftDeletePeriod: "10.00:00:00", Recoverability: "Enabled" })!,
  },
  {
    page: ".delete table policy retention",
    given: [...given, ".alter-merge table Table1 policy retention softdelete = 10d"],
    command: ".delete table Table1 policy retention",
    after: shown("retention", always)!,
  },
  {
    page: ".show table policy retention",
    given,
    command: ".show table * policy retention",
    rows: [row(retention, always), row(retention, always, "Table2")],
  },
  {
    page: ".alter table policy caching",
    given,
    command: ".alter table Table1 policy caching hot = 30d",
    columns,
    rows: [row("CachingPolicy", { DataHotSpan: "30.00:00:00", IndexHotSpan: "30.00:00:00", ColumnOverrides: [] })],
  },
  {
    page: ".alter tables policy caching",
    given,
    command: ".alter tables (Table1, Table2) policy caching hot = 30d",
    columns,
  },
  {
    page: ".show table policy caching, with the database's name",
    given: [...given, ".alter table Table1 policy caching hot = 1d"],
    command: ".show table TestDB.Table1 policy caching | project EntityName, EntityType",
    rows: [["[TestDB].[Table1]", "Table"]],
  },
  {
    page: ".delete table policy caching",
    given: [...given, ".alter table Table1 policy caching hot = 1d"],
    command: ".delete table Table1 policy caching",
    rows: [row("CachingPolicy", null)],
  },
  {
    page: ".alter table policy ingestiontime",
    given,
    command: ".alter table Table1 policy ingestiontime true",
    rows: [row("IngestionTimePolicy", { IsEnabled: true })],
  },
  {
    page: ".alter tables policy ingestiontime",
    given,
    command: ".alter tables (Table1, Table2) policy ingestiontime true",
    rows: [row("IngestionTimePolicy", { IsEnabled: true }), row("IngestionTimePolicy", { IsEnabled: true }, "Table2")],
  },
  {
    page: ".alter table policy restricted_view_access",
    given,
    command: ".alter table Table1 policy restricted_view_access true",
    rows: [row("RestrictedViewAccessPolicy", { IsEnabled: true })],
  },
  {
    page: ".alter table policy restricted_view_access: off",
    given,
    command: ".alter tables (Table1, Table2) policy restricted_view_access false",
    after: shown("restricted_view_access", { IsEnabled: false })!,
  },
  {
    page: ".alter table policy streamingingestion",
    given,
    command: ".alter table Table1 policy streamingingestion enable",
    rows: [row("StreamingIngestionPolicy", { IsEnabled: true, HintAllocatedRate: null })],
  },
  {
    page: ".alter table policy streamingingestion: as JSON",
    given,
    command: `.alter table Table1 policy streamingingestion '{"IsEnabled": true, "HintAllocatedRate": 2.1}'`,
    rows: [row("StreamingIngestionPolicy", { IsEnabled: true, HintAllocatedRate: 2.1 })],
  },
  {
    page: ".alter-merge table policy streamingingestion",
    given: [...given, ".alter table Table1 policy streamingingestion enable"],
    command: `.alter-merge table Table1 policy streamingingestion '{"HintAllocatedRate": 2.1}'`,
    after: shown("streamingingestion", { IsEnabled: true, HintAllocatedRate: 2.1 })!,
  },
  {
    page: ".alter database policy streamingingestion",
    given,
    command: ".alter database TestDB policy streamingingestion disable",
    after: shown("streamingingestion", { IsEnabled: false, HintAllocatedRate: null })!,
  },
  {
    page: ".alter table policy auto_delete",
    given,
    command: `.alter table Table1 policy auto_delete @'{ "ExpiryDate" : "2199-02-01", "DeleteIfNotEmpty": true }'`,
    columns,
    rows: [row("AutoDeletePolicy", { ExpiryDate: "2199-02-01", DeleteIfNotEmpty: true })],
  },
  {
    page: "auto delete policy: the date must be in the future",
    given,
    command: `.alter table Table1 policy auto_delete '{"ExpiryDate":"2020-01-01"}'`,
    refused: /ExpiryDate.*future/,
  },
  {
    page: ".delete table policy auto_delete",
    given: [...given, `.alter table Table1 policy auto_delete '{"ExpiryDate":"2199-02-01"}'`],
    command: ".delete table Table1 policy auto_delete",
    rows: [row("AutoDeletePolicy", null)],
  },
  {
    page: ".alter table policy merge, as the exactly-once sink sets it",
    given,
    command: `.alter table Table1 policy merge '{"AllowRebuild":false,"AllowMerge":false}'`,
    after: {
      ".show table Table1 policy merge | project p = todynamic(Policy) | project tostring(p.AllowMerge), tostring(p.AllowRebuild)":
        [["false", "false"]],
    },
  },
  {
    page: ".alter table policy ingestionbatching",
    given,
    command: `.alter table Table1 policy ingestionbatching '{"MaximumBatchingTimeSpan":"00:00:30","MaximumNumberOfItems":500,"MaximumRawDataSizeMB":1024}'`,
    after: shown("ingestionbatching", {
      ...{ MaximumBatchingTimeSpan: "00:00:30", MaximumNumberOfItems: 500, MaximumRawDataSizeMB: 1024 },
    })!,
  },
  {
    page: ".alter table policy sharding",
    given,
    command: `.alter table Table1 policy sharding '{"UseShardEngine": true}'`,
    rows: [row("ShardingPolicy", { UseShardEngine: true })],
  },
  {
    page: ".alter table policy row_level_security is refused by its name",
    given,
    command: `.alter table Table1 policy row_level_security enable "Table1"`,
    refused: /policy row_level_security.*not supported.*line:position=1:1/,
  },
  {
    page: ".alter table policy update is refused by its name",
    given,
    command: ".alter table Table1 policy update '[]'",
    refused: /policy update.*not supported/,
  },
  {
    page: ".alter cluster policy is refused by its name",
    command: ".alter cluster policy caching hot = 30d",
    refused: /\.alter cluster policy caching.*not supported/,
  },
  {
    page: "a policy that Kusto has not",
    given,
    command: ".alter table Table1 policy nonsense '{}'",
    refused: /nonsense|SYN0002/,
  },
]);
