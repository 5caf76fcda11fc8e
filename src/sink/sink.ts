import type { Writable } from "node:stream";
import type { WritableStream } from "node:stream/web";
import { checkObject } from "../arguments.ts";
import type { Batcher, BatcherHooks, Place } from "../batch/batcher.ts";
import type { LoopTurns } from "../batch/loop-budget.ts";
import { MillraceError } from "../errors.ts";
import { publish } from "../events.ts";
import type { ResolvedOptions } from "../options.ts";
import type { Table } from "../schema/table.ts";
import { checkIterable } from "../source/iterable.ts";
import type { Origin, Refusal } from "../source/source.ts";
import { nodeWritable, type StreamOptions, webWritable } from "../streams.ts";
import { asFailure } from "./as-failure.ts";
import { type BackPressure, backPressure } from "./back-pressure.ts";
import {
  type Checkpoint,
  type CheckpointOptions,
  type Checkpoints,
  checkpoints,
  type Restored,
} from "./checkpoints.ts";
import { type Deliveries, type DeliveryRoute, deliveries } from "./deliveries.ts";
import { watchProcessEnd } from "./process-end.ts";
import type { RecordSink } from "./record-sink.ts";
import { type Refusals, refusals } from "./refusals.ts";
import { newCounters, type SinkCounters, type SinkStats } from "./stats.ts";
import { undelivered } from "./undelivered.ts";

