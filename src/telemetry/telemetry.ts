import { reasonOf } from "../errors.ts";
import { type EventHandlers, type EventMap, listen, publish, type TelemetryFailedEvent } from "../events.ts";
import type { DeliveryGuarantee } from "../options.ts";
import { type MeteredSink, type MeteredStats, startMetering } from "./metrics.ts";
import type { TelemetryOptions } from "./telemetry-options.ts";
import { startTracing } from "./tracing.ts";

export interface Telemetry {
  /** From now on the sink's counters can be asked for. */
  watch(stats: () => MeteredStats): void;
  /** Nothing is listened to, and nothing observed, any more. */
  close(): void;
}

export interface TelemetrySink extends Omit<MeteredSink, "stats"> {
  readonly deliveryGuarantee: DeliveryGuarantee;
  /** Batches are delivered when they have landed; else when they have been taken. */
  readonly isPolled: boolean;
}

type Handler = (message: EventMap[keyof EventMap]) => void;

interface Part {
  readonly handlers: EventHandlers;
  close(): void;
}

/**
 * Feeds a meter and a tracer from a sink's events. They are the caller's code: whatever of it throws is told once on
 * `millrace:telemetry:failed`, and harms neither the sink nor other listeners.
 */
export function startTelemetry(sink: TelemetrySink, { meter, tracer }: TelemetryOptions = {}): Telemetry {
  const { id, table, database, epochs, deliveryGuarantee, isPolled } = sink;
  const told = new Set<TelemetryFailedEvent["part"]>();
  const closing: (() => void)[] = [];
  let stats: (() => MeteredStats) | undefined;

  if (meter)
    begin("meter", () =>
      startMetering(meter, { id, table, database, epochs, stats: guarded("meter", () => stats?.()) }),
    );
  if (tracer) {
    const landing = isPolled ? "landed" : "taken";
    const batchesEndAt = deliveryGuarantee === "exactly-once" ? "committed" : landing;
    begin("tracer", () => startTracing(tracer, { table, database, batchesEndAt, hasState: epochs !== undefined }));
  }

  function begin(part: TelemetryFailedEvent["part"], start: () => Part): void {
    const started = guarded(part, start)();
    if (!started) return;
    const handlers = Object.fromEntries(
      Object.entries(started.handlers).map(([name, handle]) => [name, ofThisSink(part, handle as Handler)]),
    );
    closing.push(listen(handlers), guarded(part, started.close));
  }

  function ofThisSink(part: TelemetryFailedEvent["part"], handle: Handler): Handler {
    const safe = guarded(part, handle);
    return (message) => {
      if ("sink" in message && message.sink === id) safe(message);
    };
  }

  function guarded<A extends unknown[], T>(part: TelemetryFailedEvent["part"], act: (...given: A) => T) {
    return (...given: A): T | undefined => {
      try {
        return act(...given);
      } catch (error) {
        if (!told.has(part)) {
          told.add(part);
          publish("millrace:telemetry:failed", { sink: id, table, part, reason: reasonOf(error) });
        }
        return undefined;
      }
    };
  }

  return {
    watch(given) {
      stats = given;
    },
    close() {
      for (const end of closing.splice(0)) end();
    },
  };
}
