import { type CommitOptions, openCommitter } from "../../../src/connectors/kusto/commit/committer.ts";
import type { CommitMode } from "../../../src/connectors/kusto/ingestion-options.ts";
import { type Ills, modelService, poison } from "./service.ts";
import type { MakeTarget } from "./target.ts";

/** A table of a service that repeats, delays, reorders, forgets, fails, and takes longer than an attempt may. */
export function kustoTarget(mode: CommitMode): MakeTarget {
  return (random, time) => {
    const ills: Ills = {
      duplicate: random() * 0.4,
      refuse: random() * 0.2,
      loseAnswer: random() * 0.2,
      drop: random() * 0.15,
      failOnce: random() * 0.1,
      looksEarly: random(),
      slowMs: random() < 0.2 ? random() * 2_000 : 0,
    };
    const service = modelService(random, ills, time.now, time.pause);
    const committing: CommitOptions = {
      commitMode: mode,
      pollIntervalMs: 40,
      attemptTimeoutMs: 400,
      // From every batch alone to a handful in one blob.
      blobBytesLimit: random() * 100,
    };
    const bounds = { mostAttempts: 200, clock: time };
    return {
      delivery: mode,
      // With mode `tag` a zombie's rows may come at any time before the next epoch claims its number.
      isLate: mode === "tag",
      badRecord: (number) => `r${number} ${poison}`,
      open: (context) => openCommitter(async (opening) => service.open(opening, mode), context, committing, bounds),
      powerLoss() {},
      work: service.work,
      counts: async () => service.counts(),
    };
  };
}
