import type { Writable } from "node:stream";
import type { WritableStream } from "node:stream/web";
import { checkObject } from "./arguments.ts";
import type { Batcher, BatcherHooks, Place } from "./batch/batcher.ts";
import { type LoopBudget, type LoopTurns, loopBudget } from "./batch/loop-budget.ts";
import { type RawBacklog, rawBacklog } from "./batch/raw-backlog.ts";
import type { SealedBatch } from "./batch/sealed-batch.ts";
import { batchEvent } from "./batch-events.ts";
import {
  copyDropped,
  copyPositions,
  dropSizes,
  type PositionChanges,
  type PositionSizes,
  sizesOf,
} from "./checkpoint/positions.ts";
import type { Letter } from "./deliver/dead-letter.ts";
import { type Deliverer, DeliveryError } from "./deliver/deliverer.ts";
import { rawReasons, rawRowRefused, rawRowText } from "./encode/raw-reasons.ts";
import type { RefusedRow } from "./encode/raw-slab.ts";
import type { RowFormat } from "./encode/row-format.ts";
import type { Epochs } from "./epochs.ts";
import { isCode, MillraceError, reasonOf } from "./errors.ts";
import { type BatchEvent, type BatchStep, publish, type RejectionReason } from "./events.ts";
import { type LetterScope, letterScope } from "./letter-scope.ts";
import { refuseUnknownOptions } from "./option-names.ts";
import type { ResolvedOptions } from "./options.ts";
import { type Undelivered, watchProcessEnd } from "./process-end.ts";
import type { RecordSink } from "./record-sink.ts";
import type { Table } from "./schema/table.ts";
import { checkIterable } from "./source/iterable.ts";
import type { Origin, OriginalFormat, Positions, Refusal } from "./source/source.ts";
import { nodeWritable, type StreamOptions, webWritable } from "./streams.ts";

/** Counters since `open()`. Bytes are of sealed batches. */
export interface SinkStats {
  /** Records that `write()` took, and rows of `writeRaw()` that were found sound, which takes place a little later. */
  readonly accepted: number;
  /** Records that were refused, whether thrown at the caller or sent to the dead letter. */
  readonly rejected: number;
  /** Records whose batches have been taken by the destination; with exactly once, those committed: without those it refused. */
  readonly delivered: number;
  /** Delivery "none" only: records of batches given up after their retries. */
  readonly lost: number;
  readonly batches: number;
  readonly batchesInFlight: number;
  readonly rawBytes: number;
  readonly packedBytes: number;
  readonly retries: number;
  /** Threads that died and were replaced. */
  readonly restarts: number;
  /** Checkpoints that have completed. */
  readonly checkpoints: number;
}

/** Options of {@link Sink.checkpoint}. */
export interface CheckpointOptions {
  /**
   * Where the source stands behind the last record written, by partition. Kept with the checkpoint, and given back by
   * {@link Sink.restored} to the next process. Partitions that are left out keep the positions that they had. Copied when
   * `checkpoint()` is called. What JSON cannot hold is refused: see {@link Position}.
   */
  readonly positions?: Positions;
  /**
   * Partitions that have ended and will not come back: their positions are removed, and {@link Sink.restored} has them no more. One that is
   * not stored is no error. None of them may be in `positions`.
   */
  readonly dropped?: readonly string[];
}

/** What the state says of earlier checkpoints. */
export interface Restored {
  /** The number of the newest checkpoint; 0: the state is new. */
  readonly epoch: number;
  readonly positions: Positions;
}

/** A checkpoint that has completed. */
export interface Checkpoint {
  /** Counted from 1; with a state, from the first process on. */
  readonly epoch: number;
  /** Records accepted in this epoch. */
  readonly records: number;
}

/** What `open()` gives the sink to work with; the sink closes all of it. */
export interface SinkParts<R> {
  readonly id: string;
  readonly table: Table;
  readonly options: ResolvedOptions;
  /** Fires when the sink is aborted; everything it waits for listens to it. */
  readonly controller: AbortController;
  /** What sends sealed batches; absent where they go through the log. */
  readonly deliverer: Deliverer | undefined;
  /** The log, and what commits from it: with a state. */
  readonly epochs: Epochs | undefined;
  startBatcher(hooks: BatcherHooks): Batcher<R>;
  /** Of this thread, whose sinks share it. */
  readonly turns: LoopTurns;
  /** The parts of a delivered batch may be filled again. */
  readonly canRecycle: boolean;
  /** Counts retries; `open()` hands it to the deliverer's hooks. */
  readonly retries: { count: number };
  /** Everything of the sink has ended. */
  onReleased?(): void;
}

