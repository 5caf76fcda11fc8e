import { type Row, soakSuite } from "./row.ts";
import { growth, overIdle } from "./soak-result.ts";

/** A target of the hot path, and whether a run met it. */
export interface Target {
  readonly what: string;
  readonly rival: string;
  /** `>= 5x`, `<= 150 ns/record`. */
  readonly asks: string;
  /** What was measured, where it decides; undefined where it was not measured. */
  readonly found: Found | undefined;
}

export interface Found {
  readonly text: string;
  readonly isMet: boolean;
}

/** Every target, from the rows of one runtime. */
export function targetsOf(rows: readonly Row[]): Target[] {
  const zlib = "node:zlib default";
  const fast = "millrace level 1";
  const small = "millrace level 2";
  const zlib1 = "node:zlib level 1";
  return [
    race(rows, "records", "millrace CSV", `CSV by hand + ${zlib}`, "telemetry", 5),
    race(rows, "records", "millrace CSV", `CSV by hand + ${zlib1}`, "telemetry", 3),
    race(rows, "records", "millrace CSV", `JSON.stringify + ${zlib}`, "telemetry", 6),
    race(rows, "records", "millrace CSV", `CSV by hand + ${zlib1}`, undefined, 1),
    race(rows, "records", "millrace NDJSON", `JSON.stringify + ${zlib1}`, undefined, 1),
    ...gzip(rows, fast, zlib1, 2),
    ...gzip(rows, fast, "fflate level 1", 4),
    ...gzip(rows, fast, "native libdeflate-gzip -1", 1),
    ...gzip(rows, fast, "native igzip -1", 1),
    ...gzip(rows, small, "node:zlib level 6", 2),
    ...gzip(rows, small, "native libdeflate-gzip -6", 1),
    race(rows, "encode", "millrace CSV", "CSV by hand", "telemetry", 5),
    race(rows, "encode", "millrace CSV", "CSV by hand", "strings", 1.5),
    race(rows, "encode", "millrace CSV", "CSV by hand", undefined, 1),
    race(rows, "encode", "millrace NDJSON", "JSON.stringify", "telemetry", 3),
    race(rows, "encode", "millrace NDJSON", "JSON.stringify", undefined, 1),
    race(rows, "raw", "millrace raw", "node:zlib level 1 alone", undefined, 1),
    atMost(rows, "main thread", 150, "telemetry"),
    atMost(rows, "event-loop delay p99", 10, undefined),
    race(rows, "workers", "parallelism 2", "parallelism 1", "telemetry", 1.8),
    race(rows, "log", "exactly once", "at least once", "telemetry", 0.8),
    memory(rows),
  ];
}

/** One corpus, or the one where it goes worst. */
function race(
  rows: readonly Row[],
  suite: string,
  subject: string,
  rival: string,
  corpus: string | undefined,
  least: number,
): Target {
  const found = worst(
    pairs(rows, suite, subject, rival).filter((row) => corpus === undefined || row.corpus === corpus),
    least,
  );
  return { what: `${suite}: ${subject}, ${corpus ?? "every corpus"}`, rival, asks: `>= ${least}x`, found };
}

function pairs(rows: readonly Row[], suite: string, subject: string, rival: string): Row[] {
  return rows.filter((row) => row.suite === suite && row.case === subject && row.rival === rival);
}

function worst(rows: readonly Row[], least: number): Found | undefined {
  const [row] = rows.toSorted((a, b) => a.ratio! - b.ratio!);
  return row && { text: `${row.ratio!.toFixed(2)}x (${row.corpus})`, isMet: row.ratio! >= least };
}

/** Speed and size are two targets: one may be met without the other. */
function gzip(rows: readonly Row[], subject: string, rival: string, least: number): Target[] {
  const sizes = pairs(rows, "gzip", subject, rival).map(({ corpus, bytesOut }) => {
    const theirs = rows.find((r) => r.suite === "gzip" && r.case === rival && r.corpus === corpus && r.rival === null)!;
    return { corpus, percentMore: (bytesOut / theirs.bytesOut - 1) * 100 };
  });
  const [largest] = sizes.toSorted((a, b) => b.percentMore - a.percentMore);
  return [
    race(rows, "gzip", subject, rival, undefined, least),
    {
      what: `gzip: ${subject}, packed size, every corpus`,
      rival,
      asks: "no larger",
      found: largest && {
        text: `${largest.percentMore > 0 ? "+" : ""}${largest.percentMore.toFixed(1)} % (${largest.corpus})`,
        isMet: largest.percentMore <= 0,
      },
    },
  ];
}

/** A figure of the workers suite, of one corpus or of all, where it is worst. */
function atMost(rows: readonly Row[], figure: string, most: number, corpus: string | undefined): Target {
  const [row] = rows
    .filter((r) => r.suite === "workers" && (corpus === undefined || r.corpus === corpus))
    .filter((r) => /^parallelism [1-9]/.test(r.case) && r.case.endsWith(`: ${figure}`))
    .toSorted((a, b) => b.value - a.value);
  const unit = row?.unit ?? "";
  return {
    what: `workers: ${figure}, ${corpus ?? "every corpus"}`,
    rival: "-",
    asks: `<= ${most} ${unit}`.trimEnd(),
    found: row && {
      text: `${row.value} ${unit} (${corpus === undefined ? `${row.corpus}, ` : ""}${row.case.split(":")[0]})`,
      isMet: row.value <= most,
    },
  };
}

/** A garbage collector's ups and downs are no growth. */
const mostGrowthMb = 32;

function memory(rows: readonly Row[]): Target {
  const of = (name: string) => rows.find((row) => row.suite === soakSuite && row.case === name);
  const over = of(overIdle);
  const more = of(growth);
  return {
    what: "soak: resident memory over an idle sink",
    rival: "-",
    asks: "< 200 MB, flat",
    found: over &&
      more && {
        text: `${over.value} MB, growing by ${more.value} MB (${over.runtime})`,
        isMet: over.value < 200 && more.value <= mostGrowthMb,
      },
  };
}
