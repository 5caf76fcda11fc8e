import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createContext, runInContext } from "node:vm";
import { checkFile, type InputFile, type Tools, type Verdict } from "./check-file.ts";
import { type DataPackage, unpackedPackage } from "./packages.ts";
import type { SourceRow } from "./readings.ts";

/** csv-spectrum: files, and the records that they are, as JSON. */
export async function csvSpectrum(one: DataPackage, tools: Tools): Promise<Verdict[]> {
  const folder = join(await unpackedPackage(one), "package");
  const verdicts: Verdict[] = [];
  for (const name of readdirSync(join(folder, "csvs"))) {
    const told: unknown = JSON.parse(readFileSync(join(folder, "json", name.replace(/csv$/, "json")), "utf8"));
    // A file of one record is told as that record.
    const records = (Array.isArray(told) ? told : [told]) as Record<string, string>[];
    const rows = records.map((record): SourceRow => ({ line: undefined, value: Object.values(record) }));
    const path = join(folder, "csvs", name);
    verdicts.push(await checkFile({ name: `csv:csv-spectrum/${name}`, path, rows, isText: true, forgiven }, tools));
  }
  return verdicts;
}

interface PapaCase {
  readonly description: string;
  readonly input: string;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly expected: { readonly data: readonly (readonly string[])[]; readonly errors?: readonly unknown[] };
}

/** Other readers take more than RFC 4180: what they mend is rejected. */
const forgiven: readonly (readonly [reason: RegExp, why: string])[] = [
  [
    /a quote stands inside field|follows the closing quote/,
    "RFC 4180 has no quote inside of a field that does not begin with one",
  ],
  [/\d fields? where the header has/, "a row is as wide as the header"],
  [
    /a quote opens a field on (this line|line \d+) and is not closed/,
    "a quote that is not closed hides the rest of the file",
  ],
];

/** Rows that PapaParse reads otherwise than docs/files.md says, by the case's name: blanks around a quoted field are no part of it. */
const documentedRows: ReadonlyMap<string, readonly (readonly string[])[]> = new Map([
  ["Quoted field with whitespace around quotes", [["A", "B", "C"]]],
]);

/**
 * The cases of PapaParse's own tests that ask for nothing but a delimiter. A header row is put before each, because its rows
 * have none; empty lines are left out, as everywhere.
 */
export async function papaParse(one: DataPackage, tools: Tools): Promise<Verdict[]> {
  const folder = join(await unpackedPackage(one), "package/tests");
  const verdicts: Verdict[] = [];
  for (const [index, each] of casesIn(readFileSync(join(folder, "test-cases.js"), "utf8")).entries()) {
    const file = papaFile(each, index, tools.folder);
    if (file) verdicts.push(await checkFile(file, tools));
  }
  return verdicts;
}

/** The tests as data: what would run them is put out of action. */
function casesIn(source: string): PapaCase[] {
  const idle = Object.assign(() => {}, { skip() {}, only() {} });
  const context = createContext({ describe: idle, it: idle, require: () => ({ assert: {} }), module: { exports: {} } });
  return runInContext(`${source}\n;[...CORE_PARSER_TESTS, ...PARSE_TESTS]`, context) as PapaCase[];
}

function papaFile(
  { description, input, config = {}, expected }: PapaCase,
  index: number,
  folder: string,
): InputFile | undefined {
  const { delimiter = ",", ...others } = config as { delimiter?: string };
  const isPlain = typeof delimiter === "string" && /^[\t -!#-~]$/.test(delimiter) && Object.keys(others).length === 0;
  // Guessing a delimiter is PapaParse's affair: where it found another, the rows say so.
  const rows = (documentedRows.get(description) ?? expected.data).filter(
    (row) => Array.isArray(row) && !(row.length === 1 && row[0] === ""),
  );
  const width = Math.max(1, ...rows.map((row) => row.length));
  const isGuessed = config.delimiter === undefined && /elimiter is guessed|^Callback/.test(description);
  if (!isPlain || isGuessed || typeof input !== "string" || input.startsWith("\ufeff") || rows.length === 0)
    return undefined;
  const newline = input.includes("\n") ? "\n" : input.includes("\r") ? "\r" : "\n";
  const header = Array.from({ length: width }, (_, i) => `h${i + 1}`).join(delimiter);
  const path = join(folder, `papa-${index}.csv`);
  writeFileSync(path, `${header}${newline}${input}`);
  return {
    name: `csv:papaparse/${description}`,
    path,
    delimiter,
    rows: rows.map((value) => ({
      line: undefined,
      value,
      ...(value.length !== width && { fault: `${value.length} fields, and the header ${width}` }),
    })),
    isText: true,
    isBroken: (expected.errors?.length ?? 0) > 0,
    forgiven,
  };
}
