import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inferFiles } from "../../src/cli/infer-files.ts";
import { coerce } from "../../src/schema/coerce.ts";
import type { Table } from "../../src/schema/table.ts";
import { files } from "../../src/source/files.ts";

const signal = new AbortController().signal;

/** A real file of the vega-datasets package, read, inferred and converted as `millrace ingest` does it. */
export async function vegaRecords(
  name: string,
  file: string,
  most: number,
): Promise<{ table: Table; records: Record<string, unknown>[] }> {
  const path = join(fileURLToPath(new URL("../data", import.meta.resolve("vega-datasets"))), file);
  const source = files(path);
  const plan = await source.plan();
  const { table, renames } = await inferFiles(name, plan, (each) => source.readOne!(each, signal), 0);
  const convert = coerce(table, plan.form, { renames });
  const records: Record<string, unknown>[] = [];
  for await (const slice of source.read({}, signal)) {
    for (const raw of slice.records.slice(0, most - records.length)) records.push(convert(raw));
    if (records.length >= most) break;
  }
  return { table, records };
}
