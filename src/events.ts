import { type Channel, channel } from "node:diagnostics_channel";
import type { SealReason } from "./batch/sealed-batch.ts";
import type { ErrorCode } from "./errors.ts";

// What a sink tells on `node:diagnostics_channel`, per batch and never per record. Publishing to a channel that nobody
// reads costs one check. Messages are plain data without secrets.

/** A batch has come to a step on its way: staged, taken, landed. Sizes are bytes, packed ones of the gzip member. */
export interface BatchEvent {
  readonly sink: string;
  readonly table: string;
  /** Kusto's source id. */
  readonly batch: string;
  readonly rows: number;
  readonly rawBytes: number;
  readonly packedBytes: number;
  readonly subtask: number;
}

/** A batch is full, or old enough, or asked for, and closed. */
export interface SealedEvent extends BatchEvent {
  readonly sealedBy: SealReason;
}

/** A batch was given up after its retries: with delivery "none" only. */
export interface LostEvent extends BatchEvent {
  readonly code: ErrorCode;
  readonly message: string;
}

/** A step of a batch failed and will be tried again, `delayMs` from now. */
export interface RetryEvent {
  readonly sink: string;
  readonly table: string;
  readonly batch: string;
  /** The act that is tried again: stage, submit, outcome. */
  readonly stage: string;
  /** Which attempt failed, from 1. */
  readonly attempt: number;
  readonly delayMs: number;
  readonly code: ErrorCode;
  readonly message: string;
}

/** A record was refused, whether thrown at the caller or sent to the dead letter. */
export interface RejectedEvent {
  readonly sink: string;
  readonly table: string;
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
  readonly rows: number;
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

/** Every channel by its name. */
export interface EventMap {
  "millrace:batch:sealed": SealedEvent;
  "millrace:batch:staged": BatchEvent;
  "millrace:batch:taken": BatchEvent;
  "millrace:batch:landed": BatchEvent;
  /** Delivery "none" only: a batch that failed for good and is given up. */
  "millrace:batch:lost": LostEvent;
  "millrace:retry": RetryEvent;
  "millrace:record:rejected": RejectedEvent;
  "millrace:checkpoint": CheckpointEvent;
  "millrace:subtask:restarted": RestartedEvent;
  "millrace:epoch:committed": EpochCommittedEvent;
  "millrace:epoch:attempt-abandoned": AttemptAbandonedEvent;
  "millrace:epoch:warning": EpochWarningEvent;
}

/** The names of all channels, for `diagnostics_channel.subscribe(name, listener)`. */
export const eventNames = [
  "millrace:batch:sealed",
  "millrace:batch:staged",
  "millrace:batch:taken",
  "millrace:batch:landed",
  "millrace:batch:lost",
  "millrace:retry",
  "millrace:record:rejected",
  "millrace:checkpoint",
  "millrace:subtask:restarted",
  "millrace:epoch:committed",
  "millrace:epoch:attempt-abandoned",
  "millrace:epoch:warning",
] as const satisfies readonly (keyof EventMap)[];

const channels = Object.fromEntries(eventNames.map((name) => [name, channel(name)])) as Record<keyof EventMap, Channel>;

export function publish<N extends keyof EventMap>(name: N, message: EventMap[N]): void {
  const target = channels[name];
  if (target.hasSubscribers) target.publish(message);
}
