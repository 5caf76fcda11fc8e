import { IngestionFailure } from "../ingestion-failure.ts";
import type { JsonRecord } from "./json.ts";
import { lines } from "./lines.ts";

/**
 * The records of a web log file in the W3C's format: `#Fields:` names what the blanks of the following lines separate; a
 * dash is no value.
 *
 * @throws IngestionFailure BadRequest_InvalidBlob where a line comes before the names.
 */
export async function* w3cRecords(pieces: AsyncIterable<string>): AsyncGenerator<JsonRecord[]> {
  let names: string[] | undefined;
  for await (const found of lines(pieces)) {
    const records: JsonRecord[] = [];
    for (const line of found) {
      if (line.startsWith("#")) {
        if (/^#fields:/i.test(line)) names = line.slice("#fields:".length).trim().split(/\s+/);
        continue;
      }
      if (line.trim() === "") continue;
      if (!names)
        throw new IngestionFailure("BadRequest_InvalidBlob", "Blob is invalid: a log entry before its #Fields line.");
      records.push(recordOf(names, line));
    }
    yield records;
  }
}

function recordOf(names: readonly string[], line: string): JsonRecord {
  const fields = line.trim().split(/\s+/);
  const entries = names.map((name, index) => [name, fields[index] ?? "-"] as const);
  const value = Object.fromEntries(entries.filter(([, field]) => field !== "-"));
  return { value, text: JSON.stringify(value) };
}
