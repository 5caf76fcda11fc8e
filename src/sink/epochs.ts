import type { SealedBatch } from "../batch/sealed-batch.ts";
import { type Coordinator, coordinator } from "../checkpoint/coordinator.ts";
import type { EpochHandle, Head, RefusedRows } from "../checkpoint/epoch.ts";
import type { PositionChanges } from "../checkpoint/positions.ts";
import type { StateChange, StateLease } from "../checkpoint/state-backend.ts";
import { type Retries, withRetries } from "../deliver/backoff.ts";
import type { Deliverer } from "../deliver/deliverer.ts";
import { rowsLeft } from "../deliver/logged-batch.ts";
import { submittedEpochs } from "../deliver/submitted-epochs.ts";
import { unlessAborted } from "../deliver/unless-aborted.ts";
import type {
  CommitHooks,
  Destination,
  DestinationContext,
  DestinationSession,
  EpochCommitter,
} from "../destination/destination.ts";
import type { Payload } from "../encode/payload.ts";
import type { RowFormat } from "../encode/row-format.ts";
import { MillraceError } from "../errors.ts";
import { publish } from "../events.ts";
import { rowsInLog } from "../log/batch-form.ts";
import type { ResolvedOptions } from "../options.ts";
import type { Table } from "../schema/table.ts";
import { blobEvent } from "../telemetry/blob-event.ts";

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
  /** The epoch of a batch that was sealed behind so many checkpoints of this process. */
  epochAfter(checkpoints: number): number;
  /** Writes a batch into the log, for the given epoch. */
  add(epoch: number, batch: SealedBatch<Payload>): Promise<void>;
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

/**
 * Opens the state, and the destination for the generation that this gives, and goes on with what an earlier process left.
 *
 * @param sink its id, for events
 * @param toDeliverer what sends batches at least once
 */
export async function openEpochs(
  sink: string,
  table: Table,
  to: Destination<Payload>,
  context: DestinationContext & { readonly retries: Retries },
  options: ResolvedOptions,
  toDeliverer: (session: DestinationSession<Payload>) => Deliverer,
): Promise<Epochs> {
  const { signal, retries } = context;
  const { state, job: name, maxPendingEpochs, logBytesLimit } = options;
  const event = { sink, table: table.name };
  const retrying = <T>(doing: string, act: () => Promise<T>) =>
    withRetries(doing, retries, signal, act, (retry) => retries.onRetry(doing, retry));
  const lease = patient(await state!.open(signal), retrying);
  try {
    const identity = {
      name,
      destination: to.identity ?? to.name,
      table: table.name,
      delivery: deliveryOf(options, to),
    };
    const open = await coordinator(lease, identity, undefined, to.payload ?? "gzip");
    const committer = await committerOf(open);
    return epochsOf(open, committer);
  } catch (error) {
    await lease.close();
    throw error;
  }

  async function committerOf(history: Coordinator<Payload>): Promise<EpochCommitter<Payload>> {
    if (options.deliveryGuarantee !== "exactly-once") {
      const deliverer = toDeliverer(await to.open(context));
      const commit = submittedEpochs(deliverer, options.maxBatchesInFlight);
      return { commit, close: () => deliverer.close() };
    }
    if (!to.openEpochs)
      throw new MillraceError(
        "BAD_OPTION",
        `The destination ${to.name} cannot commit exactly once; use "at-least-once".`,
      );
    const { acceptDuplicates } = options;
    return to.openEpochs({ ...context, acceptDuplicates, history, generation: history.generation, onWarning: warn });
  }

  function epochsOf(open: Coordinator<Payload>, committer: EpochCommitter<Payload>): Epochs {
    return {
      get job() {
        return open.job;
      },
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
      start(hooks) {
        const told = commitHooks(hooks);
        open.start({
          // Also one that does not listen to the signal must not hold up the end of the sink.
          commit: (epoch) =>
            unlessAborted(committer.commit(epoch, signal, told), signal, `committing epoch ${epoch.prepared.epoch}`),
          onCommitted: (epoch) => tellCommitted(epoch, committer.tagOf?.(epoch), hooks),
          onRoom: () => hooks.onRoom(),
          onFailed: (error) => hooks.onFailed(error),
        });
      },
      epochAfter: (checkpoints) => open.epochAfter(checkpoints),
      add: (epoch, batch) => retrying("writing the log", () => open.add(epoch, batch)),
      prepare: (positions, records) => open.prepare(positions, records),
      settled: () => open.settled(),
      async close() {
        const isDone = open.pending === 0;
        await open.close();
        await committer.close(isDone);
      },
    };
  }

  function commitHooks(hooks: EpochsHooks): CommitHooks {
    return {
      onRetry(epoch, what, { attempt, delayMs, error }) {
        hooks.onRetry();
        const { code, message } = error;
        const about = { ...event, batch: `epoch ${epoch}`, epoch };
        publish("millrace:retry", { ...about, stage: what, attempt, delayMs, code, message });
      },
      onAttemptAbandoned: (epoch, attempt, reason) =>
        publish("millrace:epoch:attempt-abandoned", { ...event, epoch, attempt, reason }),
      onWarning: warn,
      onStaged: (epoch, blob, durationMs) =>
        publish("millrace:blob:staged", blobEvent(blob, { ...event, epoch, durationMs })),
      onTaken: (epoch, blob, durationMs) =>
        publish("millrace:blob:taken", blobEvent(blob, { ...event, epoch, durationMs })),
      onRowsRefused: (epoch, found) => tellRefused(epoch, found, options, hooks),
    };
  }

  function warn(epoch: number, message: string): void {
    publish("millrace:epoch:warning", { ...event, epoch, message });
  }

  function tellCommitted(
    { prepared, refused }: EpochHandle<Payload>,
    tag: string | undefined,
    hooks: EpochsHooks,
  ): void {
    const rows = rowsLeft(prepared, refused);
    hooks.onCommitted(rows);
    const durationMs = Date.now() - prepared.preparedAt;
    const batches = prepared.batches.length;
    publish("millrace:epoch:committed", { ...event, epoch: prepared.epoch, rows, batches, tag, durationMs });
  }
}

