import type { SealedBatch } from "../batch/sealed-batch.ts";
import type { EpochRange } from "../checkpoint/epoch.ts";
import { agree, nameOf } from "../deliver/held-epochs.ts";
import type { Payload } from "../encode/payload.ts";
import { MillraceError } from "../errors.ts";
import { refuseUnknownOptions } from "../option-names.ts";
import { checkPayload } from "./check-payload.ts";
import type { Destination, DestinationCalls, DestinationSession, EpochCommitter, EpochContext } from "./destination.ts";

/** Keeps the batches that were taken, for tests and for looking at what would be sent. */
export interface MemoryDestination<P extends Payload = "gzip"> extends DestinationCalls<P> {
  readonly payload: P;
  readonly batches: SealedBatch<P>[];
}

/** What {@link memory} and {@link nowhere} take of a batch. */
export interface MemoryOptions<P extends Payload> {
  /** Default "gzip". */
  readonly payload?: P;
}

/** A destination in memory, which takes every batch at once: for tests of what a program writes, without a service. */
export function memory<P extends Payload>(options: MemoryOptions<P>): MemoryDestination<P>;
export function memory(): MemoryDestination;
export function memory<P extends Payload>(options: MemoryOptions<P> = {}): MemoryDestination<P> {
  const payload = payloadIn("memory()", options);
  const batches: SealedBatch<P>[] = [];
  const ledger = emptyLedger();
  const taken = new Set<string>();
  const take = (batch: SealedBatch<P>) => {
    batches.push(batch);
    taken.add(batch.id);
  };
  return {
    name: "memory",
    payload,
    batches,
    open: async () => keep(take, (id) => taken.has(id)),
    openEpochs: (context) => openLedger(context, take, ledger),
  };
}

/** Counts nothing, keeps nothing: the far end of a benchmark. */
export function nowhere<P extends Payload = "gzip">(options: MemoryOptions<P> = {}): Destination<P> {
  const payload = payloadIn("nowhere()", options);
  const open = async () => ({
    ...keep<P>(
      () => {},
      () => false,
    ),
    keepsNoParts: true as const,
  });
  const calls: DestinationCalls<P> = {
    name: "nowhere",
    open,
    openEpochs: (context) => openLedger(context, () => {}, emptyLedger()),
  };
  return { ...calls, payload } as DestinationCalls<P> as Destination<P>;
}

function payloadIn<P extends Payload>(what: string, options: MemoryOptions<P>): P {
  refuseUnknownOptions(what, options, ["payload"]);
  const { payload = "gzip" as P } = options;
  checkPayload(what, payload);
  return payload;
}

function keep<P extends Payload>(
  take: (batch: SealedBatch<P>) => void,
  isTaken: (id: string) => boolean,
): DestinationSession<P> {
  const staged = new Map<string, SealedBatch<P>>();
  return {
    async stage(batch) {
      staged.set(batch.id, batch);
      return { id: batch.id, place: batch.id, rows: batch.rows, rawBytes: batch.rawBytes };
    },
    async submit({ id }) {
      const batch = staged.get(id);
      staged.delete(id);
      if (batch) take(batch);
      else if (!isTaken(id)) throw new MillraceError("PLACE_GONE", `Batch ${id} is not in memory.`);
    },
    async outcomes(ids) {
      return ids.map((id) => ({ id, status: "landed" as const }));
    },
    async close() {},
  };
}

/** What a table would remember of epochs, over all sessions of a destination. */
interface Ledger {
  /** By table, job and number of the epoch. */
  readonly committed: Map<string, CommittedEpoch>;
  /** By table and the job's name: the newest opening. An older one commits nothing more. */
  readonly holders: Map<string, string>;
}

interface CommittedEpoch {
  readonly table: string;
  readonly job: string;
  readonly epoch: number;
  readonly identity: string | undefined;
}

function emptyLedger(): Ledger {
  return { committed: new Map(), holders: new Map() };
}

async function openLedger<P extends Payload>(
  context: EpochContext,
  take: (batch: SealedBatch<P>) => void,
  { committed, holders }: Ledger,
): Promise<EpochCommitter<P>> {
  const { history } = context;
  const table = context.table.name;
  const isNamesake = (each: CommittedEpoch) => each.table === table && nameOf(each.job) === nameOf(history.job);
  await agree({ ...context, table }, [...committed.values()].filter(isNamesake).map(rangeOf));
  const holder = JSON.stringify([table, nameOf(history.job)]);
  holders.set(holder, history.lineage);
  return {
    async commit(epoch) {
      const { job, prepared } = epoch;
      const claim = JSON.stringify([table, job, prepared.epoch]);
      const before = committed.get(claim);
      await epoch.advance({ state: "IN_DOUBT", detail: {} });
      if (!before) {
        const batches = await Promise.all(prepared.batches.map((batch) => epoch.load(batch)));
        if (holders.get(holder) !== history.lineage) throw fenced(table, job);
        for (const batch of batches) take(batch);
        committed.set(claim, { table, job, epoch: prepared.epoch, identity: prepared.identity });
      } else if (before.identity !== prepared.identity) throw fenced(table, job);
      await epoch.advance({ state: "COMMITTED" });
    },
    async close() {},
  };
}

function rangeOf({ job, epoch, identity }: CommittedEpoch): EpochRange {
  return { job, lineage: identity?.split(".")[0], oldest: epoch, newest: epoch };
}

function fenced(table: string, job: string): MillraceError {
  return new MillraceError(
    "STATE_FENCED",
    `Table ${table}: job ${nameOf(job)} was taken over by another sink, so this one ends.`,
    { context: { table, job: nameOf(job) } },
  );
}
