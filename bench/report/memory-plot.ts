import type { Soak } from "../soak-result.ts";
import { colors, line, picture, text, ticks } from "./svg.ts";

const width = 980;
const height = 300;
const left = 70;
const right = 150;
const top = 14;
const bottom = 40;
const labelHeight = 16;
const allowedBytes = 200e6;

/** Resident memory over the time of the soak, with the idle sink's below and the allowed above. */
export function memoryPlot({ samples, idleBytes, rawBytes }: Soak): string {
  const seconds = samples.at(-1)!.seconds;
  const allowed = idleBytes + allowedBytes;
  const most = Math.max(allowed, ...samples.map((sample) => sample.residentBytes)) * 1.08;
  const x = (at: number) => left + (at / seconds) * (width - left - right);
  const y = (bytes: number) => height - bottom - (bytes / most) * (height - top - bottom);
  const path = samples.map(
    (s, i) => `${i === 0 ? "M" : "L"}${x(s.seconds).toFixed(1)} ${y(s.residentBytes).toFixed(1)}`,
  );
  const end = width - right;
  const last = y(samples.at(-1)!.residentBytes);
  // Beside its line, unless the other label is there.
  const ownLabel = Math.abs(last - y(allowed)) < labelHeight ? y(allowed) - labelHeight : last;
  const content = [
    ...ticks(most / 1e6).flatMap((megabytes) => [
      line(left, y(megabytes * 1e6), end, y(megabytes * 1e6), colors.line),
      text(left - 8, y(megabytes * 1e6) + 4, `${megabytes} MB`, { anchor: "end", fill: colors.faint }),
    ]),
    ...ticks(seconds).map((second) =>
      text(x(second), height - bottom + 18, `${second} s`, { anchor: "middle", fill: colors.faint }),
    ),
    line(left, y(idleBytes), end, y(idleBytes), colors.faint, "4 3"),
    text(end + 8, y(idleBytes) + 4, "idle sink", { fill: colors.faint }),
    line(left, y(allowed), end, y(allowed), colors.warning, "4 3"),
    text(end + 8, y(allowed) + 4, "200 MB over idle", { fill: colors.warning }),
    `<path d="${path.join("")}" fill="none" stroke="${colors.ours}" stroke-width="1.6"/>`,
    text(end + 8, ownLabel + 4, "resident", { fill: colors.ours, isBold: true }),
  ];
  const label = `Resident memory over ${seconds.toFixed(0)} seconds and ${(rawBytes / 1e9).toFixed(1)} GB`;
  return picture(width, height, label, content);
}
