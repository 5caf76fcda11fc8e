import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type EngineHost, engineHost } from "../../engine-host.ts";

let host: EngineHost;
before(async () => {
  host = await engineHost();
  await host.ask(".create table T (ActivityId:string, n:long)");
  await host.ask(`.ingest inline into table T with (tags='["MyTag","drop-by:a"]') <|\nx,1\ny,2`);
  host.catalogue.clock.advance(3_600_000);
  await host.ask(`.ingest inline into table T with (tags='["MyTag","drop-by:MyOtherTag"]') <|\nx,3`);
  await host.ask(".ingest inline into table T <|\nz,4");
});
after(() => host.close());

/** After the documentation of extent_tags(), extent_id() and ingestion_time(). */
const cases: readonly [query: string, columns: string, rows: string][] = [
  [
    "T | where ActivityId == 'x' | extend tags = extent_tags() | summarize by tostring(tags) | sort by tags asc",
    "tags:string",
    '[["[\\"MyTag\\",\\"drop-by:MyOtherTag\\"]"],["[\\"MyTag\\",\\"drop-by:a\\"]"]]',
  ],
  [
    "T | extend Tags = extent_tags() | where Tags has_cs 'MyTag' and Tags !has_cs 'drop-by:MyOtherTag' | count",
    "Count:long",
    "[[2]]",
  ],
  ["T | where extent_tags() has 'drop-by:a' | project n | sort by n asc", "n:long", "[[1],[2]]"],
  ["T | where array_length(extent_tags()) == 0 | project n", "n:long", "[[4]]"],
  ["T | project n | where n > 0 | extend id = extent_id() | summarize count() by id | count", "Count:long", "[[3]]"],
  ["T | sort by n asc | take 1 | project extent_tags()", "Column1:dynamic", '[[["MyTag","drop-by:a"]]]'],
  ["T | summarize min(ingestion_time()), max(ingestion_time()) | count", "Count:long", "[[1]]"],
  ["T | where ingestion_time() < ago(30m) | count", "Count:long", "[[2]]"],
  // Calculated data lies in no extent.
  [
    "print extent_id(), extent_tags(), ingestion_time()",
    "print_0:guid,print_1:dynamic,print_2:datetime",
    '[["00000000-0000-0000-0000-000000000000",null,null]]',
  ],
  ["T | summarize count() | project extent_id()", "Column1:guid", '[["00000000-0000-0000-0000-000000000000"]]'],
];

for (const [query, columns, rows] of cases)
  test(query, async () => {
    assert.deepEqual(await host.ask(query), { columns, rows });
  });
