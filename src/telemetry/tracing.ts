import type { EventHandlers } from "../events.ts";
import type { Attributes, Span, SpanContext, SpanTime, Tracer } from "./telemetry-options.ts";

/** What a sink's spans depend on. */
export interface TracedSink {
  readonly table: string;
  readonly database: string | undefined;
  /** What a batch's span ends with. */
  readonly batchesEndAt: "taken" | "landed" | "committed";
  /** Checkpoints are committed in the background. */
  readonly hasState: boolean;
}

export interface Tracing {
  readonly handlers: EventHandlers;
  /** Ends what is open. */
  close(): void;
}

/** A batch on its way. */
interface OpenBatch {
  readonly span: Span;
  readonly epoch: number | undefined;
  /** When its last step ended. */
  since: number;
}

interface EpochBatches {
  readonly links: { context: SpanContext }[];
  rows: number;
  count: number;
}

interface OpenEpoch extends EpochBatches {
  /** Those that are on their way. */
  readonly batches: Set<string>;
  /** From the checkpoint on. */
  span?: Span;
}

/** Batches that wait in a long log have no span each: beyond this number they are only counted in their epoch's. */
const mostBatches = 4_096;
/** What OpenTelemetry keeps of a span's links by default. */
const mostLinks = 128;
const errorStatus = 2;
/** Batches of sinks without a state, until the next checkpoint. */
const noEpoch = 0;
const noBatches: EpochBatches = { links: [], rows: 0, count: 0 };

/**
 * One span per batch, from sealed until its fate is known, with a child for each step; one per epoch, from the call of
 * `checkpoint()` until it is committed, with links to its batches. With exactly once batches share blobs: then a blob has
 * a span, with links to its batches, and the steps that it goes are its children. What failed bears its code in
 * `error.type`, and no message: a service may quote data in those. What it calls of the tracer may throw.
 */
