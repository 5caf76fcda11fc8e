import { availableParallelism } from "node:os";
import { Worker, type WorkerOptions } from "node:worker_threads";
import { reasonOf } from "../errors.ts";
import type { FromSubtask, FromThread, ThreadStart, ToSubtask, ToThread, WorkerData } from "./subtask-messages.ts";
import { workerText } from "./worker.generated.ts";

/**
 * The worker threads of a process, which its sinks share: a thread with its heap takes 7 MB, a subtask on one that is there
 * less than 1 MB. Subtasks take turns on a thread, request by request, in the order in which they asked; a sink that heeds
 * back-pressure has a few requests waiting, so a busy one does not keep the others waiting for long.
 */
export interface ThreadPool {
  /**
   * Starts a subtask on a thread. Subtasks of one owner stand on threads of their own, so that they run at the same time;
   * else the thread with the fewest is chosen, or a new one, up to one for each processor.
   */
  start(start: ThreadStart, seat: ThreadSeat, hooks: TenantHooks): SubtaskThread;
  /** Threads that run. */
  readonly size: number;
}

/** Where a subtask may stand. */
export interface ThreadSeat {
  readonly owner: object;
  /** On a thread of its own: it may be what kills threads. */
  readonly isAlone: boolean;
}

export interface TenantHooks {
  onMessage(message: FromSubtask): void;
  /** Its thread died, or the subtask failed on it. Called once, and then nothing more. */
  onEnd(end: ThreadEnd): void;
}

export interface ThreadEnd {
  readonly what: string;
  readonly cause: unknown;
  /** Nothing runs any more; otherwise `end()` waits for that. */
  readonly hasEnded: boolean;
  /** Its own request was being done, or nobody's. */
  readonly isOwnFault: boolean;
}

/** One subtask's share of a thread. */
export interface SubtaskThread {
  post(message: ToSubtask, transfer?: ArrayBuffer[]): void;
  /** Whether the subtask keeps the process alive. */
  hold(isHeld: boolean): void;
  /** Takes the subtask off its thread; a thread without one ends. */
  end(): Promise<unknown>;
}

/** For tests: what runs the worker's text. */
export type StartWorker = (text: string, options: WorkerOptions) => Worker;

interface Thread {
  readonly worker: Worker;
  readonly isShared: boolean;
  readonly tenants: Map<number, Tenant>;
  /** Whose requests the thread has not answered, the one at hand first. */
  readonly line: number[];
  /** What the thread has of the module. */
  readonly wasm: Uint8Array | undefined;
  holds: number;
  ending: Promise<unknown> | undefined;
}

interface Tenant {
  readonly owner: object;
  readonly hooks: TenantHooks;
}

export function threadPool(
  startWorker: StartWorker = (text, options) => new Worker(text, options),
  mostShared = availableParallelism(),
): ThreadPool {
  const threads = new Set<Thread>();
  let subtasks = 0;
  let started = 0;

  function startThread(id: number, start: ThreadStart, isShared: boolean): Thread {
    const workerData: WorkerData = { id, start };
    // execArgv is emptied so that the loaders of the host program (tsx, coverage) are not started again for plain text.
    const worker = startWorker(workerText, { eval: true, workerData, execArgv: [], name: `millrace-${started++}` });
    const thread: Thread = {
      worker,
      isShared,
      tenants: new Map(),
      line: [],
      wasm: start.wasm,
      holds: 0,
      ending: undefined,
    };
    threads.add(thread);
    worker.on("error", (error) => died(thread, false, reasonOf(error), error));
    worker.on("messageerror", (error) => died(thread, false, reasonOf(error), error));
    worker.on("exit", (code) => died(thread, true, `its thread exited with code ${code}`, undefined));
    worker.on("message", (message: FromThread) => hear(thread, message));
    worker.unref(); // behind the listeners: a "message" listener takes hold of the process again
    return thread;
  }

  function died(thread: Thread, hasEnded: boolean, what: string, cause: unknown): void {
    threads.delete(thread);
    const [culprit] = thread.line;
    const tenants = [...thread.tenants];
    thread.tenants.clear();
    for (const [id, { hooks }] of tenants)
      hooks.onEnd({ what, cause, hasEnded, isOwnFault: culprit === undefined || culprit === id });
  }

  function hear(thread: Thread, { id, message }: FromThread): void {
    if (message.did !== "segment") thread.line.shift();
    const tenant = thread.tenants.get(id);
    if (!tenant || message.did === "skipped") return;
    if (message.did !== "failed") {
      tenant.hooks.onMessage(message);
      return;
    }
    thread.tenants.delete(id);
    const { error } = message;
    tenant.hooks.onEnd({ what: reasonOf(error), cause: error, hasEnded: false, isOwnFault: true });
  }

  /** The shared thread with the fewest subtasks, if it has none of the same owner. */
  function leastBusy(owner: object): Thread | undefined {
    let best: Thread | undefined;
    for (const thread of threads) {
      if (!thread.isShared || thread.ending) continue;
      if ([...thread.tenants.values()].some((tenant) => tenant.owner === owner)) continue;
      if (!best || thread.tenants.size < best.tenants.size) best = thread;
    }
    return best;
  }

  function sharedThreads(): number {
    let count = 0;
    for (const { isShared } of threads) if (isShared) count++;
    return count;
  }

  function post(thread: Thread, message: ToThread, transfer: ArrayBuffer[] = []): void {
    thread.worker.postMessage(message, transfer);
  }

  return {
    get size() {
      return threads.size;
    },
    start(start, { owner, isAlone }, hooks) {
      const id = subtasks++;
      const found = isAlone || sharedThreads() < mostShared ? undefined : leastBusy(owner);
      const thread = found ?? startThread(id, start, !isAlone);
      if (found) {
        const isSameWasm = start.wasm === thread.wasm;
        post(thread, {
          id,
          message: { do: "open", start: isSameWasm ? { ...start, wasm: undefined } : start, isSameWasm },
        });
      }
      thread.tenants.set(id, { owner, hooks });
      let isHeld = false;

      function hold(wanted: boolean): void {
        if (wanted === isHeld) return;
        isHeld = wanted;
        thread.holds += wanted ? 1 : -1;
        if (thread.holds === 0) thread.worker.unref();
        else thread.worker.ref();
      }

      return {
        post(message, transfer) {
          if (message.do !== "recycle") thread.line.push(id);
          post(thread, { id, message }, transfer);
        },
        hold,
        async end() {
          thread.tenants.delete(id);
          if (thread.tenants.size > 0) {
            post(thread, { id, message: { do: "close" } });
            hold(false);
            return;
          }
          threads.delete(thread);
          hold(true); // or the process could end while somebody waits here
          thread.ending ??= thread.worker.terminate();
          await thread.ending;
        },
      };
    },
  };
}

/** Of this thread's process; one for all of its sinks. */
export const sharedThreads = threadPool();
