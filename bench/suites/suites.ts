import type { Group } from "../case.ts";
import { corpus, corpusNames } from "../corpora/corpora.ts";

export interface SuitePlan {
  /** Names of corpora; undefined: those of the suite, which are mostly all. */
  readonly corpora: readonly string[] | undefined;
  readonly mostRecords?: number | undefined;
  /** Too little time for figures worth keeping: what is costly to set up is done small. */
  readonly isShort: boolean;
}

type Suite = (plan: SuitePlan) => AsyncGenerator<Group>;

/**
 * Groups are made when they are asked for, so that one corpus is in memory at a time; and a suite is loaded when it is
 * run, since some bring the compiler of AssemblyScript with them, which takes seconds.
 */
export const suites: Readonly<Record<string, Suite>> = {
  records: overCorpora(async function* (corpus) {
    const { recordsGroup } = await import("./records.ts");
    yield recordsGroup(corpus);
  }),
  encode: overCorpora(async function* (corpus) {
    const { encodeGroup } = await import("./encode.ts");
    yield await encodeGroup(corpus);
  }),
  payload: overCorpora(async function* (corpus) {
    const { payloadGroup } = await import("./payload.ts");
    yield payloadGroup(corpus);
  }),
  gzip: overCorpora(async function* (corpus, { isShort }) {
    const { gzipGroup } = await import("./gzip.ts");
    yield await gzipGroup(corpus, "csv", isShort);
    yield await gzipGroup(corpus, "ndjson", isShort);
  }),
  raw: overCorpora(async function* (corpus) {
    const { rawGroup } = await import("./raw.ts");
    yield rawGroup(corpus, "csv");
    yield rawGroup(corpus, "ndjson");
  }),
  pack: overCorpora(async function* (corpus) {
    const { packGroup } = await import("./pack.ts");
    yield packGroup(corpus);
  }),
  workers: overCorpora(async function* (corpus, { isShort }) {
    const { workersGroup } = await import("./workers.ts");
    yield await workersGroup(corpus, isShort);
  }),
  log: async function* ({ corpora, mostRecords, isShort }) {
    const { logGroup } = await import("./log.ts");
    for (const name of corpora ?? ["telemetry"])
      yield await logGroup(await corpus(name, mostRecords === undefined ? {} : { mostRecords }), isShort);
  },
  numbers: async function* () {
    const { numberKinds, numbersGroup } = await import("./numbers.ts");
    for (const kind of numberKinds) yield await numbersGroup(kind);
  },
};

function overCorpora(
  groups: (from: Awaited<ReturnType<typeof corpus>>, plan: SuitePlan) => AsyncGenerator<Group>,
): Suite {
  return async function* (plan) {
    for (const name of plan.corpora ?? corpusNames)
      yield* groups(await corpus(name, plan.mostRecords === undefined ? {} : { mostRecords: plan.mostRecords }), plan);
  };
}
