import type { Group } from "./case.ts";
import type { Measured } from "./measure.ts";
import { timesBetter } from "./row.ts";
import type { Target } from "./targets.ts";

/** Lines of a group for a person: every case, its spread, its sizes, and how many times ours is better than it. */
export function groupTable({ suite, corpus, unit, count }: Group, measured: readonly Measured[]): string {
  const subjects = measured.filter((m) => measured.some((rival) => rival.against.includes(m.name)));
  const hasSizes = measured.some((m) => m.bytesOut !== m.bytesIn);
  const head = ["", unit, "±", ...(unit === "MB/s" ? [] : ["MB/s"]), ...(hasSizes ? ["packed", "ratio"] : [])];
  const lines = measured.map((m) => [
    m.name,
    figure(m.value),
    `${m.spread.toFixed(0)} %`,
    ...(unit === "MB/s" ? [] : [figure(megabytesPerSecond(m, unit, count))]),
    ...(hasSizes ? [`${(m.bytesOut / 1e6).toFixed(2)} MB`, (m.bytesIn / m.bytesOut).toFixed(2)] : []),
    ...subjects.map((s) => (m.against.includes(s.name) ? times(timesBetter(unit, s.value, m.value)) : "")),
  ]);
  const figures = measured.flatMap((m) =>
    m.figures.map((f) => `    ${m.name}: ${f.name} ${figure(f.value)} ${f.unit}`),
  );
  const title = `${suite}, ${corpus}${unit.endsWith("/number") ? "" : `, ${figure(count)} records`}`;
  return [title, ...columns([[...head, ...subjects.map((s) => `${s.name} is`)], ...lines]), ...figures, ""].join("\n");
}

function megabytesPerSecond({ value, bytesIn }: Measured, unit: string, count: number): number {
  const nanoseconds = unit.endsWith("/s") ? (count * 1e9) / value : value * count;
  return (bytesIn * 1e3) / nanoseconds;
}

function times(ratio: number): string {
  return `${ratio.toFixed(2)}x${ratio < 1 ? " (slower)" : ""}`;
}

export function targetTable(targets: readonly Target[], runtime: string): string {
  const measured = targets.filter(({ found }) => found !== undefined);
  const lines = measured.map(({ what, rival, asks, found }) => [what, rival, asks, found!.text, verdict(found)]);
  const rest = targets.length - measured.length;
  return [
    `Targets, ${runtime}`,
    ...columns([["", "beside", "asked", "found", ""], ...lines], 5),
    ...(rest > 0 ? [`  ${rest} of ${targets.length} not measured`] : []),
    "",
  ].join("\n");
}

export function verdict(found: Target["found"]): string {
  return found === undefined ? "not measured" : found.isMet ? "met" : "NOT MET";
}

/** What each runtime found, side by side, for the manual: a miss is bold. */
export function targetMarkdown(found: readonly { runtime: string; targets: readonly Target[] }[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const head = ["target", "beside", "asked", ...found.map(({ runtime }) => runtime)];
  const lines = found[0]!.targets.map(({ what, rival, asks }, i) =>
    line([what, rival, asks, ...found.map(({ targets }) => cell(targets[i]!.found))]),
  );
  return [line(head), line(head.map(() => "---")), ...lines, ""].join("\n");
}

function cell(found: Target["found"]): string {
  if (found === undefined) return "not measured";
  return found.isMet ? found.text : `**${found.text}**`;
}

/** Four digits at most, thousands apart. */
export function figure(value: number): string {
  if (value >= 1_000) return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, " ");
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** Columns as wide as their widest cell; the first `left` of them stand left, the others right. */
function columns(lines: readonly (readonly string[])[], left = 1): string[] {
  const widths = lines[0]!.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  return lines.map((line) =>
    `  ${line.map((cell, i) => (i < left ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  ")}`.trimEnd(),
  );
}
