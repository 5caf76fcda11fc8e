import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import { stringify } from "csv-stringify/sync";
import type { InputFile } from "./check-file.ts";

/** Files that need no network. */

const vega = "node_modules/vega-datasets/data";

/** Those of vega-datasets up to a size. */
export function vegaFiles(longest: number): InputFile[] {
  return readdirSync(vega)
    .filter((name) => /\.(csv|tsv|json)$/.test(name) && statSync(join(vega, name)).size <= longest)
    .sort()
    .map((name) => ({ name: `npm:vega-datasets/${name}`, path: join(vega, name) }));
}

/** Some of them as other programs would have written them: by csv-stringify, JSON.stringify and node:zlib. */
export function rewrittenFiles(folder: string): InputFile[] {
  const textOf = (name: string) => readFileSync(join(vega, name), "utf8");
  const table = (name: string) => parse(textOf(name)) as string[][];
  const records = (name: string) => JSON.parse(textOf(name)) as Record<string, unknown>[];
  const files: Readonly<Record<string, string | Uint8Array>> = {
    "stocks-semicolon.csv": stringify(table("stocks.csv"), { delimiter: ";", quoted: true }),
    "stocks-crlf-bom.csv": `\ufeff${stringify(table("stocks.csv"), { record_delimiter: "\r\n" })}`,
    "github.tsv": stringify(table("github.csv"), { delimiter: "\t" }),
    "github.csv.gz": gzipSync(stringify(table("github.csv"), { quoted_string: true })),
    "crimea.ndjson": records("crimea.json")
      .map((record) => JSON.stringify(record))
      .join("\n"),
    "barley-lines.json": records("barley.json")
      .map((record) => `${JSON.stringify(record)}\r\n`)
      .join(""),
    "barley-pretty.json.gz": gzipSync(JSON.stringify(records("barley.json"), undefined, 4)),
    "wheat-nested.json": JSON.stringify({
      source: { name: "wheat" },
      years: [1565, 1821],
      data: records("wheat.json"),
    }),
    "wheat-object.json": JSON.stringify({ all: { wheat: records("wheat.json") } }),
    "burtin-array.jsonl": records("burtin.json")
      .map((record) => ` ${JSON.stringify({ record, all: [record, null] })} \n`)
      .join("\n"),
  };
  return Object.entries(files).map(([name, content]) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return { name: `npm:vega-datasets/rewritten/${name}`, path };
  });
}
