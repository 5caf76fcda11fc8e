import type { Figure, Group, Unit } from "./case.ts";
import type { Measured } from "./measure.ts";

/** One line of the machine-readable output. */
export interface Row {
  readonly suite: string;
  readonly case: string;
  readonly corpus: string;
  /** `node 24.21.0`. */
  readonly runtime: string;
  readonly unit: Unit;
  readonly value: number;
  /** The rival of this line, and null on a line that is one case's own. */
  readonly rival: string | null;
  readonly rivalValue: number | null;
  /** How many times the case is better than the rival, whichever way the unit counts; below 1 it loses. */
  readonly ratio: number | null;
  /** Uncompressed bytes of the case's one run, and the bytes it made of them. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Half the way from the slowest to the fastest round, in percent: of the ratio where there is a rival, else of the value. */
  readonly spread: number;
}

export const runtime = `node ${process.versions.node}`;

/**
 * The rows of a group: one for each case of its own (with its sizes), one for each pair of our case and a rival of it,
 * and one for each further figure. Losers are rows like any other.
 */
export function rowsOf(group: Group, measured: readonly Measured[]): Row[] {
  return [
    ...measured.map((m) => rowOf(group, m)),
    ...measured.flatMap((rival) =>
      rival.against.map((name) => pairOf(group, measured.find((m) => m.name === name)!, rival)),
    ),
    ...measured.flatMap((m) => m.figures.map((figure) => figureOf(group, m, figure))),
  ];
}

function rowOf({ suite, corpus, unit }: Group, { name, value, bytesIn, bytesOut, spread }: Measured): Row {
  return {
    suite,
    case: name,
    corpus,
    runtime,
    unit,
    value: digits(value),
    rival: null,
    rivalValue: null,
    ratio: null,
    bytesIn,
    bytesOut,
    spread: digits(spread),
  };
}

function pairOf(group: Group, subject: Measured, rival: Measured): Row {
  return {
    ...rowOf(group, subject),
    rival: rival.name,
    rivalValue: digits(rival.value),
    ratio: digits(timesBetter(group.unit, subject.value, rival.value)),
    spread: digits(ratioSpread(subject, rival)),
  };
}

function figureOf(group: Group, measured: Measured, { name, unit, value }: Figure): Row {
  const own = rowOf(group, measured);
  return { ...own, case: `${own.case}: ${name}`, unit, value: digits(value), spread: 0 };
}

export function timesBetter(unit: Unit, value: number, rivalValue: number): number {
  return unit.endsWith("/s") ? value / rivalValue : rivalValue / value;
}

function ratioSpread(subject: Measured, rival: Measured): number {
  const ratios = subject.rounds.map((value, i) => value / rival.rounds[i]!);
  return ((Math.max(...ratios) - Math.min(...ratios)) / 2 / (subject.value / rival.value)) * 100;
}

/** Four digits are more than a measurement is worth. */
function digits(value: number): number {
  return Number(value.toPrecision(4));
}
