import type { SealedBatch } from "../batch/sealed-batch.ts";
import { isCode, MillraceError } from "../errors.ts";
import type { LoggedBatch } from "../log/write-ahead-log.ts";
import type { Json } from "../schema/kinds.ts";
import {
  type EpochHandle,
  type EpochProgress,
  type EpochRange,
  epochOfKey,
  type Head,
  headKey,
  type JobHistory,
  jobKey,
  objection,
  type PreparedEpoch,
  preparedKey,
  progressIn,
  progressKey,
  type RefusedRows,
  refusedKey,
  segmentsOf,
} from "./epoch.ts";
import {
  type AcceptedJobs,
  acceptedKey,
  digestOf,
  knowsEpochs,
  knowsOpening,
  type Lineage,
  lineagesKey,
  newLineageId,
  withLineage,
} from "./lineage.ts";
import { type PositionChanges, withChanges } from "./positions.ts";
import type { StateChange, StateLease } from "./state-backend.ts";

/** What the state belongs to. Whatever of it changes makes the state foreign. */
export interface JobIdentity {
  /** The name that the user gave it. */
  readonly name: string;
  /** Cluster and database, as the destination calls itself. */
  readonly destination: string;
  readonly table: string;
}

/** Who opens it, and how the job delivers. */
export interface JobOpening extends JobIdentity {
  /** Guarantee, mode and format, in words. It may change where no epoch is on its way. */
  readonly delivery: string;
}

/** Batches that are written for an epoch, by the order of the calls: writing may end in another one. */
interface LoggedEpoch {
  readonly batches: Map<number, LoggedBatch>;
  readonly writing: Set<Promise<void>>;
  added: number;
}

interface StoredJob extends JobIdentity {
  /** Drawn once, when the state was made: the tags of a lost state's epochs are never taken for this one's. */
  readonly id: string;
  readonly delivery: string;
}

export interface CoordinatorHooks {
  /** Brings an epoch to COMMITTED. Throws what ends the sink. */
  commit(epoch: EpochHandle): Promise<void>;
  onCommitted(epoch: EpochHandle): void;
  /** There may be room again. */
  onRoom(): void;
  onFailed(error: unknown): void;
}

/** Decides on epochs, and sees to it that each decided one is committed, one process after another. */
export interface Coordinator extends JobHistory {
  readonly generation: number;
  /** Prepared epochs that are not committed yet. */
  readonly pending: number;
  /** Bytes of batches on the disk. */
  readonly logBytes: number;
  /** Begins to commit what an earlier process has left, and what is prepared from now on. */
  start(hooks: CoordinatorHooks): void;
  /** The epoch that begins when so many were decided on since the opening: 0 gives the first. */
  epochAfter(decisions: number): number;
  /** Writes a batch into the log, for the given epoch: the one behind the head, or the one behind that. */
  add(epoch: number, batch: SealedBatch): Promise<void>;
  /** The decision on the epoch behind the head: durable when it resolves. Returns the new head. */
  prepare(positions: PositionChanges, records: number): Promise<Head>;
  /** Resolves when no prepared epoch is left; rejects with what made committing fail. */
  settled(): Promise<void>;
  /** Waits for what is being written, and gives the lease back. Pending epochs stay in the state. */
  close(): Promise<void>;
}

/** Epochs on their way at once: the service takes seconds for each, whatever its size. */
const mostAtOnce = 4;

