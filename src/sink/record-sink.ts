import type { Place } from "../batch/batcher.ts";
import type { Origin, Refusal } from "../source/source.ts";
import type { CheckpointOptions, Restored } from "./checkpoints.ts";
import type { SinkStats } from "./stats.ts";

/**
 * What `run()` writes into: the sink that `open()` gives, or an object of yours in front of it, such as one that spreads records over
 * several tables.
 */
export interface RecordSink<R> {
  /** Takes one record. Returns false when the caller should wait for {@link ready}. Throws when the record is refused and not kept. */
  write(record: R, place?: Place, origin?: () => Origin): boolean;
  /** Settles when there is room to write again; rejects when the sink has failed. */
  readonly ready: Promise<void>;
  /** Takes what could not be read as a record. Returns and throws as {@link write}. */
  reject(refusal: Refusal): boolean;
  /** Resolves when every record before is safe, so that the source may be acknowledged. The positions are stored with them. */
  checkpoint(options?: CheckpointOptions): Promise<unknown>;
  /** From now on nothing is committed but by `checkpoint()`: what is behind the newest one comes again. */
  keepToCheckpoints(): void;
  /** What the newest checkpoint has; undefined: there is no state, and positions are not stored. */
  readonly restored: Restored | undefined;
  readonly stats: SinkStats;
}
