import { ingest } from "../ingest/ingest.ts";
import { IngestionFailure } from "../ingestion-failure.ts";
import { findPart } from "../kql/tree.ts";
import type { Command } from "./command.ts";
import { listProperty, propertiesOf, tableName } from "./syntax.ts";

/** `.ingest inline into table T with (format="csv", tags='["a"]') <| ...` */
const inline: Command = async (node, { catalogue, database }) => {
  const properties = propertiesOf(node);
  const data = findPart(node, "Data")?.ToString() ?? "";
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(data, "utf8");
  }
  try {
    const extent = await ingest(
      catalogue,
      {
        database: database.name,
        table: tableName(node),
        format: properties.get("format") ?? "csv",
        mapping: properties.get("ingestionmapping"),
        mappingReference: properties.get("ingestionmappingreference"),
        ignoreFirstRecord: properties.get("ignorefirstrecord") === "true",
        tags: listProperty(properties, "tags"),
        ifNotExists: listProperty(properties, "ingestIfNotExists"),
      },
      bytes(),
    );
    return [[extent.id]];
  } catch (error) {
    if (error instanceof IngestionFailure && error.code.startsWith("Skipped_")) return [];
    throw error;
  }
};

export const inlineCommands: Readonly<Record<string, Command>> = { IngestInlineIntoTable: inline };
