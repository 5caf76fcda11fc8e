import { aborted, MillraceError } from "../../errors.ts";
import { throughProxy } from "./proxy.ts";

/**
 * Runs one call with a bound on its time. The signal handed to `task` fires on abort and on the deadline alike, and the
 * call is left at once even by a task that does not listen: a dead storage account would otherwise hold it for minutes.
 *
 * @param url where it goes: a proxy on the way is named.
 * @throws MillraceError ABORTED, or UNREACHABLE (retryable) when the time is up.
 */
export async function withDeadline<T>(
  ms: number,
  signal: AbortSignal,
  doing: string,
  task: (signal: AbortSignal) => Promise<T>,
  url?: string,
): Promise<T> {
  if (signal.aborted) throw aborted(signal, doing);
  const controller = new AbortController();
  // Not AbortSignal.any and .timeout: on Node 20 those keep their sources alive for as long as the session's signal lives.
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const cut = new Promise<never>((_, reject) => {
    const stop = (error: MillraceError) => {
      controller.abort(error);
      reject(error);
    };
    onAbort = () => stop(aborted(signal, doing));
    signal.addEventListener("abort", onAbort, { once: true });
    timer = setTimeout(() => {
      const message = `${doing}: no answer within ${ms} ms${throughProxy(url)}.`;
      stop(new MillraceError("UNREACHABLE", message, { retryable: true }));
    }, ms);
  });
  try {
    return await Promise.race([task(controller.signal), cut]);
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort!);
  }
}
