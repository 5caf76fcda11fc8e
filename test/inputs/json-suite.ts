import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Tools, Verdict } from "./check-file.ts";
import { lastLine, type Outcome } from "./command-line.ts";
import { canonicalJson, parseLossless } from "./json-values.ts";
import { askKusto } from "./kusto-rows.ts";
import type { DataPackage } from "./packages.ts";
import { unpackedPackage } from "./packages.ts";

interface Case {
  /** `y_`: every reader takes it, `n_`: no reader does, `i_`: either. */
  readonly name: string;
  readonly input: string;
}

interface Summary {
  readonly error?: { readonly message: string };
  readonly delivered?: number;
  readonly rejected?: number;
  readonly rejections?: readonly { readonly reason: string }[];
}

/** What is right, although JSON has it otherwise; by the case's name. */
const documented: readonly (readonly [name: RegExp, why: string])[] = [
  [
    /^n_(structure_no_data|single_space|structure_UTF8_BOM_no_data)/,
    "an empty file has no records, and none is rejected",
  ],
];

/**
 * JSONTestSuite, as npm has it. Each text is read three times: as a value of a record, as a file of its own, and, if it has one
 * line, as a line of NDJSON. A record is an object, so that the elements of most of its arrays are rejected as such.
 */
export async function jsonSuite(one: DataPackage, tools: Tools): Promise<Verdict[]> {
  const folder = await unpackedPackage(one);
  const { default: cases } = (await import(pathToFileURL(join(folder, "package/data/parsing.js")).href)) as {
    default: Case[];
  };
  await askKusto(tools.cluster, ".drop tables (Suite, Raw) ifexists");
  await askKusto(tools.cluster, ".create table Suite (id: long, v: dynamic)");
  await askKusto(tools.cluster, ".create table Raw (v: dynamic)");
  const notes = new Map<string, string[]>(cases.map(({ name }) => [name, []]));
  for (const [id, { name, input }] of cases.entries()) {
    const note = (text: string) => notes.get(name)!.push(text);
    const value = join(tools.folder, "value.json");
    writeFileSync(value, `{"id":${id},"v":${input}}`);
    judgeValue(name, await ingest(tools, value, "Suite"), note);
    const whole = join(tools.folder, "whole.json");
    writeFileSync(whole, input);
    judgeWhole(name, input, await ingest(tools, whole, "Raw", "--format", "json"), note);
  }
  await judgeLines(cases, tools, (name, text) => notes.get(name)!.push(text));
  await judgeArrived(cases, tools, (name, text) => notes.get(name)!.push(text));
  return cases.map(({ name }): Verdict => {
    const found = notes.get(name)!;
    const why = documented.find(([pattern]) => pattern.test(name))?.[1];
    const isGood = found.length === 0 || why !== undefined;
    const silent = isGood ? 0 : found.filter((text) => text.startsWith("SILENT")).length;
    const different = isGood ? 0 : found.length - silent;
    const kind = { name: `json:json-test-suite/${name}`, outcome: isGood ? "same" : "differs" } as const;
    return {
      ...kind,
      rows: 1,
      rejected: 0,
      cells: 1,
      different,
      silent,
      notes: why ? [why] : found,
      documented: new Map(),
    };
  });
}

function ingest({ millrace, cluster }: Tools, path: string, table: string, ...more: string[]): Promise<Outcome> {
  const target = ["--cluster", cluster, "--database", "demo", "--table", table];
  return millrace.run("ingest", path, ...target, "--json", "--quiet", ...more);
}

