import type { Row } from "../row.ts";
import { colors, line, picture, rectangle, text, ticks } from "./svg.ts";

const width = 980;
const labelWidth = 120;
const barWidth = 760;
const barHeight = 14;
const top = 30;

const rivals = [
  { name: "CSV by hand + node:zlib default", fill: colors.ours },
  { name: "CSV by hand + node:zlib level 1", fill: colors.second },
];

/** How many times faster a sink makes gzip CSV of records than a program by hand, on every corpus. */
export function overviewBars(rows: readonly Row[]): string | undefined {
  const pairs = rows.filter((row) => row.suite === "records" && row.case === "millrace CSV");
  const corpora = [...new Set(pairs.map((row) => row.corpus))];
  const ratioOf = (corpus: string, rival: string) =>
    pairs.find((row) => row.corpus === corpus && row.rival === rival)?.ratio ?? 0;
  const most = Math.max(0, ...corpora.flatMap((corpus) => rivals.map(({ name }) => ratioOf(corpus, name))));
  if (most === 0) return undefined;
  const steps = ticks(most);
  const scale = barWidth / most;
  const groupHeight = rivals.length * (barHeight + 2) + 12;
  const bottom = top + corpora.length * groupHeight;
  const content = [
    ...rivals.flatMap(({ name, fill }, i) => [
      rectangle(labelWidth + i * 330, 4, 14, barHeight, fill),
      text(labelWidth + i * 330 + 20, 15, `beside ${name}`),
    ]),
    ...steps.flatMap((step) => [
      line(
        labelWidth + step * scale,
        top - 4,
        labelWidth + step * scale,
        bottom,
        step === 1 ? colors.faint : colors.line,
      ),
      text(labelWidth + step * scale, bottom + 14, `${step}x`, { anchor: "middle", fill: colors.faint }),
    ]),
    line(labelWidth + scale, top - 4, labelWidth + scale, bottom, colors.warning, "4 3"),
    text(labelWidth + scale, bottom + 30, "as fast", { anchor: "middle", fill: colors.warning }),
    ...corpora.flatMap((corpus, i) => [
      text(labelWidth - 8, top + i * groupHeight + barHeight + 4, corpus, { anchor: "end" }),
      ...rivals.flatMap(({ name, fill }, j) => {
        const y = top + i * groupHeight + j * (barHeight + 2);
        const ratio = ratioOf(corpus, name);
        return [
          rectangle(labelWidth, y, ratio * scale, barHeight, fill),
          text(labelWidth + ratio * scale + 5, y + 11, `${ratio.toFixed(1)}x`),
        ];
      }),
    ]),
  ];
  const label = corpora.map((c) => `${c}: ${rivals.map((r) => `${ratioOf(c, r.name)}x ${r.name}`).join(", ")}`);
  return picture(width, bottom + 36, label.join("; "), content);
}
