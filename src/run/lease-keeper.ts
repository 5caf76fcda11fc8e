import { unlessAborted } from "../deliver/unless-aborted.ts";
import { reasonOf } from "../errors.ts";
import { publish } from "../events.ts";
import type { Source } from "../source/source.ts";

/** How long a source may take to give back what it received. */
const releaseTimeoutMs = 5_000;

/** Tells of a fault of a source that loses nothing. */
export function warnOfSource(source: string, message: string): void {
  publish("millrace:source:warning", { source, message });
}

/** Renews the lease of a source in time, until the returned function is called. */
export function keepLease({ name, lease }: Source<unknown>, signal: AbortSignal): () => void {
  if (!lease) return () => {};
  const { everyMs } = lease;
  let underWay: AbortController | undefined;
  const timer = setInterval(() => {
    if (underWay) {
      warnOfSource(name, `Renewing the lease took longer than ${everyMs} ms; it is tried again.`);
      underWay.abort();
    }
    const controller = new AbortController();
    underWay = controller;
    bounded((inner) => lease.extend(inner), controller.signal, `renewing the lease of ${name}`)
      .catch((error) => {
        // One that took too long was told when it was given up.
        if (!controller.signal.aborted) warnOfSource(name, `Renewing the lease failed: ${reasonOf(error)}`);
      })
      .finally(() => {
        if (underWay === controller) underWay = undefined;
      });
  }, everyMs);
  const end = () => {
    clearInterval(timer);
    signal.removeEventListener("abort", end);
    underWay?.abort();
  };
  if (signal.aborted) end();
  else signal.addEventListener("abort", end, { once: true });
  return end;
}

/** Gives back what the source received and nobody acknowledged. Never rejects: the broker gives it again in any case. */
export async function releaseUnacknowledged(source: Source<unknown>): Promise<void> {
  if (!source.release) return;
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), releaseTimeoutMs);
  try {
    await bounded((inner) => source.release!(inner), controller.signal, `releasing ${source.name}`);
  } catch (error) {
    const why = controller.signal.aborted ? `it took longer than ${releaseTimeoutMs / 1_000} s` : reasonOf(error);
    warnOfSource(
      source.name,
      `Giving back what was not acknowledged failed: ${why}. The broker gives it again when its lease has run out.`,
    );
  } finally {
    clearTimeout(timer);
  }
}

/** Leaves when the signal fires, also an act that does not listen to it, and rejects where it throws at once. */
async function bounded(act: (signal: AbortSignal) => Promise<void>, signal: AbortSignal, doing: string): Promise<void> {
  await unlessAborted(act(signal), signal, doing);
}