/** A decision waits for room on a full disk, as a batch does: a write that failed has changed nothing. */
function patient(held: StateLease, retrying: (doing: string, act: () => Promise<void>) => Promise<void>): StateLease {
  const compareAndSet = (changes: readonly StateChange[]) =>
    retrying("writing the state", () => held.compareAndSet(changes));
  const { generation, log } = held;
  return { generation, log, read: () => held.read(), close: () => held.close(), compareAndSet };
}

/** All that an epoch on its way depends on: what one way has sent another would not find. */
function deliveryOf(
  { deliveryGuarantee, format }: ResolvedOptions,
  { delivery }: Pick<Destination, "delivery">,
): string {
  const way = deliveryGuarantee === "exactly-once" && delivery !== undefined ? `, ${delivery}` : "";
  return `${deliveryGuarantee}${way}, format ${format}`;
}

/** The dead letter first, the decision to leave the rows out after it: a crash between them repeats letters and loses none. */
async function tellRefused(
  epoch: Pick<EpochHandle, "prepared" | "read">,
  found: RefusedRows,
  { deadLetter }: ResolvedOptions,
  hooks: EpochsHooks,
): Promise<void> {
  for (const batch of epoch.prepared.batches) {
    const rows = found[batch.id];
    if (!rows) continue;
    const { text, ends } = rowsInLog(batch, await epoch.read(batch));
    for (const { row, reason } of rows) {
      const place = `epoch ${epoch.prepared.epoch}, batch ${batch.id}, row ${row}`;
      if (!deadLetter)
        throw new MillraceError(
          "INGESTION_FAILED",
          `Table ${batch.table}: ${place}: the service refuses it: ${reason}. With a dead letter it would go there, and its neighbours would be committed.`,
          { context: { table: batch.table, batch: batch.id, row } },
        );
      const bytes = text.subarray(row === 0 ? 0 : ends[row - 1]!, ends[row]!);
      hooks.onRowRefused(Buffer.from(bytes).toString("utf8"), batch.format, place, reason);
    }
  }
  await hooks.lettersWritten();
}