/**
 * Chunks that may wait for each subtask before `write()` returns false, and before it throws. Where subtasks fill one batch
 * each gets a run of some chunks before it is the next one's turn, and none may run dry meanwhile.
 */
const chunksPerSubtask = { soft: 4, softInRuns: 8, hard: 64 };
/** How far the batches in flight may pass `maxBatchesInFlight` before `write()` throws. */
const hardBatchesFactor = 4;
/** What a delivery takes in which nothing went wrong: storing the batch and telling of it. */
const cleanAttempts = 2;
/** Dead letters being written at once, before `write()` returns false, and before it throws. */
const lettersInFlight = { soft: 256, hard: 4_096 };
/** How long a sink that has failed waits for its dead letter to close. */
const deadLetterPatienceMs = 5_000;

/**
 * Lands records of one table. Made by `open()`.
 *
 * `write()` takes no promise per record: it returns false when the caller should wait for `ready`, because the bounds are
 * full or because the event loop has been held for some milliseconds and others want their turn. Nothing is dropped:
 * a record is accepted, or refused by an error (or sent to the dead letter), and an accepted one is delivered, or the
 * sink fails and says so at every call from then on.
 */
export class Sink<R> implements RecordSink<R>, AsyncDisposable {
  readonly #parts: SinkParts<R>;
  readonly #batcher: Batcher<R>;
  /** Deliveries under way; none of them rejects. */
  readonly #inFlight = new Set<Promise<void>>();
  readonly #letters = new Set<Promise<void>>();
  #onFailed!: () => void;
  /** Resolves when the sink has failed. */
  readonly #failed = new Promise<void>((resolve) => {
    this.#onFailed = resolve;
  });
  readonly #maxChunks: number;
  readonly #hardChunks: number;
  readonly #hardBatches: number;
  #counters = {
    accepted: 0,
    rejected: 0,
    delivered: 0,
    lost: 0,
    batches: 0,
    rawBytes: 0,
    packedBytes: 0,
    restarts: 0,
    checkpoints: 0,
  };
  /** Of the accepted, those of `write()`, whose number is known at once, and raw rows as of the last seal. */
  #written = 0;
  #acceptedAtCheckpoint = { written: 0, raw: 0 };
  /** The epoch that was the newest when the sink was opened. */
  readonly #firstEpoch: number;
  /** With a state, from the first checkpoint with positions on. */
  #positionSizes: PositionSizes | undefined;
  /** Checkpoints, one after another. */
  #lastCheckpoint: Promise<unknown> = Promise.resolve();
  /** Its writer tells positions: what lies behind the newest checkpoint will be read again, and is not for `close()` to commit. */
  #isPositional: boolean;
  #timer: NodeJS.Timeout | undefined;
  #room: { promise: Promise<void>; resolve(): void; reject(error: unknown): void } | undefined;
  #failure: MillraceError | undefined;
  #closing: Promise<void> | undefined;
  /** `write()` should return false. Kept, not computed: to count chunks for every record cost a third of the call. */
  #isPressed = false;
  /** The same but for what is left of raw rows, which waits for this. */
  #isFull = false;
  /** The bounds are broken: nothing must be taken. */
  #isOverfull = false;
  /** `write()` must look closer: it is too full, failed, closes, or may be called by the dead letter. */
  #isBarred = false;
  /** The calls of the dead letter. */
  readonly #letterScope: LetterScope = letterScope();
  /** Bounds the wait for the dead letter. */
  #hurry: () => void = () => {};
  /** How long the event loop has been held. */
  readonly #loop: LoopBudget;
  /** Records to take until the clock is looked at again. */
  #untilLook = 1;
  readonly #rawBacklog: RawBacklog;
  #released: Promise<void> | undefined;
  /** Records of the checkpoints that were decided on: with a state, they are in the log. */
  #logged = 0;
  /** The end of the process needs no warning any more. */
  readonly #unwatch: () => void;

  constructor(parts: SinkParts<R>) {
    this.#parts = parts;
    const { parallelism, maxBatchesInFlight, batchPerSubtask } = parts.options;
    const { soft, softInRuns } = chunksPerSubtask;
    this.#maxChunks = Math.max(1, parallelism) * (batchPerSubtask || parallelism <= 1 ? soft : softInRuns);
    this.#hardChunks = Math.max(1, parallelism) * chunksPerSubtask.hard;
    this.#hardBatches = maxBatchesInFlight * hardBatchesFactor;
    this.#loop = loopBudget(parts.turns, () => this.#offerRoom());
    this.#rawBacklog = rawBacklog(
      (piece) => {
        this.#batcher.writeRaw(piece);
        this.#look();
      },
      () => !this.#isFull && !this.#failure,
    );
    this.#batcher = parts.startBatcher({
      onSealed: (batch, barriers) => this.#deliver(batch, barriers),
      onHandedOver: () => this.#look(),
      onRoom: () => this.#offerRoom(),
      onRawTaken: (rows) => {
        this.#counters.accepted += rows;
      },
      onRawRefused: (row, slab, refused) => this.#refuseRaw(row, slab, refused),
      onRestarted: (restart) => {
        this.#counters.restarts++;
        publish("millrace:subtask:restarted", { sink: parts.id, table: parts.table.name, ...restart });
      },
      onFailed: (error) => this.#fail(error),
    });
    const { epochs } = parts;
    this.#firstEpoch = epochs?.head.epoch ?? 0;
    this.#isPositional = Object.keys(epochs?.head.positions ?? {}).length > 0;
    epochs?.start({
      onCommitted: (rows) => {
        this.#counters.delivered += rows;
      },
      onRowRefused: (text, format, place, reason) => this.#refuseLanded(text, format, place, reason),
      lettersWritten: () => Promise.all(this.#letters).then(() => {}),
      onRoom: () => this.#offerRoom(),
      onRetry: () => parts.retries.count++,
      onFailed: (error) => this.#fail(asFailure(error)),
    });
    this.#armCheckpoint();
    this.#unwatch = watchProcessEnd({ table: parts.table.name, undelivered: () => this.#undelivered() });
  }

  get table(): Table {
    return this.#parts.table;
  }

  get stats(): SinkStats {
    return { ...this.#counters, batchesInFlight: this.#inFlight.size, retries: this.#parts.retries.count };
  }

  /**
   * Takes one record. Returns false when the caller should wait for {@link ready} before the next.
   *
   * @param place where the record came from, for messages: `events.ndjson:17`; a function is called only when needed.
   * @param origin the record as its source read it, which the dead letter keeps in the place of `record`; called only when needed.
   * @throws MillraceError RECORD_REFUSED when the record does not fit the table and there is no dead letter; its
   *   neighbours are unharmed and the sink goes on.
   * @throws MillraceError BACK_PRESSURE when `false` was not heeded and the bounds are full; nothing was taken.
   * @throws MillraceError REENTRANT_CALL for every call of the sink but `abort()` by a getter, `toJSON()` or `place` of a record
   *   that `write()` is reading, or by the dead letter; nothing was done.
   * @throws MillraceError CLOSED, ABORTED, or what made the sink fail.
   */
  write(record: R, place?: Place, origin?: () => Origin): boolean {
    this.#mustTake("write()", "record");
    if (this.#isPressed) this.#rawBacklog.drain();
    try {
      this.#batcher.write(record, place);
      this.#counters.accepted++;
      this.#written++;
    } catch (error) {
      if (!(error instanceof MillraceError && error.code === "RECORD_REFUSED")) throw error;
      const { original, source } = origin?.() ?? { original: record };
      this.#refuse("value", error, original, place, source);
    }
    if (--this.#untilLook <= 0) this.#look();
    return !this.#isPressed;
  }

  /**
   * Takes rows that are encoded already, in the sink's own format: CSV (RFC 4180, UTF-8, no header row, the fields in the
   * order of the table's columns) or NDJSON (a JSON object a line). No row becomes an object; they are checked for their
   * framing and packed. May be cut anywhere, also within a row or a character: what is left of the last row goes on with
   * the next call, and `flush()`, `checkpoint()` and `close()` take it as a row. Rows and records of `write()` keep their
   * order in a subtask. Give some hundred kilobytes at a time; what is given is copied and may be used again at once. Of
   * megabytes a part is taken now and the rest while you wait for {@link ready}; if you do not, the next call takes it first.
   *
   * Checked: CSV for balanced quotes and the number of fields; NDJSON for valid JSON objects, nested up to 1 024 deep; both
   * for UTF-8 and for the size of a row. Types are NOT checked: Kusto stores null for a value that does not fit its
   * column. Empty lines are no rows, and a byte order mark at the very start is dropped.
   *
   * A row that fails is found by the subtask, later. With a dead letter it goes there, by its number among the raw rows
   * (from 0) and its text, and its neighbours arrive. Without one the sink fails with RECORD_REFUSED at the next call, and no
   * checkpoint after it resolves. Rows count as accepted when the subtask has counted them.
   *
   * @returns false when the caller should wait for {@link ready} before the next.
   * @throws MillraceError BACK_PRESSURE when `false` was not heeded and the bounds are full; nothing was taken.
   * @throws MillraceError CLOSED, ABORTED, or what made the sink fail.
   */
  writeRaw(rows: Uint8Array | string): boolean {
    this.#refuseReentry("writeRaw()");
    this.#mustTake("writeRaw()", "call's rows");
    if (typeof rows !== "string" && !(rows instanceof Uint8Array))
      throw new MillraceError("BAD_OPTION", `Table ${this.table.name}: writeRaw() takes a Uint8Array or a text.`);
    this.#rawBacklog.add(rows);
    this.#gauge();
    return !this.#isPressed;
  }

  /**
   * Settles when there is room to write again: at once, when the event loop has turned, or when batches have been taken.
   * Rejects when the sink fails.
   */
  get ready(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    const reentry = this.#reentry("ready");
    if (reentry) return Promise.reject(reentry);
    if (!this.#isPressed) return Promise.resolve();
    this.#room ??= deferred();
    return this.#room.promise;
  }

  /** Writes all records, waiting where it must; returns how many calls of `write()` that were. */
  async writeAll(records: Iterable<R> | AsyncIterable<R>): Promise<number> {
    checkIterable("writeAll()", "records", records);
    let count = 0;
    if (Symbol.iterator in records) {
      // `for await` would take a promise per record.
      for (const record of records) {
        count++;
        if (!this.write(record)) await this.ready;
      }
      return count;
    }
    for await (const record of records) {
      count++;
      if (!this.write(record)) await this.ready;
    }
    return count;
  }

  /**
   * Tells the sink of something that its source could not read as a record: counted and sent to the dead letter. Returns
   * false when the caller should wait for {@link ready}.
   *
   * @throws MillraceError RECORD_REFUSED where there is no dead letter; BACK_PRESSURE as `write()`.
   */
  reject(refusal: Refusal): boolean {
    this.#refuseReentry("reject()");
    this.#mustTake("reject()", "refusal");
    checkObject("reject()", "refusal", refusal, "{ place, reason, original }");
    this.#refuse(
      "source",
      new MillraceError("RECORD_REFUSED", `Table ${this.table.name}: ${refusal.place}: ${refusal.reason}`, {
        context: { table: this.table.name, place: refusal.place, reason: refusal.reason },
        cause: refusal.cause,
      }),
      refusal.original,
      refusal.place,
      refusal.source,
    );
    if (--this.#untilLook <= 0) this.#look();
    return !this.#isPressed;
  }

  /** Seals what is open and resolves when every batch so far has been taken (or landed, with `pollForIngestionStatus`). */
  async flush(): Promise<void> {
    this.#mustBeOpen("flush()");
    await this.#flush();
  }

  /** With a state: what earlier checkpoints say, this process's or another's. A source reads on from its positions. */
  get restored(): Restored | undefined {
    const head = this.#parts.epochs?.head;
    // A copy: what the caller does with it must not change what the next checkpoint stores.
    return head && { epoch: head.epoch, positions: structuredClone(head.positions) };
  }

  /**
   * Ends an epoch.
   * - at least once: resolves when every record accepted before has been taken by the destination, so that the source may
   *   be acknowledged.
   * - with a state (exactly once, or at least once from the log): resolves when the records and the positions are on the
   *   disk, which is when the source may be acknowledged; they are committed in the background. See {@link committed}.
   * - none: seals and resolves at once.
   *
   * @throws MillraceError BAD_OPTION for a position that JSON cannot hold, naming the partition, the path and the value, or for an
   *   unknown option. No checkpoint is made and the sink goes on: call it again with sound positions.
   */
  async checkpoint(options: CheckpointOptions = {}): Promise<Checkpoint> {
    this.#mustBeOpen("checkpoint()");
    const changes = this.#copyPositions(options);
    this.#mustBeOpen("checkpoint()"); // a getter of the positions may have closed it
    return this.#checkpoint(changes);
  }

  /** As of now: the caller may go on with its object while the checkpoint waits. */
  #copyPositions(options: CheckpointOptions): PositionChanges {
    refuseUnknownOptions("checkpoint()", options, ["positions", "dropped"]);
    const { positions, dropped } = options;
    if (positions === undefined && dropped === undefined) return {};
    const { epochs } = this.#parts;
    if (epochs) this.#positionSizes ??= sizesOf(epochs.head.positions);
    const sizes = this.#positionSizes;
    const kept = positions === undefined ? {} : copyPositions("checkpoint()", positions, sizes);
    const gone = dropped === undefined ? {} : copyDropped("checkpoint()", dropped, kept);
    if (sizes) dropSizes(sizes, Object.keys(gone));
    return { ...kept, ...gone };
  }

  /** Resolves when every checkpoint so far is committed into the table; at once where there is no state. */
  async committed(): Promise<void> {
    this.#refuseReentry("committed()");
    return this.#committed();
  }

  async #committed(): Promise<void> {
    if (this.#failure) throw this.#failure;
    try {
      await this.#parts.epochs?.settled();
    } catch (error) {
      throw this.#failure ?? error;
    }
  }

  /**
   * Says that a source will read again whatever lies behind the newest checkpoint: neither `close()` nor `checkpointMs`
   * then makes a checkpoint of its own, which would commit records without their positions. `run()` says it; so does a
   * checkpoint with positions, and a state that holds some.
   */
  keepToCheckpoints(): void {
    if (this.#parts.epochs) this.#isPositional = true;
  }

  #checkpoint(reached: PositionChanges): Promise<Checkpoint> {
    const started = performance.now();
    if (Object.keys(reached).length > 0) this.#isPositional = true;
    const written = this.#written - this.#acceptedAtCheckpoint.written;
    this.#acceptedAtCheckpoint.written = this.#written;
    const ended = this.#endEpoch();
    // The barrier is behind what was written until now, whatever the checkpoint before is still waiting for.
    const checkpoint = this.#lastCheckpoint.then(async () => {
      const rawTaken = await ended;
      const records = written + rawTaken - this.#acceptedAtCheckpoint.raw;
      this.#acceptedAtCheckpoint.raw = rawTaken;
      const epoch = await this.#decide(reached, records);
      publish("millrace:checkpoint", {
        sink: this.#parts.id,
        table: this.table.name,
        epoch,
        records,
        durationMs: performance.now() - started,
      });
      return { epoch, records };
    });
    ended.catch(() => {}); // told by the checkpoint
    this.#lastCheckpoint = checkpoint.catch(() => {});
    return checkpoint;
  }

  /** Seals what belongs to the epoch, and waits for as much of it as the guarantee asks. Returns the raw rows taken so far. */
  async #endEpoch(): Promise<number> {
    if (this.#parts.epochs) return this.#flush(() => this.#batcher.sealBarrier());
    return this.#parts.options.deliveryGuarantee === "none" ? this.#seal() : this.#flush();
  }

  async #decide(positions: PositionChanges, records: number): Promise<number> {
    const { epochs } = this.#parts;
    // A checkpoint before may have failed meanwhile: what it did not decide on must not pass for decided by this one.
    if (this.#failure) throw this.#failure;
    if (!epochs) return ++this.#counters.checkpoints;
    try {
      const { epoch } = await epochs.prepare(positions, records);
      this.#logged += records;
      this.#counters.checkpoints++;
      return epoch;
    } catch (error) {
      this.#fail(asFailure(error));
      throw this.#failure;
    }
  }

  #armCheckpoint(): void {
    const { checkpointMs } = this.#parts.options;
    if (checkpointMs === 0) return;
    const { accepted } = this.#counters;
    this.#timer = setTimeout(async () => {
      if (this.#failure || this.#closing) return;
      const hasNews = this.#counters.accepted > accepted || !this.#rawBacklog.isEmpty;
      // What a source will read again is its reader's to decide on: it alone knows the positions.
      if (hasNews && !this.#isPositional) await this.#checkpoint({}).catch(() => {}); // the failure is the sink's, and told at the next call
      this.#armCheckpoint();
    }, checkpointMs);
    this.#timer.unref();
  }

  /**
   * Flushes, waits for every batch, and releases threads and connections. Can be called again.
   *
   * @throws MillraceError what made the sink fail. REENTRANT_CALL from a getter of a record or from the dead letter: the sink stays
   *   open.
   */
  close(): Promise<void> {
    const reentry = this.#reentry("close()");
    if (reentry) return Promise.reject(reentry);
    if (!this.#closing) {
      this.#closing = this.#close();
      this.#gauge();
    }
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Gives up: what has not been taken yet is not waited for. Resolves when everything is released; called by the dead letter,
   * which that waits for, at once.
   */
  abort(reason?: unknown): Promise<void> {
    if (!this.#released)
      this.#fail(new MillraceError("ABORTED", `The sink of table ${this.table.name} was aborted.`, { cause: reason }));
    else this.#hurry();
    const released = this.#release();
    return this.#letterScope.current ? Promise.resolve() : released;
  }

  /** A WHATWG stream over this sink, with its back-pressure; closing it closes the sink. */
  writable(options?: StreamOptions): WritableStream<R> {
    return webWritable(this, options);
  }

  /** A Node `Writable` in object mode for `pipeline()`; ending it closes the sink. */
  nodeWritable(options?: StreamOptions): Writable {
    return nodeWritable(this, options);
  }

  async #close(): Promise<void> {
    try {
      if (!this.#failure) await this.#finish();
    } finally {
      await this.#release();
    }
    if (this.#failure) throw this.#failure;
  }

  /** What `close()` does before it releases everything. */
  async #finish(): Promise<void> {
    const { epochs } = this.#parts;
    if (!epochs) {
      await this.#flush();
      return;
    }
    await this.#lastCheckpoint;
    if (!this.#isPositional) await this.#checkpoint({});
    if (!this.#failure) await this.#committed();
  }

  async #flush(seal?: () => Promise<number>): Promise<number> {
    const rawTaken = await this.#seal(seal);
    // Deliveries and letters never reject: what went wrong is in #failure. A dead letter may never answer.
    await Promise.race([Promise.all([...this.#inFlight, ...this.#letters]), this.#failed]);
    if (this.#failure) throw this.#failure;
    return rawTaken;
  }

  /** Returns the raw rows taken since the beginning. */
  async #seal(seal = () => this.#batcher.seal("flush")): Promise<number> {
    try {
      this.#rawBacklog.drain();
      const rawTaken = await seal();
      if (!this.#failure) return rawTaken;
    } catch (error) {
      throw this.#failure ?? error;
    }
    throw this.#failure;
  }

  #release(): Promise<void> {
    this.#released ??= (async () => {
      const { deliverer, epochs, controller } = this.#parts;
      clearTimeout(this.#timer);
      await Promise.all(this.#inFlight);
      await Promise.allSettled([this.#batcher.close(), deliverer?.close(), epochs?.close(), this.#closeDeadLetter()]);
      controller.abort();
      this.#unwatch();
      this.#parts.onReleased?.();
    })();
    return this.#released;
  }

  /** A sink that gives up does not wait long for a dead letter that may never answer. */
  async #closeDeadLetter(): Promise<void> {
    const { deadLetter } = this.#parts.options;
    if (!deadLetter) return;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<MillraceError>((resolve) => {
      this.#hurry = () => {
        timer ??= setTimeout(() => resolve(deadLetterSilent()), deadLetterPatienceMs);
      };
    });
    if (this.#failure) this.#hurry();
    const closed = (async () => {
      await Promise.all(this.#letters);
      await this.#letterScope.run("close()", () => deadLetter.close());
    })();
    try {
      const silent = await Promise.race([closed, patience]);
      if (silent) throw silent;
    } catch (error) {
      this.#fail(deadLetterFailed(error));
    } finally {
      clearTimeout(timer);
      this.#hurry = () => {};
    }
  }

  #mustBeOpen(call: string): void {
    this.#refuseReentry(call);
    if (this.#failure) throw this.#failure;
    if (this.#closing) throw new MillraceError("CLOSED", `The sink of table ${this.table.name} is closed.`);
  }

  /** A call by code that the sink is in the midst of, or waits for, would wait for itself or lose what is under way. */
  #reentry(call: string): MillraceError | undefined {
    const { name } = this.table;
    const letterCall = this.#letterScope.current;
    const context = { table: name, call };
    if (letterCall)
      return new MillraceError(
        "REENTRANT_CALL",
        `Table ${name}: ${call} was called by the ${letterCall} of the dead letter, which the sink waits for. Call it when that has settled, or from elsewhere.`,
        { context },
      );
    if (this.#batcher.isPacking)
      return new MillraceError(
        "REENTRANT_CALL",
        `Table ${name}: ${call} was called by a getter, toJSON() or place of the record that write() is reading. Call it when that write() has returned.`,
        { context },
      );
    return undefined;
  }

  #refuseReentry(call: string): void {
    const reentry = this.#reentry(call);
    if (reentry) throw reentry;
  }

  #mustTake(call: string, what: string): void {
    if (!this.#isBarred) return;
    this.#mustBeOpen(call);
    if (!this.#isOverfull) return;
    throw new MillraceError(
      "BACK_PRESSURE",
      `Table ${this.table.name}: ${this.#letters.size} dead letters, ${this.#inFlight.size} batches and ${this.#batcher.outstanding} chunks are waiting; this ${what} was not taken. When write() returns false, await sink.ready before the next.`,
    );
  }

  /** Looks at the bounds anew: after whatever fills or empties them. */
  #gauge(): void {
    const batches = this.#inFlight.size;
    const chunks = this.#batcher.outstanding;
    const letters = this.#letters.size;
    this.#isFull =
      batches >= this.#parts.options.maxBatchesInFlight ||
      chunks >= this.#maxChunks ||
      letters >= lettersInFlight.soft ||
      this.#parts.epochs?.isPressed === true ||
      this.#loop.isSpent;
    this.#isPressed = this.#isFull || !this.#rawBacklog.isEmpty;
    this.#isOverfull = batches >= this.#hardBatches || chunks >= this.#hardChunks || letters >= lettersInFlight.hard;
    this.#isBarred =
      this.#isOverfull || this.#failure !== undefined || this.#closing !== undefined || this.#letterScope.isOpen;
  }

  /** Sees to the event loop: for some records, and for all that takes its time. */
  #look(): void {
    this.#untilLook = this.#loop.look();
    this.#gauge();
  }

  #offerRoom(): void {
    this.#gauge();
    if (!this.#rawBacklog.isEmpty) {
      this.#rawBacklog.goOn();
      this.#gauge();
    }
    if (!this.#room || this.#isPressed) return;
    this.#room.resolve();
    this.#room = undefined;
  }

  #fail(error: MillraceError): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#onFailed();
    publish("millrace:sink:failed", {
      sink: this.#parts.id,
      table: this.table.name,
      code: error.code,
      message: error.message,
    });
    this.#isBarred = true;
    this.#hurry();
    this.#rawBacklog.drop();
    this.#parts.controller.abort(error);
    this.#room?.reject(error);
    this.#room = undefined;
  }

  #refuse(
    code: RejectionReason,
    error: MillraceError,
    record: unknown,
    from: Place | undefined,
    source: OriginalFormat | undefined,
  ): void {
    this.#counters.rejected++;
    // The packer has asked a function already.
    const { place: told } = error.context;
    const place = typeof told === "string" || typeof from === "function" ? (told as string | undefined) : from;
    const reason = String(error.context.reason ?? error.message);
    const number = typeof error.context.record === "number" ? error.context.record : -1;
    const { deadLetter } = this.#parts.options;
    publish("millrace:record:rejected", {
      sink: this.#parts.id,
      table: this.table.name,
      code,
      isKept: deadLetter !== undefined,
      record: number,
      place,
      reason,
    });
    if (!deadLetter) throw error;
    const letter: Letter = {
      table: this.table.name,
      record: number,
      place,
      reason: error.message,
      original: record,
      ...(source && { source }),
    };
    this.#isBarred = true; // the dead letter may call write() at once
    this.#track(
      this.#letters,
      this.#letterScope.run("write()", () => deadLetter.write(letter)),
      (error) => this.#fail(deadLetterFailed(error)),
    );
  }

  #refuseRaw(row: number, slab: ArrayBuffer, refused: RefusedRow): void {
    if (this.#failure) return;
    const { clientBatchSizeLimit, format } = this.#parts.options;
    const error = rawRowRefused(this.table, clientBatchSizeLimit, row, slab, refused);
    try {
      const source = { ...this.#rowFormat(format), ...(refused.reason === rawReasons.notUtf8 && notUtf8) };
      this.#refuse("raw", error, rawRowText(slab, refused), `raw row ${row}`, source);
    } catch {
      // No dead letter, and no call that it could be thrown at.
      this.#fail(error);
    }
  }

  #deliver(batch: SealedBatch, barriers: number): void {
    const counters = this.#counters;
    const epoch = this.#parts.epochs && this.#firstEpoch + 1 + barriers;
    const event = batchEvent(this.#parts.id, batch, epoch);
    counters.batches++;
    counters.rawBytes += batch.rawBytes;
    counters.packedBytes += batch.packedBytes;
    const ageMs = batch.openedAt === undefined ? 0 : Math.max(0, Date.now() - batch.openedAt);
    publish("millrace:batch:sealed", { ...event, sealedBy: batch.sealedBy, ageMs });
    this.#track(this.#inFlight, this.#send(batch, event), (error) => {
      const failure = asFailure(error);
      if (failure.code === "ABORTED") return this.#fail(failure);
      if (this.#parts.options.deliveryGuarantee !== "none") {
        const { code, message } = failure;
        publish("millrace:batch:failed", { ...event, step: stepOf(failure), code, message });
        return this.#fail(failure);
      }
      counters.lost += batch.rows;
      publish("millrace:batch:lost", { ...event, code: failure.code, message: failure.message });
    });
  }

  /** Into the log, or to the destination. */
  async #send(batch: SealedBatch, event: BatchEvent): Promise<void> {
    const { epochs, deliverer } = this.#parts;
    if (epochs) {
      const started = performance.now();
      await epochs.add(event.epoch!, batch);
      publish("millrace:batch:logged", { ...event, durationMs: performance.now() - started });
      this.#batcher.recycle(batch);
      return;
    }
    const { attempts } = await deliverer!.deliver(batch);
    this.#counters.delivered += batch.rows;
    // After a retry an attempt that was given up may still be sending from them.
    if (this.#parts.canRecycle && attempts <= cleanAttempts) this.#batcher.recycle(batch);
  }

  /** A row that was accepted, and that the service then refused. */
  #refuseLanded(text: string, format: RowFormat, place: string, reason: string): void {
    this.#refuse(
      "service",
      new MillraceError("RECORD_REFUSED", `Table ${this.table.name}: ${place}: the service refused it: ${reason}`, {
        context: { table: this.table.name, reason },
      }),
      text,
      place,
      this.#rowFormat(format),
    );
  }

  /** How a row of a batch is to be read again. */
  #rowFormat(format: RowFormat): OriginalFormat {
    return format === "csv" ? { format, header: this.table.list.map(({ name }) => name) } : { format };
  }

  /** What the process's end would lose, or have its source read again. */
  #undelivered(): Undelivered | undefined {
    const failure = this.#failure;
    // Whoever aborts knows.
    if (failure?.code === "ABORTED") return undefined;
    const { accepted, delivered, lost } = this.#counters;
    const { epochs } = this.#parts;
    const records = epochs ? accepted - this.#logged : accepted - delivered - lost;
    const owed = [
      ...(records > 0 ? [counted(records, "record")] : []),
      ...(this.#batcher.hasUncountedRows || !this.#rawBacklog.isEmpty ? ["uncounted rows of writeRaw()"] : []),
      ...(this.#letters.size > 0 ? [counted(this.#letters.size, "dead letter")] : []),
    ];
    if (owed.length === 0) return undefined;
    const fate = epochs ? "neither delivered nor in the log of the state" : "not delivered";
    const why = failure
      ? `the sink had failed with ${failure.code}: ${failure.message}`
      : this.#closing
        ? "close() had not resolved yet. Await it before the end."
        : "close() was not called. Await sink.close() before the end.";
    const again = this.#isPositional
      ? " A source that reads on from the positions of the newest checkpoint gives them again."
      : "";
    return {
      records,
      message: `Table ${this.table.name}: the process ends with ${owed.join(" and ")} ${fate}: ${why}${again}`,
    };
  }

  /** Keeps a promise in its set until it settles; its failure goes to `onError`, so the kept promise never rejects. */
  #track(set: Set<Promise<void>>, work: Promise<unknown>, onError: (error: unknown) => void): void {
    const kept = work
      .then(() => {}, onError)
      .finally(() => {
        set.delete(kept);
        this.#offerRoom();
      });
    set.add(kept);
    this.#gauge();
  }
}

