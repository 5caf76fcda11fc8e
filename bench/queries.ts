import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { pairs } from "./kql/queries.ts";
import { comparable, openRace, type Race } from "./kql/race.ts";
import { figure } from "./tables.ts";

const help = `npm run bench:queries -- [options]
  --rows N       events in the table (default 100000)
  --rounds N     of each query, KQL and SQL in turns (default 5)
  --query TEXT   only queries that hold this text
  --json FILE    write the rows
  --markdown FILE  write the table for the manual; - is stdout`;

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "100000" },
    rounds: { type: "string", default: "5" },
    query: { type: "string" },
    json: { type: "string" },
    markdown: { type: "string" },
    help: { type: "boolean" },
  },
});

/** Medians in milliseconds, and the median of the ratios of a round's two runs: what the machine does meanwhile falls on both. */
interface Line {
  readonly kql: string;
  readonly sql: string;
  readonly kqlMs: number;
  readonly sqlMs: number;
  readonly ratio: number;
  readonly isEqual: boolean;
}

const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;

async function measured(race: Race, rounds: number): Promise<Line[]> {
  const lines: Line[] = [];
  const chosen = pairs.filter(({ kql }) => values.query === undefined || kql.includes(values.query));
  for (const { kql, sql, isOrdered } of chosen) {
    progress(lines.length / chosen.length, kql);
    const [ours, theirs] = [await race.kql(kql), await race.sql(sql)];
    const isEqual =
      comparable(ours.rows, isOrdered === true).join("\n") === comparable(theirs.rows, isOrdered === true).join("\n");
    const samples: [number, number][] = [];
    for (let round = 0; round < rounds; round++)
      samples.push([(await race.kql(kql)).milliseconds, (await race.sql(sql)).milliseconds]);
    lines.push({
      kql,
      sql,
      kqlMs: median(samples.map(([a]) => a)),
      sqlMs: median(samples.map(([, b]) => b)),
      ratio: median(samples.map(([a, b]) => a / b)),
      isEqual,
    });
  }
  progress(1, "");
  return lines;
}

function progress(share: number, what: string): void {
  if (!process.stderr.isTTY) return;
  const full = Math.round(share * 30);
  process.stderr.write(`\r\u001b[K[${"#".repeat(full)}${".".repeat(30 - full)}] ${what.slice(0, 40)}`);
  if (share === 1) process.stderr.write("\r\u001b[K");
}

const cells = ({ kqlMs, sqlMs, ratio, isEqual, kql }: Line) =>
  [figure(kqlMs), figure(sqlMs), ratio.toFixed(1), isEqual ? "" : "DIFFERS", kql] as const;

function table(lines: readonly Line[]): string {
  const rows = lines.map((line) => {
    const [ours, theirs, ratio, differs, kql] = cells(line);
    return `${ours.padStart(8)} ${theirs.padStart(8)} ${ratio.padStart(6)}  ${differs.padEnd(8)}${kql.slice(0, 100)}`;
  });
  return ["  KQL ms   SQL ms  ratio", ...rows].join("\n");
}

function summary(lines: readonly Line[]): string {
  const over = (least: number) => lines.filter(({ ratio }) => ratio > least).length;
  return [
    `${lines.length} queries: median ratio ${median(lines.map(({ ratio }) => ratio)).toFixed(2)}, slowest ${figure(Math.max(...lines.map(({ kqlMs }) => kqlMs)))} ms;`,
    `${over(5)} over 5 times the SQL, ${lines.filter(({ kqlMs }) => kqlMs > 1_000).length} over 1 s, ${lines.filter(({ isEqual }) => !isEqual).length} with another answer`,
  ].join(" ");
}

function markdown(lines: readonly Line[]): string {
  const rows = lines.map((line) => {
    const [ours, theirs, ratio, differs, kql] = cells(line);
    return `| \`${kql.replaceAll("|", "\\|")}\` | ${ours} | ${theirs} | ${ratio}${differs && ` ${differs}`} |`;
  });
  return ["| query | KQL ms | SQL ms | ratio |", "| --- | --- | --- | --- |", ...rows, ""].join("\n");
}

if (values.help) {
  console.log(help);
} else {
  const race = await openRace(Number(values.rows));
  try {
    const lines = (await measured(race, Number(values.rounds))).toSorted((a, b) => b.ratio - a.ratio);
    console.log(table(lines));
    console.log(summary(lines));
    if (values.json) writeFileSync(values.json, `${JSON.stringify(lines, null, 1)}\n`);
    if (values.markdown === "-") console.log(markdown(lines));
    else if (values.markdown) writeFileSync(values.markdown, markdown(lines));
    // An answer that differs is a fault, whatever it took.
    if (lines.some(({ isEqual }) => !isEqual)) process.exitCode = 1;
  } finally {
    race.close();
  }
}
