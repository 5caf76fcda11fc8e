import type { SealedBatch } from "../batch/sealed-batch.ts";
import { atOnce } from "../deliver/at-once.ts";
import { type Deliverer, DeliveryError } from "../deliver/deliverer.ts";
import type { Payload } from "../encode/payload.ts";
import type { MillraceError } from "../errors.ts";
import { type BatchEvent, type BatchStep, publish } from "../events.ts";
import type { ResolvedOptions } from "../options.ts";
import { batchEvent } from "../telemetry/batch-events.ts";
import { asFailure } from "./as-failure.ts";
import type { Epochs } from "./epochs.ts";
import type { SinkCounters } from "./stats.ts";
import { underWay } from "./under-way.ts";

/** What a delivery takes in which nothing went wrong: storing the batch and telling of it. */
const cleanAttempts = 2;

/** Where sealed batches go. */
export interface DeliveryRoute {
  /** What sends sealed batches; absent where they go through the log. */
  readonly deliverer: Deliverer | undefined;
  /** The log, and what commits from it: with a state. */
  readonly epochs: Epochs | undefined;
  /** The parts of a delivered batch may be filled again. */
  readonly canRecycle: boolean;
}

export interface DeliveryPorts {
  recycle(batch: SealedBatch<Payload>): void;
  fail(error: MillraceError): void;
  /** The number of batches in flight has grown. */
  onAdded(): void;
  onSettled(): void;
}

/** Batches on their way into the log, or to the destination. */
export interface Deliveries {
  readonly inFlight: number;
  /** @param barriers checkpoints that were begun before the batch's rows */
  deliver(batch: SealedBatch<Payload>, barriers: number): void;
  /** Resolves when every batch so far has been delivered or given up. */
  settled(): Promise<unknown>;
}

export function deliveries(
  sink: string,
  {
    deliveryGuarantee: guarantee,
    maxBatchesInFlight,
  }: Pick<ResolvedOptions, "deliveryGuarantee" | "maxBatchesInFlight">,
  { deliverer, epochs, canRecycle }: DeliveryRoute,
  counters: SinkCounters,
  ports: DeliveryPorts,
): Deliveries {
  const batches = underWay(ports.onAdded, ports.onSettled);
  /** A subtask seals many small batches at a time: those beyond the bound wait, in their order. */
  const inFlight = atOnce(maxBatchesInFlight);

  /** Into the log, or to the destination. */
  async function send(batch: SealedBatch<Payload>, event: BatchEvent): Promise<void> {
    if (epochs) {
      const started = performance.now();
      await epochs.add(event.epoch!, batch);
      publish("millrace:batch:logged", { ...event, durationMs: performance.now() - started });
      ports.recycle(batch);
      return;
    }
    const { attempts } = await inFlight(() => deliverer!.deliver(batch));
    counters.delivered += batch.rows;
    // After a retry an attempt that was given up may still be sending from them.
    if (canRecycle && attempts <= cleanAttempts) ports.recycle(batch);
  }

  function giveUp(batch: SealedBatch<Payload>, event: BatchEvent, failure: MillraceError): void {
    const { code, message } = failure;
    if (code === "ABORTED") ports.fail(failure);
    else if (guarantee === "none") {
      counters.lost += batch.rows;
      publish("millrace:batch:lost", { ...event, code, message });
    } else {
      publish("millrace:batch:failed", { ...event, step: stepOf(failure), code, message });
      ports.fail(failure);
    }
  }

  return {
    get inFlight() {
      return batches.size;
    },
    deliver(batch, barriers) {
      const event = batchEvent(sink, batch, epochs?.epochAfter(barriers));
      counters.batches++;
      counters.rawBytes += batch.rawBytes;
      counters.packedBytes += batch.packedBytes;
      const ageMs = batch.openedAt === undefined ? 0 : Math.max(0, Date.now() - batch.openedAt);
      publish("millrace:batch:sealed", { ...event, sealedBy: batch.sealedBy, ageMs });
      batches.add(send(batch, event), (error) => giveUp(batch, event, asFailure(error)));
    },
    settled: () => batches.settled(),
  };
}

/** Where a batch's delivery broke; the log where it was to be written. */
function stepOf(failure: MillraceError): BatchStep {
  return failure instanceof DeliveryError ? failure.stage : "log";
}
