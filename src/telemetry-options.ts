import { MillraceError } from "./errors.ts";
import { refuseUnknownOptions } from "./option-names.ts";

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

export interface InstrumentOptions {
  description?: string;
  /** UCUM. */
  unit?: string;
  advice?: { explicitBucketBoundaries?: number[] };
}

export interface Counter {
  add(value: number, attributes?: Attributes): void;
}

export interface Histogram {
  record(value: number, attributes?: Attributes): void;
}

export interface ObservableResult {
  observe(value: number, attributes?: Attributes): void;
}

export interface ObservableGauge {
  addCallback(callback: (result: ObservableResult) => void): void;
  removeCallback(callback: (result: ObservableResult) => void): void;
}

export interface Meter {
  createCounter(name: string, options?: InstrumentOptions): Counter;
  createHistogram(name: string, options?: InstrumentOptions): Histogram;
  createObservableGauge(name: string, options?: InstrumentOptions): ObservableGauge;
}

/** Seconds since 1970 and the nanoseconds behind them. */
export type SpanTime = [seconds: number, nanoseconds: number];

export interface SpanContext {
  traceId: string;
  spanId: string;
  traceFlags: number;
}

export interface SpanOptions {
  startTime?: SpanTime;
  attributes?: Attributes;
  links?: { context: SpanContext }[];
  /** The beginning of a trace, whatever span is active. */
  root?: boolean;
}

export interface Span {
  spanContext(): SpanContext;
  setAttributes(attributes: Attributes): unknown;
  addEvent(name: string, attributes?: Attributes, time?: SpanTime): unknown;
  setStatus(status: { code: number; message?: string }): unknown;
  end(time?: SpanTime): void;
}

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
