import { gunzipSync } from "node:zlib";
import type { SealedBatch } from "./batch/sealed-batch.ts";
import { blobEvent } from "./blob-event.ts";
import { type Coordinator, coordinator } from "./checkpoint/coordinator.ts";
import type { EpochHandle, Head, RefusedRows } from "./checkpoint/epoch.ts";
import type { PositionChanges } from "./checkpoint/positions.ts";
import type { StateChange, StateLease } from "./checkpoint/state-backend.ts";
import { rowsLeft } from "./deliver/attempt.ts";
import { systemClock, withRetries } from "./deliver/backoff.ts";
import { type CommitHooks, type CommitPolicy, commitStaged } from "./deliver/commit-staged.ts";
import { commitSubmitted } from "./deliver/commit-submitted.ts";
import { claimTurns, commitTagged } from "./deliver/commit-tagged.ts";
import type { Deliverer } from "./deliver/deliverer.ts";
import { rowRanges } from "./deliver/row-ranges.ts";
import { commitWhileHeld, refuseIfTaken, type TakeOver, takeOver } from "./deliver/take-over.ts";
import { unlessAborted } from "./deliver/unless-aborted.ts";
import type { Destination, DestinationContext, DestinationSession, EpochSession } from "./destination/destination.ts";
import type { RowFormat } from "./encode/encoder.ts";
import { isCode, MillraceError } from "./errors.ts";
import { publish } from "./events.ts";
import type { ResolvedOptions } from "./options.ts";
import type { Table } from "./schema/table.ts";

/** A sink's batches on their way through the log, epoch by epoch. */
export interface Epochs {
  /** Unique for ever: the beginning of every tag. */
  readonly job: string;
  /** As of the newest checkpoint, this process's or an earlier one's. */
  readonly head: Head;
  /** Checkpoints that are not committed yet. */
  readonly pending: number;
  /** Bytes of batches on the disk. */
  readonly logBytes: number;
  /** So much is on its way that the writer should wait. */
  readonly isPressed: boolean;
  /** Begins to commit: what an earlier process left, and what is decided on from now on. */
  start(hooks: EpochsHooks): void;
  /** Writes a batch into the log, for the given epoch. */
  add(epoch: number, batch: SealedBatch): Promise<void>;
  /** Decides on the epoch behind the head. Durable when it resolves. */
  prepare(positions: PositionChanges, records: number): Promise<Head>;
  /** Resolves when every checkpoint is committed. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export interface EpochsHooks {
  /** @param rows those that the service took */
  onCommitted(rows: number): void;
  /** Rows that the service refused, as they stood in the batch. */
  onRowRefused(text: string, format: RowFormat, place: string, reason: string): void;
  /** Resolves when every refused row so far is in the dead letter. */
  lettersWritten(): Promise<void>;
  onRoom(): void;
  onRetry(): void;
  onFailed(error: unknown): void;
}

const mostCommitAttempts = 20;

/**
 * Opens the state, and the destination for the generation that this gives, and goes on with what an earlier process left.
 *
 * @param sink its id, for events
 * @param toDeliverer what sends batches at least once
 */
