import type { Encoder } from "../encode/encoder.ts";
import { type SubtaskPlan, subtask } from "./subtask.ts";
import type { SubtaskHooks, SubtaskPort } from "./subtask-port.ts";

/** Runs a subtask on the caller's own thread (`parallelism: 0`), for places without workers. */
export function inlineSubtask(plan: SubtaskPlan, encoder: Encoder, hooks: SubtaskHooks): SubtaskPort {
  const work = subtask(plan, encoder, hooks.onSealed);
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
      work.accept(chunk, openedAt);
      hooks.onEncoded(port, chunk);
    },
    submitRaw(slab, openedAt) {
      const tally = work.acceptRaw(slab, openedAt);
      hooks.onRawEncoded(port, slab.bytes, tally);
    },
    async seal(reason) {
      work.seal(reason);
    },
    async close() {},
  };
  return port;
}
