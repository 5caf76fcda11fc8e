import { randomUUID } from "node:crypto";
import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { inspectState } from "../../../src/checkpoint/inspect.ts";
import { isCode } from "../../../src/errors.ts";
import { isRunning, type Writer } from "./writer.ts";

/**
 * The copy takes the place of what is there.
 *
 * @returns false where there is no state to copy yet. Two writers without one are two jobs, and nothing is promised of them.
 */
export async function copyState(from: string, to: string): Promise<boolean> {
  await rm(to, { recursive: true, force: true });
  if (!(await headOf(from))) return false;
  await cp(from, to, { recursive: true });
  return true;
}

/** For a signal to stop all threads of a process: a write that has begun is over by then. */
const stoppingMs = 20;

/**
 * Copies the state of a writer that runs, as a snapshot of its volume has it: all files as they stand at one moment.
 *
 * @returns false where the writer has ended, or has no state yet
 */
export async function snapshotState({ process: child }: Writer, from: string, to: string): Promise<boolean> {
  if (!isRunning(child)) return false;
  child.kill("SIGSTOP");
  try {
    await pause(stoppingMs);
    return await copyState(from, to);
  } finally {
    child.kill("SIGCONT");
  }
}

/** As the folder looks on another machine: the process that holds the lock belongs to another boot, so it is dead. */
export async function moveToOtherMachine(state: string): Promise<void> {
  const lock = join(state, "lock");
  try {
    const holder = JSON.parse(await readFile(lock, "utf8")) as object;
    await writeFile(lock, JSON.stringify({ ...holder, boot: randomUUID() }));
  } catch (error) {
    if ((error as { code?: string }).code !== "ENOENT") throw error;
  }
}

export interface StateHead {
  readonly epoch: number;
  readonly generation: number;
  /** Of all checkpoints. The source has its ids in order, so these are the ids below this number. */
  readonly records: number;
  /** Rows of checkpoints that the state does not know to be committed. */
  readonly pendingRows: number;
}

/** How far a state has come; undefined where it has not begun. */
export async function headOf(state: string): Promise<StateHead | undefined> {
  try {
    const { epoch, generation, records, pending } = await inspectState(state);
    return { epoch, generation, records, pendingRows: pending.reduce((sum, { rows }) => sum + rows, 0) };
  } catch (error) {
    if (isCode(error, "BAD_SOURCE")) return undefined;
    throw error;
  }
}
