import { type Channel, channel } from "node:diagnostics_channel";
import type { SealReason } from "./batch/sealed-batch.ts";
import type { ErrorCode } from "./errors.ts";

// What a sink tells on `node:diagnostics_channel`, per batch and never per record. Publishing to a channel that nobody
// reads costs one check. Messages are plain data without secrets.

/** A batch has come to a step on its way: staged, taken, landed. Sizes are bytes, packed ones of what is sent. */
export interface BatchEvent {
  readonly sink: string;
  readonly table: string;
  /** Kusto's source id, but with exactly once, where blobs have their own. */
  readonly batch: string;
  readonly rows: number;
  readonly rawBytes: number;
  readonly packedBytes: number;
  readonly subtask: number;
  /** The checkpoint that its rows belong to, with a state, where the teller knows it. */
  readonly epoch?: number | undefined;
}

/** A batch is full, or old enough, or asked for, and closed. */
export interface SealedEvent extends BatchEvent {
  readonly sealedBy: SealReason;
  /** Since its first record was written. */
  readonly ageMs: number;
}

/** A step that ended well, of a batch that is a blob of its own. Exactly once has {@link BlobEvent} instead. */
export interface StepEvent extends BatchEvent {
  /** The tag by which the batch's extents can be found: with `tagBatches`. */
  readonly tag?: string | undefined;
  /** Of this step, with its retries. */
  readonly durationMs: number;
  /** Since the batch's first record was written; absent for a batch that an older version has logged. */
  readonly ageMs?: number | undefined;
}

/** Exactly once: a step that ended well, of a blob. Batches of a checkpoint share blobs, and each attempt has its own. */
export interface BlobEvent {
  readonly sink: string;
  readonly table: string;
  readonly epoch: number;
  /** The source id that the service knows it by. */
  readonly source: string;
  /** By which its extents can be found. `append` does not keep it on those that it commits. */
  readonly tag: string;
  /** Whose rows it holds: of several batches all, of a single one perhaps a part. */
  readonly batches: readonly string[];
  readonly rows: number;
  readonly rawBytes: number;
  readonly packedBytes: number;
  /** Of this step, with its retries. */
  readonly durationMs: number;
  /** Since the first record of its oldest batch was written; absent where an older version has logged one of them. */
  readonly ageMs?: number | undefined;
}

/** The batch is in the log, and durable with the next checkpoint. */
export interface LoggedEvent extends BatchEvent {
  readonly durationMs: number;
}

/** A batch was given up after its retries: with delivery "none" only. */
export interface LostEvent extends BatchEvent {
  readonly code: ErrorCode;
  readonly message: string;
}

/** The step that a batch broke at. */
export type BatchStep = "log" | "stage" | "submit" | "outcome";

/** A batch was given up, and the sink fails with it. */
export interface FailedEvent extends LostEvent {
  readonly step: BatchStep;
}

/** A step of a batch failed and will be tried again, `delayMs` from now. */
export interface RetryEvent {
  readonly sink: string;
  readonly table: string;
  /** Of an epoch as a whole: `epoch 12`. Empty where the state itself is written. */
  readonly batch: string;
  readonly epoch?: number | undefined;
  /** The act that is tried again: stage, submit, outcome; or in words. */
  readonly stage: string;
  /** Which attempt failed, from 1. */
  readonly attempt: number;
  readonly delayMs: number;
  readonly code: ErrorCode;
  readonly message: string;
}

/**
 * Who found that a record cannot be taken:
 * - `value`: the sink; a value does not fit its column, or the record is too large;
 * - `raw`: a subtask; a row of `writeRaw()` is not framed as it should be;
 * - `source`: the source; it could not be read as a record, or not be converted;
 * - `service`: the service, after the row had been accepted (exactly once).
 */
export type RejectionReason = "value" | "raw" | "source" | "service";

/** A record was refused, whether thrown at the caller or sent to the dead letter. */
export interface RejectedEvent {
  readonly sink: string;
  readonly table: string;
  /** One of four, for counting by. */
  readonly code: RejectionReason;
  /** It went to the dead letter; otherwise the caller was told by an error. */
  readonly isKept: boolean;
  /** The index of the `write()` call, from 0; -1 where the source could not even make a record. */
  readonly record: number;
  readonly place: string | undefined;
  readonly reason: string;
}

/** A checkpoint has completed: `records` of this epoch, `durationMs` since it was asked for. */
export interface CheckpointEvent {
  readonly sink: string;
  readonly table: string;
  readonly epoch: number;
  readonly records: number;
  readonly durationMs: number;
}

/** A thread died, and another does again what that one had not finished: nothing is lost or sent twice by it. */
export interface RestartedEvent {
  readonly sink: string;
  readonly table: string;
  readonly subtask: number;
  /** Threads of this subtask that have died so far. */
  readonly restarts: number;
  /** Chunks of rows that are encoded again. */
  readonly repeated: number;
  readonly reason: string;
}

