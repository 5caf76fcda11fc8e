import type { FileFormat } from "./format.ts";
import type { Splitter } from "./splitter.ts";

/** How long a stopped stream may be silent until nothing more is expected of it, and how much of it is still read. */
const silenceMs = 100;
const mostBytesAfterStop = 4 * 1024 * 1024;

/** Whether a stream was stopped. */
export interface Cut {
  /** The bytes have ended by the stop, or after it; undefined: they have not ended. */
  isCut: boolean | undefined;
}

const newline = 10;

function stopOrPause(stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(settle, silenceMs);
    function settle(): void {
      clearTimeout(timer);
      stopped.removeEventListener("abort", settle);
      resolve();
    }
    if (stopped.aborted) settle();
    else stopped.addEventListener("abort", settle, { once: true });
  });
}

/** The chunks of a stream, up to its end or to the silence after the stop. */
export async function* untilStopped(
  bytes: AsyncGenerator<Uint8Array>,
  stopped: AbortSignal,
  end: AbortController,
  cut: Cut,
): AsyncGenerator<Uint8Array> {
  let left = mostBytesAfterStop;
  let last: number | undefined;
  try {
    while (left > 0) {
      const step = await unlessSilent(bytes.next(), stopped);
      if (!step) return;
      if (step.done) {
        // Ctrl-C ends the producer as well, in the midst of a record, and its end may be seen before the signal is.
        if (last !== undefined && last !== newline) await stopOrPause(stopped);
        return;
      }
      last = step.value.at(-1) ?? last;
      if (stopped.aborted) left -= step.value.length;
      yield step.value;
    }
  } finally {
    cut.isCut ??= stopped.aborted;
    end.abort(); // or the stream would keep the process
    await bytes.return(undefined).catch(() => {}); // what it threw was thrown here
  }
}

/** The next chunk; undefined when a stopped stream is silent. */
function unlessSilent<T>(next: Promise<T>, stopped: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const onStop = () => {
      timer = setTimeout(() => resolve(undefined), silenceMs);
    };
    if (stopped.aborted) onStop();
    else stopped.addEventListener("abort", onStop, { once: true });
    next.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      stopped.removeEventListener("abort", onStop);
    });
  });
}

/**
 * The records that have come whole: where a stream was stopped, what is left at its end may be the beginning of one. JSON says
 * whether it is whole; a CSV row without a line end does not.
 */
export function wholeRecords(splitter: Splitter, format: FileFormat, cut: Cut, onPartial: () => void): Splitter {
  return {
    next(window, isLast) {
      if (!isLast || !cut.isCut) return splitter.next(window, isLast);
      const frame = splitter.next(window, false);
      if (frame) return frame;
      const { base, length, bytes } = window;
      const left = bytes.toString("utf8", splitter.keepFrom - base, length);
      if (left.trim() === "") return undefined;
      if (format === "ndjson" && isJson(left)) return splitter.next(window, true);
      onPartial();
      return undefined;
    },
    get keepFrom() {
      return splitter.keepFrom;
    },
    ...(splitter.tooLong && { tooLong: () => splitter.tooLong!() }),
    position: () => splitter.position(),
  };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
