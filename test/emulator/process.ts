import { until } from "./ask.ts";

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits until the process is no more. */
export const gone = (pid: number) =>
  until(
    async () => isAlive(pid),
    (alive) => !alive,
  );
