import { Bench } from "tinybench";
import { bytesOf, type Case, type Figure, type Group, type Output, type Unit } from "./case.ts";

/** One case's result, in the unit of its group. */
export interface Measured {
  readonly name: string;
  readonly against: readonly string[];
  readonly value: number;
  /** Half the way from the slowest to the fastest round, in percent of the value. */
  readonly spread: number;
  /** Medians of the rounds, in order. */
  readonly rounds: readonly number[];
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly figures: readonly Figure[];
}

const mostRounds = 5;

/**
 * Measures the cases of a group in turns: every round gives each case its share of `seconds`, and the next round begins
 * with another case, so that what the machine does meanwhile falls on all of them. The value is the median of all runs.
 */
export async function measure(group: Group, seconds: number): Promise<Measured[]> {
  const { cases } = group;
  const roundCount = Math.max(1, Math.min(mostRounds, Math.round(seconds * 20)));
  const samples = cases.map((): number[][] => []);
  const outputs: Output[] = [];
  const isAsync: boolean[] = [];
  for (const c of cases) {
    const output = c.run();
    isAsync.push(output instanceof Promise || c.duration !== undefined);
    outputs.push(await output);
  }
  for (let round = 0; round < roundCount; round++) {
    const order = cases.map((_, i) => (i + round) % cases.length);
    const bench = new Bench({
      time: (seconds * 1_000) / roundCount,
      iterations: 1,
      // The first round is where the engine gets to know the code.
      warmup: round === 0,
      warmupTime: (seconds * 1_000) / roundCount,
      warmupIterations: 1,
      retainSamples: true,
      throws: true,
    });
    for (const i of order) bench.add(cases[i]!.name, timed(cases[i]!), { async: isAsync[i]! });
    await bench.run();
    for (const i of order) samples[i]!.push(samplesOf(bench, cases[i]!.name));
  }
  return cases.map((c, i) => result(group, c, outputs[i]!, samples[i]!));
}

function timed(c: Case): () => unknown {
  const { duration } = c;
  if (!duration) return () => c.run();
  return async () => {
    const start = performance.now();
    await c.run();
    return { overriddenDuration: duration(), overriddenIterationCost: performance.now() - start };
  };
}

function samplesOf(bench: Bench, name: string): number[] {
  const { result } = bench.getTask(name)!;
  if (!("latency" in result) || !result.latency.samples) throw new Error(`${name}: ${result.state}`);
  return [...result.latency.samples];
}

function result(group: Group, c: Case, output: Output, samples: readonly number[][]): Measured {
  const unitsOf = (milliseconds: number) => inUnit(group.unit, milliseconds, group.count, output.bytesIn);
  const value = unitsOf(median(samples.flat()));
  const rounds = samples.map((one) => unitsOf(median(one)));
  return {
    name: c.name,
    against: c.against ?? [],
    value,
    spread: ((Math.max(...rounds) - Math.min(...rounds)) / 2 / value) * 100,
    rounds,
    bytesIn: output.bytesIn,
    bytesOut: bytesOf(output),
    figures: c.figures?.() ?? [],
  };
}

function inUnit(unit: Unit, milliseconds: number, count: number, bytes: number): number {
  switch (unit) {
    case "MB/s":
      return bytes / 1e3 / milliseconds;
    case "records/s":
      return (count * 1e3) / milliseconds;
    default:
      return (milliseconds * 1e6) / count;
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
