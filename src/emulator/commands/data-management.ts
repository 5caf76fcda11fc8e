import { type ResultTable, resultTable } from "../values/result.ts";
import { type DataManagement, identityToken, queuedIngestionCommand } from "./queued-ingestion.ts";

/**
 * The commands of the data management endpoint. They are known by their words, without the parser, which does not carry
 * them and takes a second to wake. Undefined for any other text.
 */
export function dataManagementCommand(
  text: string,
  parts: DataManagement,
): ResultTable | Promise<ResultTable> | undefined {
  // Java's SDK asks for them by `.show`.
  if (/^\s*\.(get|show)\s+ingestion\s+resources\b/i.test(text)) {
    parts.access?.mayAnything("perform operation 'IngestionResourcesShow' on");
    return resultTable(
      [
        { name: "ResourceTypeName", kind: "string" },
        { name: "StorageRoot", kind: "string" },
      ],
      parts.storage.resources(),
    );
  }
  if (/^\s*\.get\s+kusto\s+identity\s+token\b/i.test(text)) {
    parts.access?.mayAnything("perform operation 'KustoIdentityTokenGet' on");
    return resultTable([{ name: "AuthorizationContext", kind: "string" }], [[identityToken(parts)]]);
  }
  return queuedIngestionCommand(text, parts);
}
