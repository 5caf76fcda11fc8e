import type { BlobEvent, EventHandlers, StepEvent } from "../events.ts";
import type { Attributes, Counter, Histogram, Meter, ObservableGauge, ObservableResult } from "./telemetry-options.ts";

/** One instrument that a sink keeps on the meter it was given. */
export interface Metric {
  readonly kind: "counter" | "histogram" | "gauge";
  /** UCUM. */
  readonly unit: string;
  readonly description: string;
  /**
   * Beside `table` and `database`, which every one has. Their values come from lists in the code, so a series per table and
   * value is all there can be: no ids, no messages, no subtasks.
   */
  readonly attributes: readonly string[];
}

/**
 * Every metric of a sink by its name. Counters and histograms of several sinks of one table add up; of gauges the sum is
 * observed, of `millrace.commit.age` the greatest.
 */
export const metrics = {
  "millrace.records.accepted": counter("{record}", "Records written and not refused"),
  "millrace.records.delivered": counter("{record}", "Records taken by the destination; with a state, committed"),
  "millrace.records.rejected": counter("{record}", "Records refused, by who found it", ["code", "dead_letter"]),
  "millrace.records.lost": counter("{record}", 'Delivery "none": records of batches given up', ["code"]),
  "millrace.batches.sealed": counter("{batch}", "Batches filled, by what closed them", ["sealed_by"]),
  "millrace.batches.failed": counter("{batch}", "Batches given up for good", ["code", "step"]),
  "millrace.batches.in_flight": gauge("{batch}", "Batches sealed and not yet taken (with a state: not yet in the log)"),
  "millrace.bytes.raw": counter("By", "Bytes of sealed batches before packing"),
  "millrace.bytes.packed": counter("By", "Bytes of sealed batches as they are sent"),
  "millrace.blobs": counter("{blob}", "Blobs stored, those of repeated attempts included"),
  "millrace.batch.age": histogram("s", "Age of a batch's first record when the batch was sealed"),
  "millrace.batch.stage.duration": histogram("s", "Storing a blob, with its retries"),
  "millrace.batch.submit.duration": histogram("s", "Telling the service of a blob, with its retries"),
  "millrace.batch.taken.latency": histogram("s", "From a blob's first record until the service had its message"),
  "millrace.batch.landed.latency": histogram("s", "From a batch's first record until the service reported it loaded"),
  "millrace.retries": counter("{retry}", "Attempts made again, by the error of the one before", ["code"]),
  "millrace.throttled": counter("{retry}", "Attempts that the service put off"),
  "millrace.throttled.delay": counter("s", "Time waited because the service put attempts off"),
  "millrace.checkpoint.duration": histogram("s", "From the call of checkpoint() until it resolved"),
  "millrace.epoch.commit.duration": histogram("s", "From a checkpoint until its rows were committed"),
  "millrace.epochs.committed": counter("{epoch}", "Checkpoints committed into the table"),
  "millrace.epochs.pending": gauge("{epoch}", "Checkpoints not committed yet"),
  "millrace.epochs.abandoned": counter("{attempt}", "Attempts to commit a checkpoint that were given up for the next"),
  "millrace.commit.age": gauge("s", "Since the sink last committed a checkpoint (without a state: had a batch taken)"),
  "millrace.log.size": gauge("By", "Bytes of batches in the log on the disk"),
  "millrace.subtask.restarts": counter("{restart}", "Worker threads that died and were replaced"),
  "millrace.sinks.failed": counter("{sink}", "Sinks that failed for good or were aborted", ["code"]),
} as const satisfies Record<`millrace.${string}`, Metric>;

/** The name of a metric that a sink keeps: see docs/operations.md. */
export type MetricName = keyof typeof metrics;

function counter(unit: string, description: string, attributes: readonly string[] = []): Metric & { kind: "counter" } {
  return { kind: "counter", unit, description, attributes };
}

function gauge(unit: string, description: string): Metric & { kind: "gauge" } {
  return { kind: "gauge", unit, description, attributes: [] };
}

function histogram(unit: string, description: string): Metric & { kind: "histogram" } {
  return { kind: "histogram", unit, description, attributes: [] };
}

/** Seconds: from a message put into a queue to an epoch that waits for hours. The SDK's own bounds are made for milliseconds. */
const secondBounds = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_200, 3_600, 14_400,
];

