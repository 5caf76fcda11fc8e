import { aborted } from "../errors.ts";

/** Leaves on abort at once, with ABORTED, even an act that does not listen to the signal. */
export async function unlessAborted<T>(act: Promise<T>, signal: AbortSignal, doing: string): Promise<T> {
  let onAbort: (() => void) | undefined;
  const cut = new Promise<never>((_, reject) => {
    onAbort = () => reject(aborted(signal, doing));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([act, cut]);
  } finally {
    signal.removeEventListener("abort", onAbort!);
  }
}