export function startTracing(tracer: Tracer, sink: TracedSink): Tracing {
  const { table, database, batchesEndAt, hasState } = sink;
  const common: Attributes = {
    "millrace.table": table,
    ...(database !== undefined && { "millrace.database": database }),
  };
  const batches = new Map<string, OpenBatch>();
  const epochs = new Map<number, OpenEpoch>();
  /** Stored and not yet taken, by their source ids: no more than are uploaded at once. */
  const blobs = new Map<string, Span>();
  /** Committed before the checkpoint has been told of. */
  const early = new Set<number>();
  let failure: string | undefined;

  function epochOf(number: number): OpenEpoch {
    const known = epochs.get(number);
    if (known) return known;
    const made: OpenEpoch = { links: [], batches: new Set(), rows: 0, count: 0 };
    epochs.set(number, made);
    return made;
  }

  /** A step of a batch or a blob, once it is over. Returns when that is. */
  function step(parent: Span, name: string, from: number, attributes: Attributes, code?: string): number {
    const now = nowMs();
    const options = { startTime: at(from), attributes: { ...common, ...attributes } };
    const child = tracer.startSpan(`millrace ${name}`, options, contextWith(parent));
    if (code !== undefined) markFailed(child, code);
    child.end(at(now));
    return now;
  }

  function linksTo(ids: readonly string[]): { context: SpanContext }[] {
    const links: { context: SpanContext }[] = [];
    for (const id of ids) {
      const batch = batches.get(id);
      if (batch) links.push({ context: batch.span.spanContext() });
      if (links.length === mostLinks) break;
    }
    return links;
  }

  function endBatch(id: string, batch: OpenBatch, code?: string): void {
    batches.delete(id);
    if (batch.epoch !== undefined) epochs.get(batch.epoch)?.batches.delete(id);
    if (code !== undefined) markFailed(batch.span, code);
    batch.span.end(at(nowMs()));
  }

  function fail(id: string, name: string, code: string): void {
    const batch = batches.get(id);
    if (!batch) return;
    step(batch.span, name, batch.since, { "millrace.batch": id }, code);
    endBatch(id, batch, code);
  }

  function startEpoch(number: number, startTime: SpanTime, { links, rows, count }: EpochBatches): Span {
    const attributes = {
      ...common,
      "millrace.epoch": number,
      "millrace.rows": rows,
      "millrace.batches": count,
    };
    return tracer.startSpan("millrace epoch", { root: true, startTime, links, attributes });
  }

  return {
    handlers: {
      "millrace:batch:sealed"({ batch: id, epoch, rows, rawBytes, packedBytes, sealedBy }) {
        const known = epochOf(epoch ?? noEpoch);
        known.rows += rows;
        known.count++;
        if (batches.size >= mostBatches) return;
        const since = nowMs();
        const span = tracer.startSpan("millrace batch", {
          root: true,
          startTime: at(since),
          attributes: {
            ...common,
            "millrace.batch": id,
            "millrace.rows": rows,
            "millrace.bytes.raw": rawBytes,
            "millrace.bytes.packed": packedBytes,
            "millrace.sealed_by": sealedBy,
            ...(epoch !== undefined && { "millrace.epoch": epoch }),
          },
        });
        batches.set(id, { span, epoch, since });
        if (epoch !== undefined) known.batches.add(id);
        if (known.links.length < mostLinks) known.links.push({ context: span.spanContext() });
      },
      "millrace:batch:logged"({ batch: id, durationMs }) {
        const batch = batches.get(id);
        if (batch) batch.since = step(batch.span, "log", nowMs() - durationMs, { "millrace.batch": id });
      },
      "millrace:batch:staged"({ batch: id, durationMs }) {
        const batch = batches.get(id);
        if (!batch) return;
        const found = { "millrace.source_id": id };
        batch.since = step(batch.span, "stage", nowMs() - durationMs, { "millrace.batch": id, ...found });
        batch.span.setAttributes(found);
      },
      "millrace:batch:taken"({ batch: id, tag, durationMs }) {
        const batch = batches.get(id);
        if (!batch) return;
        const found = { "millrace.source_id": id, ...(tag !== undefined && { "millrace.extent_tag": tag }) };
        batch.since = step(batch.span, "submit", nowMs() - durationMs, { "millrace.batch": id, ...found });
        batch.span.setAttributes(found);
        if (batchesEndAt === "taken") endBatch(id, batch);
      },
      "millrace:batch:landed"({ batch: id, durationMs }) {
        const batch = batches.get(id);
        if (!batch) return;
        step(batch.span, "outcome", nowMs() - durationMs, { "millrace.batch": id, "millrace.source_id": id });
        endBatch(id, batch);
      },
      "millrace:blob:staged"({ epoch, source, tag, batches: held, rows, rawBytes, packedBytes, durationMs }) {
        const from = nowMs() - durationMs;
        const span = tracer.startSpan("millrace blob", {
          root: true,
          startTime: at(from),
          links: linksTo(held),
          attributes: {
            ...common,
            "millrace.epoch": epoch,
            "millrace.source_id": source,
            "millrace.extent_tag": tag,
            "millrace.batches": held.length,
            "millrace.rows": rows,
            "millrace.bytes.raw": rawBytes,
            "millrace.bytes.packed": packedBytes,
          },
        });
        blobs.set(source, span);
        step(span, "stage", from, { "millrace.source_id": source });
      },
      "millrace:blob:taken"({ source, tag, batches: held, durationMs }) {
        const span = blobs.get(source);
        if (!span) return;
        blobs.delete(source);
        const now = step(span, "submit", nowMs() - durationMs, { "millrace.source_id": source });
        span.end(at(now));
        for (const id of held) {
          const batch = batches.get(id);
          if (!batch) continue;
          batch.since = now;
          batch.span.setAttributes({ "millrace.source_id": source, "millrace.extent_tag": tag });
        }
      },
      "millrace:batch:lost"({ batch: id, code }) {
        fail(id, "delivery", code);
      },
      "millrace:batch:failed"({ batch: id, step: name, code }) {
        fail(id, name, code);
      },
      "millrace:retry"({ batch: id, epoch, stage, attempt, delayMs, code }) {
        const span = epoch === undefined ? batches.get(id)?.span : epochs.get(epoch)?.span;
        span?.addEvent("millrace retry", {
          "millrace.step": stage,
          "millrace.attempt": attempt,
          "millrace.delay_ms": delayMs,
          "error.type": code,
        });
      },
      "millrace:checkpoint"({ epoch: number, durationMs }) {
        const from = at(nowMs() - durationMs);
        const key = hasState ? number : noEpoch;
        const known = epochs.get(key);
        if (early.delete(number)) return;
        const span = startEpoch(number, from, known ?? noBatches);
        // Without a state it is done, and with one an epoch without batches has nothing to commit.
        if (hasState && known) known.span = span;
        else {
          epochs.delete(key);
          span.end(at(nowMs()));
        }
      },
      "millrace:epoch:attempt-abandoned"({ epoch, attempt }) {
        epochs.get(epoch)?.span?.addEvent("millrace attempt abandoned", { "millrace.attempt": attempt });
      },
      "millrace:epoch:committed"({ epoch: number, rows, batches: count, tag, durationMs }) {
        const known = epochs.get(number);
        if (known && !known.span) early.add(number);
        // An earlier process may have begun it.
        const { links } = known ?? noBatches;
        const span = known?.span ?? startEpoch(number, at(nowMs() - durationMs), { links, rows, count });
        span.setAttributes({ "millrace.rows": rows, ...(tag !== undefined && { "millrace.extent_tag": tag }) });
        for (const id of known?.batches ?? []) {
          const batch = batches.get(id);
          if (!batch) continue;
          step(batch.span, "outcome", batch.since, { "millrace.batch": id });
          endBatch(id, batch);
        }
        epochs.delete(number);
        span.end(at(nowMs()));
      },
      "millrace:sink:failed"({ code }) {
        failure ??= code;
      },
    },
    close() {
      const open = [...blobs.values()];
      for (const { span } of [...batches.values(), ...epochs.values()]) if (span) open.push(span);
      batches.clear();
      epochs.clear();
      blobs.clear();
      for (const span of open) {
        span.setAttributes({ "millrace.unfinished": true });
        if (failure !== undefined) markFailed(span, failure);
        span.end(at(nowMs()));
      }
    },
  };
}

function markFailed(span: Span, code: string): void {
  span.setAttributes({ "error.type": code });
  span.setStatus({ code: errorStatus, message: code });
}

/** Milliseconds since 1970, to a fraction. */
function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

function at(ms: number): SpanTime {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.min(999_999_999, Math.round((ms - seconds * 1_000) * 1e6))];
}

/**
 * OpenTelemetry takes a span's parent in a context, which only its API makes: an object that holds values by symbols.
 * The parent's is by the API's own word a `Symbol.for`, the same in every version and copy of it.
 */
const parentKey = Symbol.for("OpenTelemetry Context Key SPAN");

interface Context {
  getValue(key: symbol): unknown;
  setValue(key: symbol, value: unknown): Context;
  deleteValue(key: symbol): Context;
}

function contextWith(parent: Span): Context {
  return contextOf(new Map([[parentKey, parent as unknown]]));
}

function contextOf(values: ReadonlyMap<symbol, unknown>): Context {
  return {
    getValue: (key) => values.get(key),
    setValue: (key, value) => contextOf(new Map(values).set(key, value)),
    deleteValue(key) {
      const left = new Map(values);
      left.delete(key);
      return contextOf(left);
    },
  };
}
