import type { Encoder } from "../encode/encoder.ts";
import { type MillraceError, reasonOf } from "../errors.ts";
import { type SubtaskPlan, subtask } from "./subtask.ts";
import { subtaskFailed } from "./subtask-failed.ts";
import type { SubtaskHooks, SubtaskPort } from "./subtask-port.ts";

/** Runs a subtask on the caller's own thread (`parallelism: 0`), for places without workers. */
export function inlineSubtask(plan: SubtaskPlan, encoder: Encoder, hooks: SubtaskHooks): SubtaskPort {
  const work = subtask(plan, encoder, hooks.onSealed);
  let failure: MillraceError | undefined;

  /** What the encoder has begun and not finished cannot be gone on with, so its first failure is its last word. */
  function attempt<T>(act: () => T): T {
    if (failure) throw failure;
    try {
      return act();
    } catch (error) {
      failure = subtaskFailed(plan, reasonOf(error), error);
      hooks.onFailed(failure);
      throw failure;
    }
  }

  const port: SubtaskPort = {
    index: plan.index,
    outstanding: 0,
    get openRows() {
      return work.openRows;
    },
    get oldest() {
      return work.openRows > 0 ? work.openSince : undefined;
    },
    submit(chunk, openedAt) {
      attempt(() => work.accept(chunk, openedAt));
      hooks.onEncoded(port, chunk);
    },
    submitRaw(slab, openedAt) {
      const tally = attempt(() => work.acceptRaw(slab, openedAt));
      hooks.onRawEncoded(port, slab.bytes, tally);
    },
    async seal(reason) {
      attempt(() => work.seal(reason));
    },
    async close() {},
  };
  return port;
}