export async function coordinator(
  lease: StateLease,
  identity: JobOpening,
  /** Replaced in tests, which want the same course for the same seed. */
  drawId: () => string = newLineageId,
): Promise<Coordinator> {
  let job = await storedJob(lease, identity, drawId);
  const lineage = drawId();
  let isRecorded = false;
  let head = (lease.read().get(headKey)?.value as unknown as Head | undefined) ?? noHead;
  const restored = head.epoch;
  let decisions = 0;
  const epochAfter = (before: number) => restored + before + 1;
  /** Batches that are logged and not decided on, and those on their way into the log, by epoch. */
  const logged = new Map<number, LoggedEpoch>();
  const waiting: number[] = [...lease.read().keys()].flatMap((key) =>
    key.endsWith("/progress") ? [epochOfKey(key)!] : [],
  );
  waiting.sort((a, b) => a - b);
  await lease.log.retain(new Set(waiting.flatMap((epoch) => segmentsOf(preparedIn(epoch)))));
  const underWay = new Set<Promise<void>>();
  /** Once it is started. */
  let hooks: CoordinatorHooks | undefined;
  let isClosing = false;
  let failure: { readonly error: unknown } | undefined;
  /** Why an epoch was not decided on; then no later one may be, for it would take the other's place. */
  let undecided: { readonly error: unknown } | undefined;
  const settling: { resolve(): void; reject(error: unknown): void }[] = [];

  function set(key: string, value: unknown): StateChange {
    return { key, expected: lease.read().get(key)?.version ?? 0, value: value as Json | undefined };
  }

  function openEpoch(epoch: number): LoggedEpoch {
    const known = logged.get(epoch);
    if (known) return known;
    const made: LoggedEpoch = { batches: new Map(), writing: new Set(), added: 0 };
    logged.set(epoch, made);
    return made;
  }

  function stored<T>(key: string): T | undefined {
    return lease.read().get(key)?.value as unknown as T | undefined;
  }

  function lineages(): readonly Lineage[] {
    return stored<readonly Lineage[]>(lineagesKey) ?? [];
  }

  function acceptance(others: readonly EpochRange[]): StateChange[] {
    if (others.length === 0) return [];
    const accepted: Record<string, number> = { ...stored<AcceptedJobs>(acceptedKey) };
    for (const { job, newest } of others) accepted[job] = Math.max(newest, accepted[job] ?? 0);
    return [set(acceptedKey, accepted)];
  }

  function preparedIn(epoch: number): PreparedEpoch {
    const prepared = stored<PreparedEpoch>(preparedKey(epoch));
    if (prepared) return prepared;
    throw new MillraceError("STATE_DAMAGED", `Epoch ${epoch} has a progress and no batches.`);
  }

  function handleOf(epoch: number): EpochHandle {
    const prepared = preparedIn(epoch);
    return {
      job,
      prepared,
      generation: lease.generation,
      get progress() {
        return progressIn(stored(progressKey(epoch))!);
      },
      get refused() {
        return stored<RefusedRows>(refusedKey(epoch)) ?? {};
      },
      isFirst: prepared.isFirst === true && !stored(acceptedKey),
      async advance(to, refused) {
        const why = objection(this.progress, to);
        if (why) throw new MillraceError("INTERNAL", `Epoch ${epoch}: ${why}.`);
        await lease.compareAndSet([set(progressKey(epoch), to), ...(refused ? [set(refusedKey(epoch), refused)] : [])]);
      },
      read: (batch) => lease.log.read(batch),
    };
  }

  /** Entries and segment go. The entries first: a segment that nobody knows of is removed at the next start. */
  async function clean(epoch: number): Promise<void> {
    const keys = [preparedKey(epoch), progressKey(epoch), refusedKey(epoch)].filter((key) => lease.read().has(key));
    await lease.compareAndSet(keys.map((key) => set(key, undefined)));
    await lease.log.trim(epoch);
  }

  /**
   * Where another process has taken the state over, whatever went wrong went wrong because of it: its staging table is gone, its
   * segments are. Only a write tells; this one changes nothing.
   */
  async function fencedOr(error: unknown, epoch: number): Promise<unknown> {
    if (isCode(error, "STATE_FENCED")) return error;
    const progress = stored<Json>(progressKey(epoch));
    if (!progress) return error;
    return lease.compareAndSet([set(progressKey(epoch), progress)]).then(
      () => error,
      (told) => (isCode(told, "STATE_FENCED") ? told : error),
    );
  }

  async function commitEpoch(epoch: number, hooks: CoordinatorHooks): Promise<void> {
    try {
      const handle = handleOf(epoch);
      if (handle.progress.state !== "COMMITTED") await hooks.commit(handle);
      if (handle.progress.state !== "COMMITTED")
        throw new MillraceError("INTERNAL", `Epoch ${epoch} was left in state ${handle.progress.state}.`);
      hooks.onCommitted(handle);
      await clean(epoch);
    } catch (thrown) {
      if (isClosing || failure) return;
      const error = await fencedOr(thrown, epoch);
      if (isClosing || failure) return;
      failure = { error };
      for (const waiter of settling.splice(0)) waiter.reject(error);
      hooks.onFailed(error);
    }
  }

  function next(): void {
    while (hooks && !isClosing && !failure && waiting.length > 0 && underWay.size < mostAtOnce) {
      const { onRoom } = hooks;
      const work = commitEpoch(waiting.shift()!, hooks).finally(() => {
        underWay.delete(work);
        next();
        onRoom();
      });
      underWay.add(work);
    }
    if (waiting.length > 0 || underWay.size > 0) return;
    for (const waiter of settling.splice(0)) waiter.resolve();
  }

  return {
    get job() {
      return job;
    },
    generation: lease.generation,
    isNew: head.epoch === 0,
    lineage,
    knowsEpochs({ job: of, lineage, oldest, newest }) {
      if (of === job) return knowsEpochs(lineages(), head.epoch, lineage, oldest, newest);
      // A state that an older version made did not tell what it had accepted.
      const isOlder = head.epoch > 0 && !lease.read().has(lineagesKey);
      return isOlder || newest <= (stored<AcceptedJobs>(acceptedKey)?.[of] ?? 0);
    },
    knowsOpening: (generation, of) => knowsOpening(lineages(), generation, of),
    async recordLineage(held) {
      const own: Lineage = { id: lineage, generation: lease.generation, from: epochAfter(decisions) };
      await lease.compareAndSet([
        set(lineagesKey, withLineage(lineages(), own)),
        ...acceptance(held.filter((each) => each.job !== job)),
      ]);
      isRecorded = true;
    },
    async acceptOthers(held) {
      const { id: _old, ...rest } = stored<StoredJob>(jobKey)!;
      const renewed: StoredJob = { ...rest, id: drawId() };
      await lease.compareAndSet([set(jobKey, renewed), set(lineagesKey, []), ...acceptance(held)]);
      job = jobName(renewed);
    },
    get head() {
      return head;
    },
    get pending() {
      return waiting.length + underWay.size;
    },
    get logBytes() {
      return lease.log.bytes;
    },
    start(given) {
      hooks = given;
      next();
    },
    epochAfter,
    add(epoch, batch) {
      const into = openEpoch(epoch);
      const place = into.added++;
      const writing = lease.log.append(epoch, batch).then((kept) => {
        into.batches.set(place, kept);
      });
      into.writing.add(writing);
      return writing.finally(() => into.writing.delete(writing));
    },
    async prepare(positions, records) {
      if (undecided) throw undecided.error;
      const epoch = epochAfter(decisions);
      const { batches: written, writing } = openEpoch(epoch);
      let batches: readonly LoggedBatch[];
      const reached: Head = {
        ...{ epoch, records: head.records + records },
        positions: withChanges(head.positions, positions),
      };
      try {
        await Promise.all(writing);
        await lease.log.seal(epoch);
        batches = [...written].sort(([a], [b]) => a - b).map(([, batch]) => batch);
        const prepared: PreparedEpoch = {
          ...{ epoch, records, batches, preparedAt: Date.now() },
          ...(isRecorded ? { identity: `${lineage}.${digestOf(batches)}` } : {}),
          ...(isRecorded && head.records === 0 ? { isFirst: true } : {}),
        };
        const begun: EpochProgress = { state: "PREPARED" };
        await lease.compareAndSet([
          set(headKey, reached),
          ...(batches.length > 0 ? [set(preparedKey(epoch), prepared), set(progressKey(epoch), begun)] : []),
        ]);
      } catch (error) {
        undecided = { error };
        throw error;
      }
      logged.delete(epoch);
      decisions++;
      head = reached;
      if (batches.length > 0) waiting.push(epoch);
      next();
      return head;
    },
    settled() {
      if (failure) return Promise.reject(failure.error);
      if (waiting.length === 0 && underWay.size === 0) return Promise.resolve();
      return new Promise((resolve, reject) => settling.push({ resolve, reject }));
    },
    async close() {
      isClosing = true;
      await Promise.allSettled([...underWay]);
      const closed = new MillraceError("CLOSED", `The job ${job} was closed.`);
      for (const waiter of settling.splice(0)) waiter.reject(closed);
      await lease.close();
    },
  };
}

