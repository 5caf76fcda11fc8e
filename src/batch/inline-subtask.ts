import type { Chunk } from "../encode/chunk.ts";
import type { Encoder } from "../encode/encoder.ts";
import type { RawChunk, RawTally } from "../encode/raw-chunk.ts";
import { type MillraceError, reasonOf } from "../errors.ts";
import type { Job, SubtaskSegment } from "./job.ts";
import { type SubtaskPlan, subtask } from "./subtask.ts";
import { subtaskFailed } from "./subtask-failed.ts";
import type { SubtaskHooks, SubtaskPort } from "./subtask-port.ts";

/** Runs a subtask on the caller's own thread (`parallelism: 0`), for places without workers. */
export function inlineSubtask(plan: SubtaskPlan, encoder: Encoder, hooks: SubtaskHooks): SubtaskPort {
  const work = subtask(plan, encoder, (segment: SubtaskSegment) => hooks.onSegment(port, segment));
  let failure: MillraceError | undefined;
  let number = 0;
  /** When the first row that has not come back was written. */
  let oldest: number | undefined;

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

  function encode(job: Job): RawTally | undefined {
    const tally = attempt(() => work.encode(job));
    if (work.done.number > job.number) oldest = undefined;
    else oldest ??= job.openedAt;
    return tally;
  }

  function next(openedAt: number) {
    return { number: number++, from: 0, openedAt };
  }

  const port: SubtaskPort = {
    index: plan.index,
    outstanding: 0,
    get oldest() {
      return oldest;
    },
    submit(chunk: Chunk, openedAt) {
      encode({ ...next(openedAt), chunk });
      hooks.onDone(chunk);
      hooks.onEncoded(port);
    },
    submitRaw(rawChunk: RawChunk, openedAt) {
      const tally = encode({ ...next(openedAt), rawChunk, tally: { rows: 0, refused: [] } });
      hooks.onRawEncoded(port, rawChunk, tally!);
      hooks.onDone(rawChunk);
    },
    cut() {
      attempt(() => work.cut());
      oldest = undefined;
      hooks.onCut(port);
    },
    recycle(parts) {
      encoder.recycle(parts);
    },
    async close() {},
  };
  return port;
}
