import type { Unit } from "../case.ts";
import type { Row } from "../row.ts";
import { figure } from "../tables.ts";
import { colors, picture, rectangle, text } from "./svg.ts";

/** Our case of one corpus, and the rivals it was paired with. */
export interface Race {
  readonly suite: string;
  readonly corpus: string;
  readonly subject: Row;
  readonly rivals: readonly Row[];
}

export function racesOf(rows: readonly Row[], suite: string): Race[] {
  const pairs = rows.filter((row) => row.suite === suite && row.rival !== null);
  const keys = [...new Set(pairs.map((row) => `${row.case}\n${row.corpus}`))];
  return keys.map((key) => {
    const rivals = pairs.filter((row) => `${row.case}\n${row.corpus}` === key);
    return { suite, corpus: rivals[0]!.corpus, subject: rivals[0]!, rivals };
  });
}

const width = 700;
const labelWidth = 245;
const barWidth = 145;
const rowHeight = 24;

/** A bar each, as long as it is fast; the longest fills the width. `all` are rows of the same runtime, for sizes. */
export function raceBars({ suite, corpus, subject, rivals }: Race, all: readonly Row[]): string {
  const bars = [
    { name: subject.case, value: subject.value, ratio: null as number | null },
    ...rivals.map((row) => ({ name: row.rival!, value: row.rivalValue!, ratio: row.ratio })),
  ].map((bar) => ({ ...bar, speed: speedOf(subject.unit, bar.value) }));
  const fastest = Math.max(...bars.map((bar) => bar.speed));
  const content = bars.flatMap(({ name, value, ratio, speed }, i) => {
    const y = i * rowHeight + 4;
    const length = (speed / fastest) * barWidth;
    const isFaster = ratio !== null && ratio < 1;
    const size = packedRatio(all, suite, corpus, name);
    const told = [
      `${figure(value)} ${subject.unit}`,
      ...(size === undefined ? [] : [`packs ${size.toFixed(2)} : 1`]),
      ...(ratio === null ? [] : [comparison(ratio)]),
    ];
    return [
      text(labelWidth - 8, y + 13, name, { anchor: "end", isBold: ratio === null }),
      rectangle(
        labelWidth,
        y,
        length,
        rowHeight - 7,
        ratio === null ? colors.ours : isFaster ? colors.warning : colors.rival,
      ),
      text(labelWidth + length + 6, y + 13, told.join(", "), { fill: ratio === null ? colors.ink : colors.faint }),
    ];
  });
  const label = `${suite}, ${corpus}: ${bars.map((bar) => `${bar.name} ${figure(bar.value)} ${subject.unit}`).join("; ")}`;
  return picture(width, bars.length * rowHeight + 4, label, content);
}

function speedOf(unit: Unit, value: number): number {
  return unit.endsWith("/s") ? value : 1 / value;
}

function comparison(ratio: number): string {
  return ratio >= 1 ? `${ratio.toFixed(1)}x slower` : `${(1 / ratio).toFixed(1)}x FASTER`;
}

function packedRatio(rows: readonly Row[], suite: string, corpus: string, name: string): number | undefined {
  if (suite !== "gzip" && suite !== "records") return undefined;
  const own = rows.find((r) => r.suite === suite && r.corpus === corpus && r.case === name && r.rival === null);
  return own && own.bytesIn / own.bytesOut;
}