/** Where a batch's delivery broke; the log where it was to be written. */
function stepOf(failure: MillraceError): BatchStep {
  return failure instanceof DeliveryError ? failure.stage : "log";
}

const notUtf8 = { isUtf8: false } as const;

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}

function asFailure(error: unknown): MillraceError {
  return error instanceof MillraceError ? error : new MillraceError("INTERNAL", reasonOf(error), { cause: error });
}

/** Its own code, whatever it was that the dead letter threw: the error of another sink, or of a call that this one refused. */
function deadLetterFailed(error: unknown): MillraceError {
  if (isCode(error, "DEAD_LETTER_FAILED")) return error;
  return new MillraceError("DEAD_LETTER_FAILED", `The dead letter failed: ${reasonOf(error)}`, { cause: error });
}

function deadLetterSilent(): MillraceError {
  return new MillraceError(
    "DEAD_LETTER_FAILED",
    `The dead letter did not close within ${deadLetterPatienceMs / 1000} s of the sink being given up.`,
  );
}

/** `Promise.withResolvers`, which Node 20 does not have. */
function deferred(): { promise: Promise<void>; resolve(): void; reject(error: unknown): void } {
  let resolve!: () => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => {}); // a waiter that has left must not turn the failure into an unhandled rejection
  return { promise, resolve, reject };
}
