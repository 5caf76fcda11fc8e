import { readFileSync } from "node:fs";
import { monitorEventLoopDelay, performance } from "node:perf_hooks";

/**
 * Processor time that the main thread has spent, in milliseconds. Not time on the clock: with two workers on two cores
 * the threads take turns. Node 24 tells it; before, Linux does; elsewhere the time that the event loop was not waiting
 * must do.
 */
export function mainThreadTime(): number {
  const { threadCpuUsage } = process as { threadCpuUsage?: () => { user: number; system: number } };
  if (threadCpuUsage) {
    const { user, system } = threadCpuUsage.call(process);
    return (user + system) / 1e3;
  }
  if (process.platform === "linux")
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8").split(" ")[0]) / 1e6;
  return performance.eventLoopUtilization().active;
}

export interface LoopDelay {
  reset(): void;
  /** Milliseconds beyond the timer's own. */
  percentile(percent: number): number;
  stop(): void;
}

const resolutionMs = 1;

/** How late the event loop is. A sample is the time between two firings of a timer, so the timer's own is taken off. */
export function watchLoopDelay(): LoopDelay {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  delays.enable();
  return {
    reset: () => delays.reset(),
    percentile: (percent) => Math.max(0, delays.percentile(percent) / 1e6 - resolutionMs),
    stop: () => void delays.disable(),
  };
}
