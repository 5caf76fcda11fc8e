import { Worker } from "node:worker_threads";
import { MillraceError, reasonOf } from "../errors.ts";
import { subtaskFailed } from "./subtask-failed.ts";
import type { FromSubtask, OpenBatch, SubtaskStart, ToSubtask } from "./subtask-messages.ts";
import type { SubtaskHooks, SubtaskPort } from "./subtask-port.ts";
import { workerText } from "./worker.generated.ts";

/**
 * Runs a subtask on a worker thread. Chunks and packed parts are transferred, never copied. The thread keeps the process
 * alive only while it owes an answer, so a program that forgets `close()` still ends.
 */
export function workerSubtask(start: SubtaskStart, hooks: SubtaskHooks): SubtaskPort {
  const { index } = start.plan;
  // execArgv is emptied so that the loaders of the host program (tsx, coverage) are not started again for plain text.
  const worker = new Worker(workerText, { eval: true, workerData: start, execArgv: [], name: `millrace-${index}` });
  const seals: { resolve(): void; reject(error: MillraceError): void }[] = [];
  /** When the first record of each outstanding chunk or slab was written, in order. */
  const outstanding: number[] = [];
  let open: OpenBatch = { openRows: 0, openSince: 0 };
  let owed = 0;
  let failure: MillraceError | undefined;
  let isClosing = false;

  function ask(message: ToSubtask, transfer: ArrayBuffer[] = []): void {
    if (owed++ === 0) worker.ref();
    worker.postMessage(message, transfer);
  }

  function settle(): void {
    if (--owed === 0 && !isClosing) worker.unref();
  }

  function fail(cause: unknown, what: string): void {
    if (failure || isClosing) return;
    failure = subtaskFailed(start.plan, what, cause);
    worker.unref();
    for (const waiter of seals.splice(0)) waiter.reject(failure);
    hooks.onFailed(failure);
  }

  worker.on("error", (error) => fail(error, reasonOf(error)));
  worker.on("messageerror", (error) => fail(error, reasonOf(error)));
  worker.on("exit", (code) => fail(undefined, `its thread exited with code ${code}`));
  worker.on("message", (message: FromSubtask) => {
    if (message.did === "sealed") {
      hooks.onSealed(message.batch);
      return;
    }
    open = message.open;
    settle();
    if (message.did === "seal") {
      seals.shift()?.resolve();
      return;
    }
    outstanding.shift();
    if (message.did === "encodeRaw") hooks.onRawEncoded(port, message.spare, message.tally);
    else hooks.onEncoded(port, message.spare);
  });

  worker.unref(); // behind the listeners: a "message" listener takes hold of the process again

  const port: SubtaskPort = {
    index,
    get outstanding() {
      return outstanding.length;
    },
    get openRows() {
      return open.openRows;
    },
    get oldest() {
      return open.openRows > 0 ? open.openSince : outstanding[0];
    },
    submit(chunk, openedAt) {
      if (failure) throw failure;
      outstanding.push(openedAt);
      ask({ do: "encode", chunk, openedAt }, [chunk.tape, chunk.text]);
    },
    submitRaw(slab, openedAt) {
      if (failure) throw failure;
      outstanding.push(openedAt);
      ask({ do: "encodeRaw", slab, openedAt }, [slab.bytes]);
    },
    seal(reason) {
      if (failure) return Promise.reject(failure);
      return new Promise<void>((resolve, reject) => {
        seals.push({ resolve, reject });
        ask({ do: "seal", reason });
      });
    },
    async close() {
      isClosing = true;
      const closed = new MillraceError("CLOSED", `Subtask ${index} of table ${start.plan.table} was closed.`);
      for (const waiter of seals.splice(0)) waiter.reject(closed);
      worker.ref(); // or the process could end while it waits here
      await worker.terminate();
    },
  };
  return port;
}
