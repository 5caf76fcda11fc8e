import { randomBytes } from "node:crypto";
import { type ResultTable, resultTable } from "../http/result.ts";
import type { Storage } from "../storage/storage.ts";

/**
 * The two commands of the data management endpoint that clients live on. They are known by their words, without the
 * parser, which does not carry them and takes a second to wake.
 */
export function dataManagementCommand(text: string, storage: Storage): ResultTable | undefined {
  if (/^\s*\.get\s+ingestion\s+resources\b/i.test(text))
    return resultTable(
      [
        { name: "ResourceTypeName", kind: "string" },
        { name: "StorageRoot", kind: "string" },
      ],
      storage.resources(),
    );
  if (/^\s*\.get\s+kusto\s+identity\s+token\b/i.test(text))
    return resultTable([{ name: "AuthorizationContext", kind: "string" }], [[randomBytes(48).toString("base64")]]);
  return undefined;
}
