import { bytes, count, duration } from "./quantities.ts";
import { coloured, type Terminal } from "./terminal.ts";

/** What a running load knows of itself. */
export interface ProgressState {
  readonly read: number;
  readonly rejected: number;
  readonly sourceBytes: number;
  /** Of the source; undefined where it cannot be told. */
  readonly totalBytes: number | undefined;
  readonly rawBytes: number;
  readonly packedBytes: number;
  /** The source has ended and the rest is on its way. */
  readonly isFinishing: boolean;
}

export interface ProgressBar {
  /** Takes the line off the terminal, so that something else can be written. It comes back with the next drawing. */
  clear(): void;
  stop(): void;
}

const liveMs = 100;
const plainMs = 5_000;
const barCells = 20;

/**
 * Shows a load on stderr: a bar redrawn in place on a terminal, else a line every 5 seconds. The line is redrawn by
 * carriage return and blanks alone, so that even a terminal without escape codes shows it.
 */
export function startProgress(label: string, terminal: Terminal, look: () => ProgressState): ProgressBar {
  const started = performance.now();
  let shown = 0;
  const timer = setInterval(draw, terminal.isLive ? liveMs : plainMs);
  timer.unref();
  if (terminal.isLive) draw();

  function draw(): void {
    const line = progressLine(label, look(), (performance.now() - started) / 1_000);
    if (!terminal.isLive) {
      terminal.err.write(`${paint(line, terminal)}\n`);
      return;
    }
    // Some terminals say that they have 0 columns, and mean that they do not know.
    const columns = Math.max(20, terminal.err.columns || 80) - 1;
    const text = line.slice(0, columns);
    terminal.err.write(`\r${paint(text, terminal)}${" ".repeat(Math.max(0, shown - text.length))}`);
    shown = text.length;
  }

  function clear(): void {
    if (shown > 0) terminal.err.write(`\r${" ".repeat(shown)}\r`);
    shown = 0;
  }

  return {
    clear,
    stop() {
      clearInterval(timer);
      clear();
    },
  };
}

/** `flights ########------------ 41%  82 000 records  1 200 000/s  33.1 MB/s  3.4:1  2 rejected`. */
export function progressLine(label: string, state: ProgressState, seconds: number): string {
  const { read, rejected, sourceBytes, totalBytes, rawBytes, packedBytes, isFinishing } = state;
  const share = totalBytes ? Math.min(1, sourceBytes / totalBytes) : undefined;
  const time = Math.max(seconds, 0.001);
  return [
    label,
    isFinishing
      ? "delivering"
      : share === undefined
        ? ""
        : `${bar(share)} ${String(Math.floor(share * 100)).padStart(3)}%`,
    `${count(read)} records`,
    `${count(read / time)}/s`,
    sourceBytes > 0 ? `${bytes(sourceBytes / time)}/s` : "",
    packedBytes > 0 ? `packed ${ratio(rawBytes, packedBytes)}` : "",
    rejected > 0 ? `${count(rejected)} rejected` : "",
    duration(seconds),
  ]
    .filter((part) => part !== "")
    .join("  ");
}

export function ratio(rawBytes: number, packedBytes: number): string {
  return `${(rawBytes / packedBytes).toFixed(1)}:1`;
}

function bar(share: number): string {
  const full = Math.floor(share * barCells);
  return "#".repeat(full) + "-".repeat(barCells - full);
}

function paint(text: string, terminal: Terminal): string {
  return text.replace(/#+/, (cells) => coloured(cells, "green", terminal));
}