/** Those of a sink's counters that its metrics follow. */
export interface MeteredStats {
  readonly accepted: number;
  readonly delivered: number;
  readonly rawBytes: number;
  readonly packedBytes: number;
  readonly batchesInFlight: number;
}

/** What a sink gives to be looked at. */
export interface MeteredSink {
  readonly id: string;
  readonly table: string;
  readonly database: string | undefined;
  stats(): MeteredStats | undefined;
  /** Absent where the sink has no state. */
  readonly epochs: { pending(): number; logBytes(): number } | undefined;
}

export interface Metering {
  readonly handlers: EventHandlers;
  /** Counts what is left to count, and is observed no more. */
  close(): void;
}

type NamesOf<K extends Metric["kind"]> = {
  [N in MetricName]: (typeof metrics)[N]["kind"] extends K ? N : never;
}[MetricName];

/** The instruments of one meter, shared by its sinks, and what its gauges look at. */
interface Instruments {
  readonly counters: Readonly<Record<NamesOf<"counter">, Counter>>;
  readonly histograms: Readonly<Record<NamesOf<"histogram">, Histogram>>;
  add(sink: Observed): void;
  remove(sink: Observed): void;
}

interface Observed {
  readonly attributes: Attributes;
  /** Called before a gauge is read: brings counters up to date. */
  settle(): void;
  look(gauge: NamesOf<"gauge">): number | undefined;
}

/** A meter keeps instruments for ever, and two callbacks of one gauge would overwrite each other's observations. */
const instrumentsOf = new WeakMap<Meter, Instruments>();

/** Counters that follow {@link MeteredStats}: the records' own calls pay nothing for them. */
const followed = {
  "millrace.records.accepted": "accepted",
  "millrace.records.delivered": "delivered",
  "millrace.bytes.raw": "rawBytes",
  "millrace.bytes.packed": "packedBytes",
} as const satisfies Partial<Record<MetricName, keyof MeteredStats>>;

const followedNames = Object.keys(followed) as (keyof typeof followed)[];

/** Fed by the sink's events, per batch and never per record. What it calls of the meter may throw. */
export function startMetering(meter: Meter, sink: MeteredSink): Metering {
  const { table, database, epochs } = sink;
  const instruments = instrumentsOf.get(meter) ?? makeInstruments(meter);
  instrumentsOf.set(meter, instruments);
  const { counters, histograms } = instruments;
  const attributes: Attributes = { table, ...(database !== undefined && { database }) };
  const counted: Record<keyof typeof followed, number> = {
    "millrace.records.accepted": 0,
    "millrace.records.delivered": 0,
    "millrace.bytes.raw": 0,
    "millrace.bytes.packed": 0,
  };
  let lastCommit = performance.now();

  function count(name: NamesOf<"counter">, value: number, more?: Attributes): void {
    counters[name].add(value, more ? { ...attributes, ...more } : attributes);
  }

  function time(name: NamesOf<"histogram">, ms: number | undefined): void {
    if (ms !== undefined) histograms[name].record(ms / 1_000, attributes);
  }

  function settle(): void {
    const stats = sink.stats();
    if (!stats) return;
    for (const name of followedNames) {
      const news = stats[followed[name]] - counted[name];
      counted[name] += news;
      if (news > 0) count(name, news);
    }
  }

  /** A batch that is a blob of its own, or a blob of several. */
  function staged({ durationMs }: StepEvent | BlobEvent): void {
    count("millrace.blobs", 1);
    time("millrace.batch.stage.duration", durationMs);
  }

  function taken({ durationMs, ageMs }: StepEvent | BlobEvent): void {
    time("millrace.batch.submit.duration", durationMs);
    time("millrace.batch.taken.latency", ageMs);
    if (!epochs) lastCommit = performance.now();
    settle();
  }

  const observed: Observed = {
    attributes,
    settle,
    look(gauge) {
      if (gauge === "millrace.batches.in_flight") return sink.stats()?.batchesInFlight;
      if (gauge === "millrace.commit.age") return (performance.now() - lastCommit) / 1_000;
      return gauge === "millrace.epochs.pending" ? epochs?.pending() : epochs?.logBytes();
    },
  };
  instruments.add(observed);

  return {
    handlers: {
      "millrace:batch:sealed"({ sealedBy, ageMs }) {
        count("millrace.batches.sealed", 1, { sealed_by: sealedBy });
        time("millrace.batch.age", ageMs);
        settle();
      },
      "millrace:batch:staged": staged,
      "millrace:batch:taken": taken,
      "millrace:blob:staged": staged,
      "millrace:blob:taken": taken,
      "millrace:batch:landed"({ ageMs }) {
        time("millrace.batch.landed.latency", ageMs);
        settle();
      },
      "millrace:batch:lost"({ rows, code }) {
        count("millrace.records.lost", rows, { code });
      },
      "millrace:batch:failed"({ code, step }) {
        count("millrace.batches.failed", 1, { code, step });
      },
      "millrace:retry"({ code, delayMs }) {
        count("millrace.retries", 1, { code });
        if (code !== "THROTTLED") return;
        count("millrace.throttled", 1);
        count("millrace.throttled.delay", delayMs / 1_000);
      },
      "millrace:record:rejected"({ code, isKept }) {
        count("millrace.records.rejected", 1, { code, dead_letter: isKept });
      },
      "millrace:checkpoint"({ durationMs }) {
        time("millrace.checkpoint.duration", durationMs);
        settle();
      },
      "millrace:epoch:committed"({ durationMs }) {
        count("millrace.epochs.committed", 1);
        time("millrace.epoch.commit.duration", durationMs);
        lastCommit = performance.now();
        settle();
      },
      "millrace:epoch:attempt-abandoned"() {
        count("millrace.epochs.abandoned", 1);
      },
      "millrace:subtask:restarted"() {
        count("millrace.subtask.restarts", 1);
      },
      "millrace:sink:failed"({ code }) {
        count("millrace.sinks.failed", 1, { code });
      },
    },
    close() {
      settle();
      instruments.remove(observed);
    },
  };
}

