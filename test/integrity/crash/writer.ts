import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { ChildPlan } from "./points.ts";

/** A writer's process. */
export interface Writer {
  readonly process: ChildProcess;
  readonly words: { readonly stdout: string; readonly stderr: string };
  readonly ended: Promise<unknown>;
}

/** How a process ended. */
export type Ended =
  | { readonly how: "killed" | "done" }
  /** By a state that is not the newest, or not its own. */
  | { readonly how: "refused"; readonly code: string; readonly why: string }
  | { readonly how: "failed"; readonly why: string };

/** A start that takes longer hangs. */
const startTimeoutSeconds = 60;

const refusals = /^(STATE_OUTDATED|STATE_FENCED|STATE_LOST)$/m;

export function startWriter(program: string, plan: ChildPlan): Writer {
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, MILLRACE_CRASH_PLAN: JSON.stringify(plan), NODE_OPTIONS: "" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  // A kit that is ended itself leaves nobody behind.
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  child.once("exit", () => process.off("exit", end));
  const words = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const)
    child[stream]!.on("data", (data) => {
      words[stream] = `${words[stream]}${data}`.slice(-2_000);
    });
  // Not at the exit: what the process said last is read behind it.
  return { process: child, words, ended: once(child, "close") };
}

export function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

export async function endOf({ process: child, words, ended }: Writer): Promise<Ended> {
  // Seconds of this process's own: a virtual machine that is put to sleep has every child late by the clock.
  let seconds = 0;
  const timer = setInterval(() => {
    if (++seconds === startTimeoutSeconds) child.kill("SIGKILL");
  }, 1_000);
  await ended;
  clearInterval(timer);
  if (seconds >= startTimeoutSeconds) return { how: "failed", why: `it hung. ${words.stderr}` };
  if (child.signalCode === "SIGKILL") return { how: "killed" };
  if (child.exitCode === 0) return { how: "done" };
  const why = `exit ${child.exitCode ?? child.signalCode}: ${words.stderr}`;
  const [, code] = refusals.exec(words.stdout) ?? [];
  return code ? { how: "refused", code, why } : { how: "failed", why };
}

/** Stops the writer at a random moment, has another take its lock away, and wakes it up. @returns the other's end */
export async function endBehindZombie(
  program: string,
  plan: ChildPlan,
  writer: Writer,
  random: () => number,
): Promise<Ended> {
  await Promise.race([pause(500 + random() * 1_000), writer.ended]);
  if (!isRunning(writer.process)) return endOf(writer);
  writer.process.kill("SIGSTOP");
  await rm(join(plan.state, "lock"), { force: true });
  const next = startWriter(program, { ...plan, kill: undefined });
  await Promise.race([pause(200 + random() * 1_500), next.ended]);
  writer.process.kill("SIGCONT");
  const [, ended] = await Promise.all([endOf(writer), endOf(next)]);
  return ended;
}