const noHead: Head = { epoch: 0, positions: {}, records: 0 };

/** @throws MillraceError STATE_FOREIGN, naming what is another's. */
async function storedJob(lease: StateLease, identity: JobOpening, drawId: () => string): Promise<string> {
  const entry = lease.read().get(jobKey);
  const there = entry?.value as unknown as StoredJob | undefined;
  const store = (job: StoredJob) =>
    lease.compareAndSet([{ key: jobKey, expected: entry?.version ?? 0, value: job as unknown as Json }]);
  if (!there) {
    const made: StoredJob = { ...identity, id: drawId() };
    await store(made);
    return jobName(made);
  }
  for (const what of ["name", "destination", "table"] as const)
    if (there[what] !== identity[what])
      throw new MillraceError(
        "STATE_FOREIGN",
        `The state belongs to job ${there.name}, table ${there.table} at ${there.destination}; this sink is of job ${identity.name}, table ${identity.table} at ${identity.destination}. Give each job and table a state of its own.`,
        { context: { [what]: there[what] } },
      );
  if (there.delivery !== identity.delivery) {
    const pending = [...lease.read().keys()].filter((key) => key.endsWith("/progress")).length;
    if (pending > 0)
      throw new MillraceError(
        "STATE_FOREIGN",
        `The state of job ${there.name} holds ${pending} checkpoint${pending === 1 ? "" : "s"} on the way (${there.delivery}), and this sink delivers otherwise (${identity.delivery}): it could not tell what has arrived. Start it as before until they are committed, then change.`,
        { context: { delivery: there.delivery } },
      );
    await store({ ...there, delivery: identity.delivery });
  }
  return jobName(there);
}

function jobName({ name, id }: StoredJob): string {
  return `${encodeURIComponent(name)}.${id}`;
}
