/**
 * Looks again and again while the page is seen: every two seconds, more seldom where looking takes long or fails, so that it
 * costs the emulator a tenth of its time at most.
 *
 * @param {(signal: AbortSignal) => Promise<void>} look
 * @param {(error: unknown) => void} failed
 * @returns {() => void} looks now
 */
export function refreshing(look, failed) {
  /** @type {number | undefined} */
  let timer;
  let looking = new AbortController();
  let failures = 0;

  async function turn() {
    clearTimeout(timer);
    looking.abort();
    looking = new AbortController();
    const { signal } = looking;
    if (document.hidden) return;
    const began = performance.now();
    try {
      await look(signal);
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      failures++;
      failed(error);
    }
    if (signal.aborted) return;
    const wait = Math.max(2000, 10 * (performance.now() - began), 1000 * 2 ** failures);
    timer = setTimeout(turn, Math.min(15_000, wait));
  }

  document.addEventListener("visibilitychange", turn);
  turn();
  return turn;
}
