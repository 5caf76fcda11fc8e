import { parentPort, workerData } from "node:worker_threads";
import { encoder } from "../encode/choose-encoder.ts";
import type { Encoder } from "../encode/encoder.ts";
import { type Subtask, subtask } from "./subtask.ts";
import type { FromThread, ThreadStart, ToThread, WorkerData } from "./subtask-messages.ts";

// The body of a worker thread, on which the subtasks of several sinks stand. scripts/build-worker.mjs bundles it into
// worker.generated.ts.

const { id: firstId, start: first } = workerData as WorkerData;
const port = parentPort!;

interface Tenant {
  readonly rows: Encoder;
  readonly work: Subtask;
}

/** Made when the first rows come: a sink that is only open takes no memory here. */
const tenants = new Map<number, () => Tenant>([[firstId, tenant(firstId, first)]]);

function tenant(id: number, start: ThreadStart): () => Tenant {
  let made: Tenant | undefined;
  return () => {
    made ??= make(id, start);
    return made;
  };
}

function make(id: number, { plan, table, limits, wasm, gzipLevel, open }: ThreadStart): Tenant {
  const rows = encoder(table, plan.format, limits, wasm, { gzipLevel });
  if (open.rows > 0) rows.goOnFrom(open.rows, open.rawBytes);
  const work = subtask(plan, rows, (segment) =>
    answer(
      id,
      { did: "segment", segment },
      segment.parts.map((part) => part.buffer),
    ),
  );
  return { rows, work };
}

function answer(id: number, message: FromThread["message"], transfer: ArrayBuffer[] = []): void {
  port.postMessage({ id, message } satisfies FromThread, transfer);
}

/** What goes wrong in one subtask ends that one; the others on this thread go on. */
port.on("message", ({ id, message }: ToThread) => {
  switch (message.do) {
    case "open": {
      const { start, isSameWasm } = message;
      tenants.set(id, tenant(id, isSameWasm ? { ...start, wasm: first.wasm } : start));
      return;
    }
    case "close":
      tenants.delete(id);
      return;
    case "recycle":
      tenants.get(id)?.().rows.recycle(message.parts);
      return;
  }
  const found = tenants.get(id);
  if (!found) return answer(id, { did: "skipped" });
  try {
    const { work } = found();
    if (message.do === "cut") {
      work.cut();
      answer(id, { did: "cut", done: work.done });
    } else {
      const tally = work.encode(message.job);
      answer(id, { did: "encoded", tally, done: work.done });
    }
  } catch (error) {
    tenants.delete(id);
    answer(id, { did: "failed", error: error instanceof Error ? error : new Error(String(error)) });
  }
});
