import { parentPort, workerData } from "node:worker_threads";
import { encoder } from "../encode/choose-encoder.ts";
import { subtask } from "./subtask.ts";
import type { FromSubtask, ThreadStart, ToSubtask } from "./subtask-messages.ts";

// The body of a worker thread. scripts/build-worker.mjs bundles it into worker.generated.ts.

const { plan, table, limits, wasm, gzipLevel, open } = workerData as ThreadStart;
const port = parentPort!;

function answer(message: FromSubtask, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

const rows = encoder(table, plan.format, limits, wasm, { gzipLevel });
if (open.rows > 0) rows.goOnFrom(open.rows, open.rawBytes);

const work = subtask(plan, rows, (segment) =>
  answer(
    { did: "segment", segment },
    segment.parts.map((part) => part.buffer),
  ),
);

port.on("message", (message: ToSubtask) => {
  if (message.do === "recycle") {
    rows.recycle(message.parts);
  } else if (message.do === "cut") {
    work.cut();
    answer({ did: "cut", done: work.done });
  } else {
    const tally = work.encode(message.job);
    answer({ did: "encoded", tally, done: work.done });
  }
});