/** An attempt to bring an epoch into the target was given up for the next; nothing is lost by it. */
export interface AttemptAbandonedEvent {
  readonly sink: string;
  readonly table: string;
  readonly epoch: number;
  readonly attempt: number;
  readonly reason: string;
}

/** An epoch is in the target: all of its rows, once. */
export interface EpochCommittedEvent {
  readonly sink: string;
  readonly table: string;
  readonly epoch: number;
  /** Without those that the service refused. */
  readonly rows: number;
  readonly batches: number;
  /** What is in the tags of all its extents; undefined with at least once, which sets none. */
  readonly tag: string | undefined;
  /** Since the checkpoint. */
  readonly durationMs: number;
}

/** Something that a person should look at. */
export interface EpochWarningEvent {
  readonly sink: string;
  readonly table: string;
  readonly epoch: number;
  readonly message: string;
}

/** The sink has failed for good, or was aborted (`ABORTED`): every call says so from now on. */
export interface SinkFailedEvent {
  readonly sink: string;
  readonly table: string;
  readonly code: ErrorCode;
  readonly message: string;
}

/** The meter or the tracer that was passed in threw; told once for each, and the sink goes on without it or with gaps. */
export interface TelemetryFailedEvent {
  readonly sink: string;
  readonly table: string;
  readonly part: "meter" | "tracer";
  readonly reason: string;
}

/** `open({ check: true })` found something that a sink can live with. */
export interface CheckWarningEvent {
  readonly sink: string;
  readonly table: string;
  /** The item, as `checkTarget()` names it. */
  readonly name: string;
  readonly message: string;
  readonly fix: string | undefined;
}

/** A source of `run()` has a fault that loses nothing, such as a lease that could not be renewed in time. */
export interface SourceWarningEvent {
  /** Its name. */
  readonly source: string;
  readonly message: string;
}

/** Every channel by its name. */
export interface EventMap {
  "millrace:batch:sealed": SealedEvent;
  /** With a state: it is in the log. */
  "millrace:batch:logged": LoggedEvent;
  /** But for exactly once, as the next two: see the blobs there. */
  "millrace:batch:staged": StepEvent;
  "millrace:batch:taken": StepEvent;
  "millrace:batch:landed": StepEvent;
  /** Delivery "none" only: a batch that failed for good and is given up. */
  "millrace:batch:lost": LostEvent;
  /** A batch that failed for good, and the sink with it. */
  "millrace:batch:failed": FailedEvent;
  /** Exactly once: a blob is stored. */
  "millrace:blob:staged": BlobEvent;
  /** The service has the message of it. */
  "millrace:blob:taken": BlobEvent;
  "millrace:retry": RetryEvent;
  "millrace:record:rejected": RejectedEvent;
  "millrace:checkpoint": CheckpointEvent;
  "millrace:subtask:restarted": RestartedEvent;
  "millrace:epoch:committed": EpochCommittedEvent;
  "millrace:epoch:attempt-abandoned": AttemptAbandonedEvent;
  "millrace:epoch:warning": EpochWarningEvent;
  "millrace:sink:failed": SinkFailedEvent;
  "millrace:telemetry:failed": TelemetryFailedEvent;
  "millrace:check:warning": CheckWarningEvent;
  "millrace:source:warning": SourceWarningEvent;
}

/** The names of all channels, for `diagnostics_channel.subscribe(name, listener)`. */
export const eventNames = [
  "millrace:batch:sealed",
  "millrace:batch:logged",
  "millrace:batch:staged",
  "millrace:batch:taken",
  "millrace:batch:landed",
  "millrace:batch:lost",
  "millrace:batch:failed",
  "millrace:blob:staged",
  "millrace:blob:taken",
  "millrace:retry",
  "millrace:record:rejected",
  "millrace:checkpoint",
  "millrace:subtask:restarted",
  "millrace:epoch:committed",
  "millrace:epoch:attempt-abandoned",
  "millrace:epoch:warning",
  "millrace:sink:failed",
  "millrace:telemetry:failed",
  "millrace:check:warning",
  "millrace:source:warning",
] as const satisfies readonly (keyof EventMap)[];

const channels = Object.fromEntries(eventNames.map((name) => [name, channel(name)])) as Record<keyof EventMap, Channel>;

export function publish<N extends keyof EventMap>(name: N, message: EventMap[N]): void {
  const target = channels[name];
  if (target.hasSubscribers) target.publish(message);
}

/** What is done with each kind of event; those that are left out are not listened to. */
export type EventHandlers = { readonly [N in keyof EventMap]?: (message: EventMap[N]) => void };

/** Listens until the returned function is called. A handler must not throw: that would end the process. */
export function listen(handlers: EventHandlers): () => void {
  const names = Object.keys(handlers) as (keyof EventMap)[];
  const listeners = names.map((name) => {
    const handle = handlers[name] as (message: unknown) => void;
    return [channels[name], (message: unknown) => handle(message)] as const;
  });
  for (const [target, listener] of listeners) target.subscribe(listener);
  return () => {
    for (const [target, listener] of listeners) target.unsubscribe(listener);
  };
}
