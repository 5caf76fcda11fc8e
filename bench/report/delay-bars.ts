import type { Row } from "../row.ts";
import { colors, line, picture, rectangle, text, ticks } from "./svg.ts";

const width = 980;
const labelWidth = 120;
const barWidth = 760;
const barHeight = 12;
const top = 30;
const figureName = ": event-loop delay p99";
const mostMs = 10;
const fills = [colors.rival, colors.ours, colors.second];

/** How late the caller's event loop was while a sink was written to, beside what is asked. Shorter is better. */
export function delayBars(rows: readonly Row[]): string | undefined {
  const delays = rows.filter((row) => row.suite === "workers" && row.case.endsWith(figureName));
  if (delays.length === 0) return undefined;
  const corpora = [...new Set(delays.map((row) => row.corpus))];
  const names = [...new Set(delays.map((row) => row.case.slice(0, -figureName.length)))];
  const of = (corpus: string, name: string) =>
    delays.find((row) => row.corpus === corpus && row.case === name + figureName)?.value ?? 0;
  const most = Math.max(mostMs * 1.2, ...delays.map((row) => row.value));
  const scale = barWidth / most;
  const groupHeight = names.length * (barHeight + 2) + 12;
  const bottom = top + corpora.length * groupHeight;
  const upright = (ms: number, stroke: string, dash = "") =>
    line(labelWidth + ms * scale, top - 4, labelWidth + ms * scale, bottom, stroke, dash);
  const content = [
    ...names.flatMap((name, i) => [
      rectangle(labelWidth + i * 200, 4, 14, barHeight, fills[i % fills.length]!),
      text(labelWidth + i * 200 + 20, 14, name),
    ]),
    ...ticks(most).flatMap((ms) => [
      upright(ms, colors.line),
      text(labelWidth + ms * scale, bottom + 14, `${ms} ms`, { anchor: "middle", fill: colors.faint }),
    ]),
    upright(mostMs, colors.warning, "4 3"),
    text(labelWidth + mostMs * scale, bottom + 30, "asked: no more", { anchor: "middle", fill: colors.warning }),
    ...corpora.flatMap((corpus, i) => [
      text(labelWidth - 8, top + i * groupHeight + barHeight + 12, corpus, { anchor: "end" }),
      ...names.flatMap((name, j) => {
        const y = top + i * groupHeight + j * (barHeight + 2);
        const ms = of(corpus, name);
        return [
          rectangle(labelWidth, y, ms * scale, barHeight, fills[j % fills.length]!),
          text(labelWidth + ms * scale + 5, y + 10, `${ms.toFixed(1)} ms`),
        ];
      }),
    ]),
  ];
  const label = corpora.map((c) => `${c}: ${names.map((name) => `${of(c, name)} ms at ${name}`).join(", ")}`);
  return picture(width, bottom + 36, label.join("; "), content);
}