function makeInstruments(meter: Meter): Instruments {
  const counters: Record<string, Counter> = {};
  const histograms: Record<string, Histogram> = {};
  const gauges: Gauge[] = [];
  for (const [name, { kind, unit, description }] of Object.entries(metrics)) {
    if (kind === "counter") counters[name] = meter.createCounter(name, { unit, description });
    else if (kind === "gauge")
      gauges.push(gaugeOf(name as NamesOf<"gauge">, meter.createObservableGauge(name, { unit, description })));
    else {
      const advice = { explicitBucketBoundaries: secondBounds };
      histograms[name] = meter.createHistogram(name, { unit, description, advice });
    }
  }
  return {
    counters: counters as Instruments["counters"],
    histograms: histograms as Instruments["histograms"],
    add(sink) {
      for (const gauge of gauges) gauge.add(sink);
    },
    remove(sink) {
      for (const gauge of gauges) gauge.remove(sink);
    },
  };
}

interface Gauge {
  add(sink: Observed): void;
  remove(sink: Observed): void;
}

/**
 * One observation for all sinks of a table: a second one would take the first one's place. An SDK may go on to report the
 * last observation for ever, so a table whose last sink has closed is observed once more, as 0; the callback goes with that.
 */
function gaugeOf(name: NamesOf<"gauge">, instrument: ObservableGauge): Gauge {
  const sinks = new Set<Observed>();
  const ended = new Map<string, Attributes>();
  let isAttached = false;

  function observe(result: ObservableResult): void {
    const values = new Map<string, { attributes: Attributes; value: number }>();
    for (const [key, attributes] of ended) values.set(key, { attributes, value: 0 });
    for (const sink of sinks) {
      sink.settle();
      const value = sink.look(name);
      if (value === undefined) continue;
      const { attributes } = sink;
      const key = JSON.stringify(attributes);
      const before = values.get(key)?.value ?? 0;
      values.set(key, { attributes, value: name === "millrace.commit.age" ? Math.max(before, value) : before + value });
    }
    for (const { attributes, value } of values.values()) result.observe(value, attributes);
    ended.clear();
    // Not at once: the SDK is going through its callbacks.
    if (sinks.size === 0) queueMicrotask(detach);
  }

  function detach(): void {
    if (!isAttached || sinks.size > 0 || ended.size > 0) return;
    isAttached = false;
    try {
      instrument.removeCallback(observe);
    } catch {
      // Nothing is left that it could observe.
    }
  }

  return {
    add(sink) {
      sinks.add(sink);
      if (isAttached) return;
      isAttached = true;
      instrument.addCallback(observe);
    },
    remove(sink) {
      if (sinks.delete(sink) && sink.look(name) !== undefined)
        ended.set(JSON.stringify(sink.attributes), sink.attributes);
      detach();
    },
  };
}
