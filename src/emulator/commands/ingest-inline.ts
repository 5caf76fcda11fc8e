import { IngestionFailure } from "../ingest/failure.ts";
import { ingest } from "../ingest/ingest.ts";
import { findPart } from "../kql/tree.ts";
import { KustoError } from "../kusto-error.ts";
import type { Command } from "./run.ts";
import { propertiesOf, tableName } from "./syntax.ts";

/** `.ingest inline into table T with (format="csv", tags='["a"]') <| ...` */
const inline: Command = async (node, { catalogue, database }) => {
  const properties = propertiesOf(node);
  const data = findPart(node, "Data")?.ToString() ?? "";
  const list = (name: string): string[] => {
    const text = properties.get(name);
    if (text === undefined || text === "") return [];
    try {
      return JSON.parse(text) as string[];
    } catch {
      throw new KustoError(`Ingestion property '${name}' must be a JSON array of strings.`);
    }
  };
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
        tags: list("tags"),
        ifNotExists: list("ingestifnotexists"),
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