export async function openEpochs(
  sink: string,
  table: Table,
  to: Destination,
  context: DestinationContext,
  options: ResolvedOptions,
  toDeliverer: (session: DestinationSession) => Deliverer,
): Promise<Epochs> {
  const { signal } = context;
  const {
    state,
    job: name,
    deliveryGuarantee,
    commitMode,
    acceptDuplicates,
    maxPendingEpochs,
    logBytesLimit,
  } = options;
  let hooks: EpochsHooks | undefined;
  const lease = patient(await state!.open(signal));
  let commit: (epoch: EpochHandle) => Promise<void>;
  let closeSession: (isDone: boolean) => Promise<void> = async () => {};
  let epochs: Coordinator | undefined;
  const policy: CommitPolicy = { ...options, mostAttempts: mostCommitAttempts, clock: systemClock };
  const event = { sink, table: table.name };

  const commitHooks: CommitHooks = {
    onRetry(epoch, what, { attempt, delayMs, error }) {
      hooks!.onRetry();
      const { code, message } = error;
      const about = { ...event, batch: `epoch ${epoch}`, epoch };
      publish("millrace:retry", { ...about, stage: what, attempt, delayMs, code, message });
    },
    onAttemptAbandoned: (epoch, attempt, reason) =>
      publish("millrace:epoch:attempt-abandoned", { ...event, epoch, attempt, reason }),
    onWarning: (epoch, message) => publish("millrace:epoch:warning", { ...event, epoch, message }),
    onStaged: (epoch, blob, durationMs) =>
      publish("millrace:blob:staged", blobEvent(blob, { ...event, epoch, durationMs })),
    onTaken: (epoch, blob, durationMs) =>
      publish("millrace:blob:taken", blobEvent(blob, { ...event, epoch, durationMs })),
    async onRowsRefused(epoch, found) {
      await tellRefused(epoch, found, options, hooks!);
    },
  };

  try {
    epochs = await coordinator(
      lease,
      { name, destination: to.name, table: table.name, delivery: deliveryOf(options) },
      {
        commit: (epoch) => commit(epoch),
        onCommitted({ prepared, refused, tag: epochTag }) {
          const rows = rowsLeft(prepared, refused);
          hooks!.onCommitted(rows);
          const durationMs = Date.now() - prepared.preparedAt;
          const tag = deliveryGuarantee === "exactly-once" ? epochTag : undefined;
          const batches = prepared.batches.length;
          publish("millrace:epoch:committed", { ...event, epoch: prepared.epoch, rows, batches, tag, durationMs });
        },
        onRoom: () => hooks!.onRoom(),
        onFailed: (error) => hooks!.onFailed(error),
      },
    );
    if (deliveryGuarantee === "exactly-once") {
      const held = await takenOver(epochs);
      const commitTo = commitMode === "tag" ? taggedCommit(held) : stagedCommit(held);
      commit = (epoch) => commitWhileHeld(held, () => commitTo(epoch));
      closeSession = (isDone) => held.session.close(isDone);
    } else {
      const deliverer = toDeliverer(await to.open(context));
      commit = (epoch) => commitSubmitted(epoch, deliverer);
      closeSession = () => deliverer.close();
    }
  } catch (error) {
    await (epochs ? epochs.close() : lease.close());
    throw error;
  }
  const open = epochs;

  async function exactSession({ job, generation, lineage }: Coordinator): Promise<EpochSession> {
    if (!to.openEpochs)
      throw new MillraceError(
        "BAD_OPTION",
        `The destination ${to.name} cannot commit exactly once; use "at-least-once".`,
      );
    return to.openEpochs({ ...context, commitMode, job, generation, lineage });
  }

  /** A session of the only process that can commit epochs of this job. */
  async function takenOver(history: Coordinator): Promise<TakeOver> {
    const isStaged = commitMode !== "tag";
    for (let isAccepted = false; ; isAccepted = true) {
      const session = await exactSession(history);
      const ask = <T>(doing: string, act: () => Promise<T>) =>
        retrying(doing, () => unlessAborted(act(), signal, doing));
      const job: TakeOver = { session, history, table: table.name, isAccepted, isStaged, signal, ask };
      try {
        await takeOver(job);
        return job;
      } catch (error) {
        try {
          if (!isCode(error, "STATE_OUTDATED", "STATE_LOST") || !acceptDuplicates || isAccepted) throw error;
          await history.acceptOthers(await ask("asking the target for its newest epoch", () => session.held(signal)));
          commitHooks.onWarning(
            history.head.epoch,
            `acceptDuplicates: the sink goes on behind epoch ${history.head.epoch} of its state, though another state of job ${name} wrote into table ${table.name}. Rows that the source gives again arrive twice. Delete other copies of the state: they are refused from now on.`,
          );
        } finally {
          await session.close(false);
        }
      }
    }
  }

  function stagedCommit({ session }: TakeOver): (epoch: EpochHandle) => Promise<void> {
    return (epoch) => commitStaged(epoch, session, policy, signal, commitHooks);
  }

  function taggedCommit(held: TakeOver): (epoch: EpochHandle) => Promise<void> {
    const inTurn = claimTurns(() => refuseIfTaken(held));
    return (epoch) => inTurn((turn) => commitTagged(epoch, held.session, policy, signal, commitHooks, turn));
  }

  /** A decision waits for room on a full disk, as a batch does: a write that failed has changed nothing. */
  function patient(held: StateLease): StateLease {
    const compareAndSet = (changes: readonly StateChange[]) =>
      retrying("writing the state", () => held.compareAndSet(changes));
    const { generation, log } = held;
    return { generation, log, read: () => held.read(), close: () => held.close(), compareAndSet };
  }

  function retrying<T>(doing: string, act: () => Promise<T>): Promise<T> {
    return withRetries(doing, options, signal, act, ({ attempt, delayMs, error: { code, message } }) => {
      hooks?.onRetry();
      publish("millrace:retry", { ...event, batch: "", stage: doing, attempt, delayMs, code, message });
    });
  }

  return {
    job: open.job,
    get head() {
      return open.head;
    },
    get pending() {
      return open.pending;
    },
    get logBytes() {
      return open.logBytes;
    },
    get isPressed() {
      return open.pending >= maxPendingEpochs || (open.logBytes >= logBytesLimit && open.pending > 0);
    },
    start(given) {
      hooks = given;
      open.start();
    },
    add: (epoch, batch) => retrying("writing the log", () => open.add(epoch, batch)),
    prepare: (positions, records) => open.prepare(positions, records),
    settled: () => open.settled(),
    async close() {
      const isDone = open.pending === 0;
      await open.close();
      await closeSession(isDone);
    },
  };
}

/** All that an epoch on its way depends on: what one way has sent another would not find. */
function deliveryOf({ deliveryGuarantee, commitMode, format }: ResolvedOptions): string {
  return deliveryGuarantee === "exactly-once"
    ? `${deliveryGuarantee}, commitMode ${commitMode}, format ${format}`
    : `${deliveryGuarantee}, format ${format}`;
}

/** The dead letter first, the decision to leave the rows out after it: a crash between them repeats letters and loses none. */
async function tellRefused(
  epoch: EpochHandle,
  found: RefusedRows,
  { deadLetter }: ResolvedOptions,
  hooks: EpochsHooks,
): Promise<void> {
  for (const batch of epoch.prepared.batches) {
    const rows = found[batch.id];
    if (!rows) continue;
    const raw = gunzipSync(await epoch.read(batch));
    const ranges = rowRanges(raw, batch.format);
    for (const { row, reason } of rows) {
      const place = `epoch ${epoch.prepared.epoch}, batch ${batch.id}, row ${row}`;
      if (!deadLetter)
        throw new MillraceError(
          "INGESTION_FAILED",
          `Table ${batch.table}: ${place}: the service refuses it: ${reason}. With a dead letter it would go there, and its neighbours would be committed.`,
          { context: { table: batch.table, batch: batch.id, row } },
        );
      const { start, end } = ranges[row]!;
      hooks.onRowRefused(raw.subarray(start, end).toString("utf8"), batch.format, place, reason);
    }
  }
  await hooks.lettersWritten();
}
