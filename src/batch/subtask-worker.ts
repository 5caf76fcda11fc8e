import { parentPort, workerData } from "node:worker_threads";
import { encoder } from "../encode/choose-encoder.ts";
import { subtask } from "./subtask.ts";
import type { FromSubtask, OpenBatch, SubtaskStart, ToSubtask } from "./subtask-messages.ts";

// The body of a worker thread. scripts/build-worker.mjs bundles it into worker.generated.ts.

const start = workerData as SubtaskStart;
const port = parentPort!;

function answer(message: FromSubtask, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

const { plan, table, limits, wasm, gzipLevel } = start;
const work = subtask(plan, encoder(table, plan.format, limits, wasm, { gzipLevel }), (batch) =>
  answer(
    { did: "sealed", batch },
    batch.parts.map((part) => part.buffer as ArrayBuffer),
  ),
);

function openBatch(): OpenBatch {
  return { openRows: work.openRows, openSince: work.openSince };
}

port.on("message", (message: ToSubtask) => {
  if (message.do === "seal") {
    work.seal(message.reason);
    answer({ did: "seal", open: openBatch() });
    return;
  }
  if (message.do === "encodeRaw") {
    const { slab, openedAt } = message;
    const tally = work.acceptRaw(slab, openedAt);
    answer({ did: "encodeRaw", spare: slab.bytes, tally, open: openBatch() }, [slab.bytes]);
    return;
  }
  const { chunk, openedAt } = message;
  work.accept(chunk, openedAt);
  answer({ did: "encode", spare: { tape: chunk.tape, text: chunk.text }, open: openBatch() }, [chunk.tape, chunk.text]);
});
