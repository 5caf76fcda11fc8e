/** Colours that differ for every kind of sight (Okabe and Ito), on white; none carries a meaning that no word carries. */
export const colors = {
  ours: "#0072b2",
  rival: "#a9b4bf",
  warning: "#d55e00",
  second: "#56b4e9",
  ink: "#1c2733",
  faint: "#5c6b7a",
  line: "#dfe4e9",
} as const;

export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]!);
}

export interface TextStyle {
  readonly anchor?: "start" | "middle" | "end";
  readonly fill?: string;
  readonly isBold?: boolean;
}

export function text(x: number, y: number, content: string, style: TextStyle = {}): string {
  const { anchor = "start", fill = colors.ink, isBold = false } = style;
  const weight = isBold ? ' font-weight="600"' : "";
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" fill="${fill}"${weight}>${escaped(content)}</text>`;
}

export function rectangle(x: number, y: number, width: number, height: number, fill: string): string {
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(Math.max(width, 1))}" height="${height}" rx="2" fill="${fill}"/>`;
}

export function line(x1: number, y1: number, x2: number, y2: number, stroke: string, dash = ""): string {
  const dashed = dash === "" ? "" : ` stroke-dasharray="${dash}"`;
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="${stroke}"${dashed}/>`;
}

/** `label` is what a screen reader says of the whole picture. */
export function picture(width: number, height: number, label: string, content: readonly string[]): string {
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(label)}">${content.join("")}</svg>`;
}

/** Round numbers from 0 to `most`, four or five of them. */
export function ticks(most: number): number[] {
  const rough = most / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!;
  return Array.from({ length: Math.floor(most / step + 1e-9) + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
