import { MillraceError } from "../errors.ts";
import { refuseUnknownOptions } from "../option-names.ts";

/**
 * The parts of `@opentelemetry/api` that a sink uses, as shapes: what the API gives can be passed in as it is, and Millrace
 * depends on no version of it. Anything of the same shape will do.
 */
export interface TelemetryOptions {
  /** `metrics.getMeter("my-app")`. Its instruments are listed in {@link metrics}. */
  meter?: Meter;
  /** `trace.getTracer("my-app")`. A span per batch, from sealed to taken or landed, and one per epoch. */
  tracer?: Tracer;
}

/** Values of attributes that Millrace sets. Never a secret, and never data out of a record. */
export type Attributes = Record<string, string | number | boolean>;

/** What an instrument is described by. */
export interface InstrumentOptions {
  description?: string;
  /** UCUM. */
  unit?: string;
  advice?: { explicitBucketBoundaries?: number[] };
}

/** What only grows, as OpenTelemetry's `Counter`. */
export interface Counter {
  add(value: number, attributes?: Attributes): void;
}

/** Values whose distribution counts, as OpenTelemetry's `Histogram`. */
export interface Histogram {
  record(value: number, attributes?: Attributes): void;
}

/** Takes the value of a gauge that is read. */
export interface ObservableResult {
  observe(value: number, attributes?: Attributes): void;
}

/** A value that is asked for when metrics are read, as OpenTelemetry's `ObservableGauge`. */
export interface ObservableGauge {
  addCallback(callback: (result: ObservableResult) => void): void;
  removeCallback(callback: (result: ObservableResult) => void): void;
}

/** What a sink calls of OpenTelemetry's `Meter`. */
export interface Meter {
  createCounter(name: string, options?: InstrumentOptions): Counter;
  createHistogram(name: string, options?: InstrumentOptions): Histogram;
  createObservableGauge(name: string, options?: InstrumentOptions): ObservableGauge;
}

/** Seconds since 1970 and the nanoseconds behind them. */
export type SpanTime = [seconds: number, nanoseconds: number];

/** What tells a span from all others, as in W3C's `traceparent`. */
export interface SpanContext {
  traceId: string;
  spanId: string;
  traceFlags: number;
}

/** How a span begins. */
export interface SpanOptions {
  startTime?: SpanTime;
  attributes?: Attributes;
  links?: { context: SpanContext }[];
  /** The beginning of a trace, whatever span is active. */
  root?: boolean;
}

/** What a sink calls of OpenTelemetry's `Span`. */
export interface Span {
  spanContext(): SpanContext;
  setAttributes(attributes: Attributes): unknown;
  addEvent(name: string, attributes?: Attributes, time?: SpanTime): unknown;
  setStatus(status: { code: number; message?: string }): unknown;
  end(time?: SpanTime): void;
}

/** What a sink calls of OpenTelemetry's `Tracer`. */
export interface Tracer {
  /** @param context of OpenTelemetry, with the parent in it */
  startSpan(name: string, options?: SpanOptions, context?: unknown): Span;
}

/** @throws MillraceError BAD_OPTION where the meter or the tracer lacks what a sink calls. */
export function checkTelemetry(what: string, telemetry: TelemetryOptions): void {
  if (typeof telemetry !== "object" || telemetry === null)
    throw new MillraceError("BAD_OPTION", `${what}: telemetry takes { meter, tracer }.`, {
      context: { option: "telemetry" },
    });
  refuseUnknownOptions(`${what}: telemetry`, telemetry, ["meter", "tracer"]);
  const { meter, tracer } = telemetry;
  if (meter !== undefined) mustHave("meter", meter, ["createCounter", "createHistogram", "createObservableGauge"]);
  if (tracer !== undefined) mustHave("tracer", tracer, ["startSpan"]);

  function mustHave(option: string, given: object, methods: readonly string[]): void {
    const missing = methods.filter((name) => typeof (given as Record<string, unknown> | null)?.[name] !== "function");
    if (missing.length === 0) return;
    throw new MillraceError(
      "BAD_OPTION",
      `${what}: telemetry.${option} has no ${missing.join(", ")}; it takes a ${option} of @opentelemetry/api.`,
      { context: { option: "telemetry" } },
    );
  }
}
