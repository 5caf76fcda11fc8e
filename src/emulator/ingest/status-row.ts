import type { Storage } from "../storage/storage.ts";
import type { StatusRow } from "./message.ts";

/** A property of a table entity. A type that JSON has no value of its own for is named beside it. */
export type StatusProperty = string | boolean | { readonly type: "Edm.Guid" | "Edm.DateTime"; readonly value: string };

const guidPattern = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** Ids are Edm.Guid in the service's rows: Java's SDK before 7.0.3 takes nothing else. An id of a client's own making stays text. */
export function guidProperty(id: string): StatusProperty {
  return guidPattern.test(id) ? { type: "Edm.Guid", value: id } : id;
}

export function datetimeProperty(text: string): StatusProperty {
  return { type: "Edm.DateTime", value: text };
}

/** A row that Azurite does not take in this time would keep its whole batch. */
const requestTimeoutMs = 30_000;

/**
 * Merges the properties into a client's row, so that what the client has written beside them stays, with its types. Rows of
 * tables elsewhere are not written to.
 *
 * @throws Error when storage is down. A refused row is the client's own affair: it named the row and gave the SAS.
 */
export async function mergeStatusRow(
  storage: Storage,
  row: StatusRow,
  properties: Readonly<Record<string, StatusProperty>>,
): Promise<void> {
  const url = rowUrl(storage, row);
  if (!url) return;
  const answer = await fetch(url, {
    method: "MERGE",
    headers: { "content-type": "application/json", accept: "application/json;odata=nometadata" },
    body: JSON.stringify(annotated(properties)),
    signal: AbortSignal.timeout(requestTimeoutMs),
  });
  await answer.body?.cancel();
  if (answer.status >= 500) throw new Error(`The status table answered ${answer.status}.`);
}

function annotated(properties: Readonly<Record<string, StatusProperty>>): Record<string, string | boolean> {
  const entity: Record<string, string | boolean> = {};
  for (const [name, property] of Object.entries(properties)) {
    if (typeof property !== "object") entity[name] = property;
    else {
      entity[`${name}@odata.type`] = property.type;
      entity[name] = property.value;
    }
  }
  return entity;
}

/** The row's address at our own status table. */
function rowUrl(storage: Storage, { url, partitionKey, rowKey }: StatusRow): string | undefined {
  const direct = storage.fronts.table.toAzurite(url);
  if (!direct) return undefined;
  const [table, sas] = direct.split("?");
  const key = (text: string) => encodeURIComponent(text.replaceAll("'", "''"));
  return `${table}(PartitionKey='${key(partitionKey)}',RowKey='${key(rowKey)}')?${sas ?? ""}`;
}