/** What `open()` gives the sink to work with; the sink closes all of it. */
export interface SinkParts<R> extends DeliveryRoute {
  readonly id: string;
  readonly table: Table;
  readonly options: ResolvedOptions;
  /** Fires when the sink is aborted; everything it waits for listens to it. */
  readonly controller: AbortController;
  startBatcher(hooks: BatcherHooks): Batcher<R>;
  /** Of this thread, whose sinks share it. */
  readonly turns: LoopTurns;
  /** Counts retries; `open()` hands it to the deliverer's hooks. */
  readonly retries: { count: number };
  /** Why the destination could not be closed: what it had taken may not have arrived. */
  readonly ending: { failure?: unknown };
  /** Everything of the sink has ended. */
  onReleased?(): void;
}

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
  readonly #refusals: Refusals;
  readonly #deliveries: Deliveries;
  readonly #pressure: BackPressure;
  readonly #checkpoints: Checkpoints;
  readonly #counters: SinkCounters = newCounters();
  #onFailed!: () => void;
  /** Resolves when the sink has failed. */
  readonly #failed = new Promise<void>((resolve) => {
    this.#onFailed = resolve;
  });
  #failure: MillraceError | undefined;
  #closing: Promise<void> | undefined;
  #released: Promise<void> | undefined;
  /** The end of the process needs no warning any more. */
  readonly #unwatch: () => void;
  // What `write()` touches stands here, and not behind another object.
  /** Of the accepted, those of `write()`, whose number is known at once. */
  #written = 0;
  /** `write()` should return false. Kept, not computed: to count chunks for every record cost a third of the call. */
  #isPressed = false;
  /** The bounds are broken: nothing must be taken. */
  #isOverfull = false;
  /** `write()` must look closer: it is too full, failed, closes, or may be called by the dead letter. */
  #isBarred = false;
  /** Records to take until the clock is looked at again. */
  #untilLook = 1;

  constructor(parts: SinkParts<R>) {
    this.#parts = parts;
    const { id, table, options, epochs } = parts;
    const onAdded = () => this.#pressure.measure();
    const onSettled = () => this.#pressure.offerRoom();
    const fail = (error: MillraceError) => this.#fail(error);
    this.#refusals = refusals(id, table, options, this.#counters, {
      hasFailed: () => this.#failure !== undefined,
      fail,
      onLetter: () => {
        this.#isBarred = true;
      },
      onAdded,
      onSettled,
    });
    this.#deliveries = deliveries(id, options, parts, this.#counters, {
      recycle: (batch) => this.#batcher.recycle(batch),
      fail,
      onAdded,
      onSettled,
    });
    this.#pressure = backPressure(options, parts.turns, {
      batches: () => this.#deliveries.inFlight,
      chunks: () => this.#batcher.outstanding,
      letters: () => this.#refusals.waiting,
      isLogFull: () => epochs?.isPressed === true,
      hasFailed: () => this.#failure !== undefined,
      writeRaw: (piece) => {
        this.#batcher.writeRaw(piece);
        this.#look();
      },
      onMeasured: (isPressed, isOverfull) => {
        this.#isPressed = isPressed;
        this.#isOverfull = isOverfull;
        this.#isBarred =
          isOverfull || this.#failure !== undefined || this.#closing !== undefined || this.#refusals.isCalling;
      },
    });
    this.#checkpoints = checkpoints({ sink: id, table: table.name }, epochs, this.#counters, {
      written: () => this.#written,
      hasRawRows: () => !this.#pressure.backlog.isEmpty,
      endEpoch: () => this.#endEpoch(),
      failure: () => this.#failure,
      failWith: (error) => {
        this.#fail(asFailure(error));
        return this.#failure!;
      },
      isClosing: () => this.#closing !== undefined,
    });
    this.#batcher = parts.startBatcher({
      onSealed: (batch, barriers) => this.#deliveries.deliver(batch, barriers),
      onHandedOver: () => this.#look(),
      onRoom: () => this.#pressure.offerRoom(),
      onRawTaken: (rows) => {
        this.#counters.accepted += rows;
      },
      onRawRefused: (row, rawChunk, refused) => this.#refusals.refuseRaw(row, rawChunk, refused),
      onRestarted: (restart) => {
        this.#counters.restarts++;
        publish("millrace:subtask:restarted", { sink: id, table: table.name, ...restart });
      },
      onFailed: fail,
    });
    epochs?.start({
      onCommitted: (rows) => {
        this.#counters.delivered += rows;
      },
      onRowRefused: (text, format, place, reason) => this.#refusals.refuseLanded(text, format, place, reason),
      lettersWritten: () => this.#refusals.settled().then(() => {}),
      onRoom: () => this.#pressure.offerRoom(),
      onRetry: () => parts.retries.count++,
      onFailed: (error) => this.#fail(asFailure(error)),
    });
    this.#checkpoints.start(options.checkpointMs);
    this.#unwatch = watchProcessEnd({ table: table.name, undelivered: () => this.#undelivered() });
  }

  get table(): Table {
    return this.#parts.table;
  }

  get stats(): SinkStats {
    return { ...this.#counters, batchesInFlight: this.#deliveries.inFlight, retries: this.#parts.retries.count };
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
    if (this.#isPressed) this.#pressure.backlog.drain();
    try {
      this.#batcher.write(record, place);
      this.#counters.accepted++;
      this.#written++;
    } catch (error) {
      if (!(error instanceof MillraceError && error.code === "RECORD_REFUSED")) throw error;
      const { original, source } = origin?.() ?? { original: record };
      this.#refusals.refuse("value", error, original, place, source);
    }
    if (--this.#untilLook <= 0) this.#look();
    return !this.#isPressed || this.#pressure.pressed();
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
    this.#pressure.backlog.add(rows);
    this.#pressure.measure();
    return !this.#isPressed || this.#pressure.pressed();
  }

  /**
   * Settles when there is room to write again: at once, when the event loop has turned, or when batches have been taken.
   * Rejects when the sink fails.
   */
  get ready(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    const reentry = this.#reentry("ready");
    if (reentry) return Promise.reject(reentry);
    return this.#pressure.ready();
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
    this.#refusals.refuse(
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
    return !this.#isPressed || this.#pressure.pressed();
  }

  /** Seals what is open and resolves when every batch so far has been taken (or landed, with `pollForIngestionStatus`). */
  async flush(): Promise<void> {
    this.#mustBeOpen("flush()");
    await this.#flush();
  }

  /** With a state: what earlier checkpoints say, this process's or another's. A source reads on from its positions. */
  get restored(): Restored | undefined {
    return this.#checkpoints.restored;
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
    const changes = this.#checkpoints.copyPositions(options);
    this.#mustBeOpen("checkpoint()"); // a getter of the positions may have closed it
    return this.#checkpoints.checkpoint(changes);
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
    this.#checkpoints.keepToCheckpoints();
  }

  /** Seals what belongs to the epoch, and waits for as much of it as the guarantee asks. Returns the raw rows taken so far. */
  async #endEpoch(): Promise<number> {
    if (this.#parts.epochs) return this.#flush(() => this.#batcher.sealBarrier());
    return this.#parts.options.deliveryGuarantee === "none" ? this.#seal() : this.#flush();
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
      this.#pressure.measure();
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
    else this.#refusals.hurry();
    const released = this.#release();
    return this.#refusals.currentCall ? Promise.resolve() : released;
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
    if (!this.#parts.epochs) {
      await this.#flush();
      return;
    }
    await this.#checkpoints.decided();
    if (!this.#checkpoints.isPositional) await this.#checkpoints.checkpoint({});
    if (!this.#failure) await this.#committed();
  }

  async #flush(seal?: () => Promise<number>): Promise<number> {
    const rawTaken = await this.#seal(seal);
    // Deliveries and letters never reject: what went wrong is in #failure. A dead letter may never answer.
    await Promise.race([Promise.all([this.#deliveries.settled(), this.#refusals.settled()]), this.#failed]);
    if (this.#failure) throw this.#failure;
    return rawTaken;
  }

  /** Returns the raw rows taken since the beginning. */
  async #seal(seal = () => this.#batcher.seal("flush")): Promise<number> {
    try {
      this.#pressure.backlog.drain();
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
      this.#checkpoints.stop();
      await this.#deliveries.settled();
      await Promise.allSettled([this.#batcher.close(), deliverer?.close(), epochs?.close(), this.#refusals.close()]);
      if (this.#parts.ending.failure !== undefined) this.#fail(asFailure(this.#parts.ending.failure));
      controller.abort();
      this.#unwatch();
      this.#parts.onReleased?.();
    })();
    return this.#released;
  }

  #mustBeOpen(call: string): void {
    this.#refuseReentry(call);
    if (this.#failure) throw this.#failure;
    if (this.#closing) throw new MillraceError("CLOSED", `The sink of table ${this.table.name} is closed.`);
  }

  /** A call by code that the sink is in the midst of, or waits for, would wait for itself or lose what is under way. */
  #reentry(call: string): MillraceError | undefined {
    const { name } = this.table;
    const letterCall = this.#refusals.currentCall;
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
    if (!this.#isOverfull || !this.#pressure.isUnheeded) return;
    throw new MillraceError(
      "BACK_PRESSURE",
      `Table ${this.table.name}: ${this.#refusals.waiting} dead letters, ${this.#deliveries.inFlight} batches and ${this.#batcher.outstanding} chunks are waiting; this ${what} was not taken. When write() returns false, await sink.ready before the next.`,
    );
  }

  /** Sees to the event loop: for some records, and for all that takes its time. */
  #look(): void {
    this.#untilLook = this.#pressure.look();
  }

  #fail(error: MillraceError): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#onFailed();
    const { code, message } = error;
    publish("millrace:sink:failed", { sink: this.#parts.id, table: this.table.name, code, message });
    this.#isBarred = true;
    this.#batcher?.stopTimer(); // absent where the sink fails while it is made
    this.#refusals.hurry();
    this.#pressure.backlog.drop();
    this.#parts.controller.abort(error);
    this.#pressure.fail(error);
  }

  /** What the process's end would lose, or have its source read again. */
  #undelivered() {
    const { accepted, delivered, lost } = this.#counters;
    const hasState = this.#parts.epochs !== undefined;
    const { logged, isPositional } = this.#checkpoints;
    return undelivered({
      table: this.table.name,
      records: hasState ? accepted - logged : accepted - delivered - lost,
      hasUncountedRows: this.#batcher.hasUncountedRows || !this.#pressure.backlog.isEmpty,
      letters: this.#refusals.waiting,
      failure: this.#failure,
      isClosing: this.#closing !== undefined,
      hasState,
      isPositional,
    });
  }
}
