import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { corpusNames } from "./corpora/corpora.ts";
import { measure } from "./measure.ts";
import { page } from "./report/page.ts";
import { type Row, rowsFor, rowsOf, runtimesOf, soakSuite } from "./row.ts";
import { readSoak, soakFile, soakRows } from "./soak-result.ts";
import { suites } from "./suites/suites.ts";
import { groupTable, targetMarkdown, targetTable } from "./tables.ts";
import { targetsOf } from "./targets.ts";

const help = `npm run bench -- [options]
  --suite NAME      only this one: ${Object.keys(suites).join(", ")}; may be given again
  --corpus NAME     only this one: ${corpusNames.join(", ")}; may be given again
  --seconds N       for each case, in up to five rounds (default 1); below 0.5 everything is done small
  --records N       only so many records of each corpus
  --json FILE       write the rows
  --html FILE       write the report, a page with pictures
  --soak FILE       what npm run bench:soak found (default ${soakFile}, if there is one)
  --markdown FILE   write the table of targets for the manual; - is stdout
  --from FILE       take the rows of an earlier --json and measure nothing; may be given again`;

const { values } = parseArgs({
  options: {
    suite: { type: "string", multiple: true },
    corpus: { type: "string", multiple: true },
    seconds: { type: "string", default: "1" },
    records: { type: "string" },
    json: { type: "string" },
    html: { type: "string" },
    soak: { type: "string" },
    markdown: { type: "string" },
    from: { type: "string", multiple: true },
    help: { type: "boolean" },
  },
});

function among(what: string, given: readonly string[] | undefined, known: readonly string[]): readonly string[] {
  const stranger = given?.find((name) => !known.includes(name));
  if (stranger !== undefined) throw new Error(`No ${what} ${stranger}; there are ${known.join(", ")}.`);
  return given ?? known;
}

async function measured(): Promise<Row[]> {
  const seconds = Number(values.seconds);
  if (!(seconds > 0)) throw new Error(`--seconds is ${values.seconds}; it takes a positive number.`);
  const plan = {
    corpora: values.corpus && among("corpus", values.corpus, corpusNames),
    mostRecords: values.records === undefined ? undefined : Number(values.records),
    isShort: seconds < 0.5,
  };
  const rows: Row[] = [];
  for (const name of among("suite", values.suite, Object.keys(suites)))
    for await (const group of suites[name]!(plan)) {
      const results = await measure(group, seconds);
      await group.dispose?.();
      console.log(groupTable(group, results));
      rows.push(...rowsOf(group, results));
    }
  return rows;
}

if (values.help) {
  console.log(help);
} else {
  const rows = values.from
    ? values.from.flatMap((file): Row[] => JSON.parse(readFileSync(file, "utf8")))
    : await measured();
  // A part of the benches says nothing of memory.
  const soak = values.suite && !values.soak ? undefined : readSoak(values.soak);
  if (soak && !rows.some((row) => row.suite === soakSuite)) rows.push(...soakRows(soak));
  if (values.json) writeFileSync(values.json, `${JSON.stringify(rows, null, 1)}\n`);
  if (values.html) writeFileSync(values.html, page(rows, soak));
  const found = runtimesOf(rows).map((runtime) => ({ runtime, targets: targetsOf(rowsFor(runtime, rows)) }));
  for (const { runtime, targets } of found) console.log(targetTable(targets, runtime));
  if (values.markdown === "-") console.log(targetMarkdown(found));
  else if (values.markdown) writeFileSync(values.markdown, targetMarkdown(found));
}
