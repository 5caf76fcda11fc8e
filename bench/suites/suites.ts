import type { Group } from "../case.ts";
import { corpus, corpusNames } from "../corpora/corpora.ts";
import { encodeGroup } from "./encode.ts";
import { gzipGroup } from "./gzip.ts";
import { numberKinds, numbersGroup } from "./numbers.ts";
import { packGroup } from "./pack.ts";
import { recordsGroup } from "./records.ts";
import { workersGroup } from "./workers.ts";

export interface SuitePlan {
  /** Names of corpora; all if undefined. */
  readonly corpora: readonly string[] | undefined;
  readonly mostRecords?: number | undefined;
  /** Too little time for figures worth keeping: what is costly to set up is done small. */
  readonly isShort: boolean;
}

type Suite = (plan: SuitePlan) => AsyncGenerator<Group>;

/** Groups are made when they are asked for, so that one corpus is in memory at a time. */
export const suites: Readonly<Record<string, Suite>> = {
  records: overCorpora(async function* (corpus) {
    yield recordsGroup(corpus);
  }),
  encode: overCorpora(async function* (corpus) {
    yield await encodeGroup(corpus);
  }),
  gzip: overCorpora(async function* (corpus, { isShort }) {
    yield await gzipGroup(corpus, "csv", isShort);
    yield await gzipGroup(corpus, "ndjson", isShort);
  }),
  pack: overCorpora(async function* (corpus) {
    yield packGroup(corpus);
  }),
  workers: overCorpora(async function* (corpus, { isShort }) {
    yield await workersGroup(corpus, isShort);
  }),
  numbers: async function* () {
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
