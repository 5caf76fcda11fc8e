import type { OriginalFormat } from "./original-format.ts";

/**
 * Where a source stands in one partition: after the last record of a slice. It is stored as JSON and must be the same when it
 * is read again: null, booleans, texts, finite numbers other than -0, and arrays and plain objects of these, nested up to 64 deep.
 *
 * Refused with BAD_OPTION: a bigint (tell it as text), NaN and infinities, -0, undefined, functions, symbols, dates, maps, sets,
 * typed arrays, instances of classes, what has a `toJSON()`, arrays with holes, cycles. The positions of all partitions may take
 * 64 MiB of JSON together.
 */
export type Position = string | number | boolean | null | readonly Position[] | { readonly [key: string]: Position };

/** A record as its source read it, and how to read it again. */
export interface Origin {
  readonly original: unknown;
  readonly source: OriginalFormat;
}

/** Positions by partition (a file, a topic partition, ...): a checkpoint stores them, a restart reads on from them. */
export type Positions = Readonly<Record<string, Position>>;

/** Some records of one partition, in order, and the position behind them. Neither changes after the slice was given. */
export interface Slice<R> {
  readonly partition: string;
  /** `run()` copies it when the slice arrives: the source may go on with its object. */
  readonly position: Position;
  readonly records: readonly R[];
  /** What could not be read as a record at all. Its neighbours are in `records`. */
  readonly refused?: readonly Refusal[];
  /** Where a record came from, for messages: `events.ndjson:17`. The index is into `records`. */
  placeOf?(index: number): string;
  /** The record as a dead letter should keep it, where that is not the one that is written. The index is into `records`. */
  originOf?(index: number): Origin;
  /** Positions of other partitions that change at the same moment: of files that were moved. To be stored with `position`. */
  readonly moved?: Positions;
  /**
   * Partitions that will never come back, this one included: a shard that has left the stream's listing. The checkpoint that has this
   * slice removes their positions from the state, which would grow for ever otherwise. A partition that is given again later is new.
   */
  readonly dropped?: readonly string[];
  /** Bytes of the source that this slice consumed, for progress. */
  readonly bytes?: number;
}

/** Something that a source could not read as a record. */
export interface Refusal {
  /** `events.ndjson:17` */
  readonly place: string;
  readonly reason: string;
  /** The text as it stood, or the record that a transform could not convert; `source` says whether it was cut. */
  readonly original: unknown;
  /** How the original is to be read again, for the dead letter. */
  readonly source?: OriginalFormat;
  /** What was thrown: of the error that is thrown where there is no dead letter. */
  readonly cause?: unknown;
}

/**
 * How a source tells that partitions come and go: a consumer group that is rebalanced, shards that are leased. A source that never calls
 * it keeps its partitions as long as it is read.
 */
export interface PartitionOwnership {
  /**
   * These partitions are this process's from now on; slices of them that the source gave before this call are left out if a partition was
   * another's when they were given. Resolves to the positions that the newest checkpoint has of them; a partition
   * without one is left out. A source that knows a later position from elsewhere (the offsets of a group) takes that.
   */
  assigned(partitions: readonly string[]): Promise<Positions>;
  /**
   * These partitions are to be given up in good order. Call it when no slice of them will be given any more, and await it before the
   * partition goes to another process. Resolves to true when every slice of them is in a checkpoint that was acknowledged;
   * to false when that did not come within `timeoutMs`, and the partitions then count as {@link lost}, or when the run has failed.
   *
   * @param timeoutMs how long the system waits for the source: a part of the rebalance timeout
   */
  revoked(partitions: readonly string[], timeoutMs: number): Promise<boolean>;
  /**
   * These partitions belong to another process already. Their slices that wait are left out, and the positions reached since the newest
   * checkpoint are neither stored nor acknowledged. Records of them that were written since then arrive, and the new owner reads them
   * again: for these, delivery is at least once.
   */
  lost(partitions: readonly string[]): void;
  /**
   * How often the partition was revoked or lost so far, or undefined while it is not this process's. For a transform that holds slices back:
   * a slice that came with another number than there is when it leaves was read before the partition went, and is left out.
   */
  generation(partition: string): number | undefined;
}

/** What a source may know of whoever reads it. */
export interface ReadContext {
  /** The positions are kept in a state, and a later run reads on from them. */
  readonly isContinued: boolean;
  readonly partitions: PartitionOwnership;
}

/**
 * How the records that were read and are in no checkpoint come again when the process is killed.
 * - `position`: the source is read again from the positions of the newest checkpoint: files, Kafka, Kinesis, change feeds. With
 *   a state and exactly once, every record arrives once.
 * - `redelivery`: a broker gives again what was not acknowledged: SQS, Pub/Sub, RabbitMQ, JetStream. At least once: a broker that was not
 *   reached by an acknowledgement gives records again that have arrived.
 * - `none`: they do not come again: standard input, iterators, HTTP requests. At most once for what was read and not delivered
 *   when the process is killed; with a state, for what is behind the newest checkpoint.
 */
export type Recovery = "position" | "redelivery" | "none";

/** A broker's patience with records that were received and not acknowledged, and how to renew it. */
export interface Lease {
  /** In milliseconds: half of the lease or less, so that one call may fail. */
  readonly everyMs: number;
  /**
   * Renews the lease of every record that was received and not acknowledged (SQS: `ChangeMessageVisibility`; Pub/Sub: `modifyAckDeadline`).
   * `run()` calls it every `everyMs`, also while the sink is full, and aborts a call that takes longer. A failure is told by the event
   * `millrace:source:warning` and tried again at the next time: what the broker then gives again arrives twice.
   */
  extend(signal: AbortSignal): Promise<void>;
}

/** A source knows nothing of the sink. */
export interface Source<R> {
  readonly name: string;
  readonly recovery: Recovery;
  /**
   * How many slices `run()` may ask for ahead, while it writes one: they wait in memory. 0: the next slice is asked for when
   * the one at hand was written. Default 1.
   */
  readonly prefetch?: number;
  /** Records must be renewed until they are acknowledged, or the broker gives them again. */
  readonly lease?: Lease;
  /**
   * Gives slices until the source ends.
   *
   * @param from where to read on, by partition; empty unless `recovery` is "position"
   */
  read(from: Positions, signal: AbortSignal, context?: ReadContext): AsyncIterable<Slice<R>>;
  /**
   * The destination has accepted every record before these positions, or with a state they are in its log. Called after each
   * checkpoint, also with positions that were told before.
   */
  acknowledge?(positions: Positions): Promise<void>;
  /**
   * Gives back what was received and not acknowledged, so that the broker gives it again now and not when its lease has run out (a
   * `nack`; SQS: a visibility timeout of 0). Called once when reading has ended, however that came, before `close()`. `run()` waits
   * 5 seconds for it at most, then the signal fires.
   */
  release?(signal: AbortSignal): Promise<void>;
  /**
   * Nothing more is wanted: the source gives the records that it has taken already, and ends. `run()` calls it when its `stop` fires.
   * Needed where records would be lost otherwise: a source without it is read no further than the slices that it has given.
   */
  stop?(): void;
  close?(): Promise<void>;
}
