import type { Readable } from "node:stream";
import { aborted } from "../errors.ts";
import { gunzip } from "./gunzip.ts";
import { unreadable } from "./unreadable.ts";

/** The bytes of a stream that can be read once, such as standard input; unpacked if its first two bytes say gzip. */
export async function* streamBytes(stream: Readable, name: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const head = await firstChunk(stream, name, signal);
  if (!head) return;
  const all = async function* (): AsyncGenerator<Uint8Array> {
    yield head;
    if (!stream.readableEnded) yield* readAll(stream, name, signal);
  };
  try {
    yield* isGzip(head) ? gunzip(all(), name) : all();
  } finally {
    stream.destroy();
  }
}

async function firstChunk(stream: Readable, name: string, signal: AbortSignal): Promise<Buffer | undefined> {
  let head: Buffer | undefined;
  // A loop with break would destroy the stream; its iterator is therefore not used here.
  for (;;) {
    const chunk: Buffer | null = stream.read();
    if (chunk) head = head ? Buffer.concat([head, chunk]) : chunk;
    // One byte does not tell what it is, unless it is all there is.
    if (head && head.length >= 2) return head;
    if (chunk) continue;
    if (stream.readableEnded || stream.destroyed) return head;
    if (await nextEvent(stream, name, signal)) return head;
  }
}

function nextEvent(stream: Readable, name: string, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onReadable = () => settle(() => resolve(false));
    const onEnd = () => settle(() => resolve(true));
    const onError = (error: unknown) => settle(() => reject(unreadable(name, error)));
    const onAbort = () => {
      settle(() => reject(aborted(signal, `reading ${name}`)));
      stream.destroy(); // or it would keep the process
    };
    const settle = (act: () => void) => {
      stream.off("readable", onReadable).off("end", onEnd).off("error", onError);
      signal.removeEventListener("abort", onAbort);
      act();
    };
    if (signal.aborted) return reject(aborted(signal, `reading ${name}`));
    stream.once("readable", onReadable).once("end", onEnd).once("error", onError);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

async function* readAll(stream: Readable, name: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const stop = () => stream.destroy();
  signal.addEventListener("abort", stop, { once: true });
  try {
    if (signal.aborted) throw aborted(signal, `reading ${name}`);
    for await (const chunk of stream) {
      yield chunk as Uint8Array;
      if (signal.aborted) throw aborted(signal, `reading ${name}`);
    }
  } catch (error) {
    if (signal.aborted) throw aborted(signal, `reading ${name}`);
    throw unreadable(name, error);
  } finally {
    signal.removeEventListener("abort", stop);
    stream.destroy();
  }
}

export function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}