const noObject = /a record is a JSON object|expected \{ or \[ to begin JSON records/;

/** Of a record with the text as a value, which is JSON where the text is. */
function judgeValue(name: string, outcome: Outcome, note: (text: string) => void): void {
  const { error, delivered = 0, rejected = 0 } = lastLine<Summary>(outcome);
  const isTaken = error === undefined && rejected === 0 && delivered === 1;
  if (outcome.code === 0 && !isTaken) note(`SILENT as a value: neither taken nor rejected: ${outcome.out}`);
  if (name.startsWith("y_") && !isTaken) note(`DIFFERENT as a value: refused: ${outcome.out}`);
  if (name.startsWith("n_") && delivered > 0 && rejected === 0 && error === undefined) note("SILENT as a value: taken");
}

/** What is said of an object without a member `v`: the table has a column for none of its fields, and no row of nulls is made. */
function noColumnFor(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value) || Object.hasOwn(value, "v"))
    return undefined;
  // A document with one array of objects holds its records there: see docs/files.md.
  const [first] = Object.values(value).filter((each) => Array.isArray(each) && typeof each[0] === "object");
  const fields = Object.keys(first?.[0] ?? value).map((field) => JSON.stringify(field));
  return `none of its fields (${fields.join(", ")}) has a column in table Raw ("v"). No record was read.`;
}

function judgeWhole(name: string, input: string, outcome: Outcome, note: (text: string) => void): void {
  const { error, delivered = 0, rejected = 0, rejections = [] } = lastLine<Summary>(outcome);
  const reasons = [...(error ? [error.message] : []), ...rejections.map(({ reason }) => reason)];
  const isForeign = (reason: string) => {
    const said = name.startsWith("y_") ? noColumnFor(JSON.parse(input)) : undefined;
    return said !== undefined && reason.endsWith(`: ${said}`);
  };
  const isBroken = reasons.some((reason) => !noObject.test(reason) && !isForeign(reason));
  if (name.startsWith("n_") && error === undefined && !isBroken) note(`SILENT as a file: taken: ${outcome.out}`);
  if (!name.startsWith("y_")) return;
  const value = JSON.parse(input);
  const records = Array.isArray(value) ? value.length : 1;
  if (isBroken) note(`DIFFERENT as a file: refused: ${outcome.out}`);
  else if (error === undefined && delivered + rejected !== records)
    note(`SILENT as a file: ${records} values, ${delivered} taken, ${rejected} rejected`);
}

/** All of one line in one file, where a broken one harms no other. */
async function judgeLines(
  cases: readonly Case[],
  tools: Tools,
  note: (name: string, text: string) => void,
): Promise<void> {
  const lines = cases.filter(({ input }) => !/[\n\r]/.test(input));
  const path = join(tools.folder, "lines.ndjson");
  const letters = join(tools.folder, "lines-letters.ndjson");
  writeFileSync(path, lines.map(({ input }, i) => `{"id":${100_000 + i},"v":${input}}\n`).join(""));
  const outcome = await ingest(tools, path, "Suite", "--dead-letter", letters);
  const rejected = new Set(
    readFileSync(letters, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => Number(/:(\d+)$/.exec((JSON.parse(line) as { place: string }).place)?.[1])),
  );
  const { rows } = await askKusto(tools.cluster, "Suite | where id >= 100000 | project n = tolong(id - 100000)");
  const arrived = new Set(rows.map(([n]) => Number((n as { text: string }).text)));
  for (const [i, { name }] of lines.entries()) {
    const [isRejected, isThere] = [rejected.has(i + 1), arrived.has(i)];
    if (isRejected === isThere)
      note(name, `SILENT as a line: ${isThere ? "both" : "neither"} taken and rejected: ${outcome.out}`);
    if (name.startsWith("y_") && isRejected) note(name, "DIFFERENT as a line: rejected");
    if (name.startsWith("n_") && isThere) note(name, "SILENT as a line: taken");
  }
}

/** What was taken is what lossless-json reads. */
async function judgeArrived(
  cases: readonly Case[],
  tools: Tools,
  note: (name: string, text: string) => void,
): Promise<void> {
  const { rows } = await askKusto(tools.cluster, "Suite | where id < 100000");
  for (const [id, value] of rows) {
    const { name, input } = cases[Number((id as { text: string }).text)]!;
    const wanted = (JSON.parse(`[${input}]`) as unknown[])[0];
    const [ours, theirs] = [canonicalJson(parseLossless(input)), canonicalJson(value)];
    // lossless-json reads less than JSON: what it takes otherwise than JSON.parse is JSON.parse's to say.
    if (ours !== theirs && canonicalJson(wanted) !== theirs)
      note(name, `DIFFERENT value: ${input.slice(0, 100)} came as ${theirs.slice(0, 100)}`);
  }
}
