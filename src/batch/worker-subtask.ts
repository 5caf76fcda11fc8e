import { Worker, type WorkerOptions } from "node:worker_threads";
import type { Chunk } from "../encode/chunk.ts";
import { type MillraceError, reasonOf } from "../errors.ts";
import type { Job, Progress, SlabJob, SubtaskSegment } from "./job.ts";
import { subtaskFailed } from "./subtask-failed.ts";
import type { FromSubtask, SubtaskStart, ThreadStart, ToSubtask } from "./subtask-messages.ts";
import type { SubtaskHooks, SubtaskPort } from "./subtask-port.ts";
import { workerText } from "./worker.generated.ts";

/**
 * How often a subtask gets a new thread: rows that kill every thread that touches them must end in an error, and a machine
 * that kills one now and then must not.
 */
export interface RestartPolicy {
  /** So many within the time; one more death is the end. */
  readonly most: number;
  readonly withinMs: number;
}

const defaultRestarts: RestartPolicy = { most: 3, withinMs: 60_000 };

/** For tests: what runs the worker's text. */
export type StartThread = (text: string, options: WorkerOptions) => Worker;

/** A request that is made again if the thread dies: a job, or a cut where there is none. */
interface Kept {
  job: Job | undefined;
  /** By the thread that runs now. */
  isAnswered: boolean;
  /** What was found in the slab was told, perhaps by an earlier thread. */
  isTold: boolean;
}

/**
 * Runs a subtask on a worker thread. What it was given is kept here until its rows have come back in segments: when the
 * thread dies, a new one does again what was not finished, and no row is lost or sent twice. Slabs are shared and packed
 * parts transferred, never copied. The thread keeps the process alive only while it owes an answer, so a program that
 * forgets `close()` still ends.
 */
export function workerSubtask(
  start: SubtaskStart,
  hooks: SubtaskHooks,
  restarts: RestartPolicy = defaultRestarts,
  startThread: StartThread = (text, options) => new Worker(text, options),
): SubtaskPort {
  const { index, hasOwnBatch } = start.plan;
  const kept: Kept[] = [];
  let deaths: number[] = [];
  let timesDied = 0;
  let jobs = 0;
  let outstanding = 0;
  let owed = 0;
  /** Of the subtask's own open batch, what the segments that have come back hold. */
  let open = nothing;
  let worker: Worker | undefined;
  let replacing: Promise<unknown> | undefined;
  let failure: MillraceError | undefined;
  let isClosing = false;

  function spawn(): void {
    const workerData: ThreadStart = { ...start, open };
    // execArgv is emptied so that the loaders of the host program (tsx, coverage) are not started again for plain text.
    const thread = startThread(workerText, { eval: true, workerData, execArgv: [], name: `millrace-${index}` });
    worker = thread;
    let hasEnded = false;
    const end = (what: string, cause?: unknown) => {
      if (thread === worker) replace(thread, hasEnded, what, cause);
    };
    thread.on("error", (error) => end(reasonOf(error), error));
    thread.on("messageerror", (error) => end(reasonOf(error), error));
    thread.on("exit", (code) => {
      hasEnded = true;
      end(`its thread exited with code ${code}`);
    });
    thread.on("message", (message: FromSubtask) => {
      if (thread === worker) hear(message);
    });
    thread.unref(); // behind the listeners: a "message" listener takes hold of the process again
  }

  /** Puts a new thread in the place of one that died, as often as the policy allows. */
  function replace(dead: Worker, hasEnded: boolean, what: string, cause: unknown): void {
    worker = undefined;
    owed = 0;
    if (isClosing) return;
    const now = performance.now();
    deaths = deaths.filter((at) => now - at < restarts.withinMs);
    if (deaths.length >= restarts.most) {
      const seconds = restarts.withinMs / 1000;
      fail(`${what} (${deaths.length} threads before it ended within ${seconds} s)`, cause);
      return;
    }
    deaths.push(now);
    timesDied++;
    if (hasEnded) {
      takeOver(what);
      return;
    }
    dead.ref(); // or the process could end before the new thread is there
    const next = () => takeOver(what);
    replacing = dead.terminate().then(next, next);
  }

  function takeOver(reason: string): void {
    if (isClosing) return;
    try {
      spawn();
    } catch (error) {
      fail(`${reason}, and no new thread could be started: ${reasonOf(error)}`, error);
      return;
    }
    const repeated = kept.filter(({ job }) => job).length;
    outstanding = repeated;
    for (const request of kept) {
      request.isAnswered = false;
      ask(request);
    }
    hooks.onRestarted({ subtask: index, restarts: timesDied, repeated, reason });
  }

  function fail(what: string, cause: unknown): void {
    failure = subtaskFailed(start.plan, what, cause);
    hooks.onFailed(failure);
  }

  function request(job: Job | undefined): void {
    if (failure) throw failure;
    const made = { job, isAnswered: false, isTold: false };
    kept.push(made);
    // Between two threads it waits for the next one.
    if (worker) ask(made);
  }

  function ask({ job }: Kept): void {
    if (owed++ === 0) worker!.ref();
    post(job ? { do: "encode", job } : { do: "cut" });
  }

  function post(message: ToSubtask, transfer: ArrayBuffer[] = []): void {
    worker?.postMessage(message, transfer);
  }

  function submit(rows: { readonly chunk: Chunk } | Pick<SlabJob, "slab" | "tally">, openedAt: number): void {
    request({ ...rows, number: jobs, from: 0, openedAt });
    jobs++;
    outstanding++;
  }

  function hear(message: FromSubtask): void {
    if (message.did === "segment") hearSegment(message.segment);
    else hearAnswer(message);
  }

  function hearSegment(segment: SubtaskSegment): void {
    const { rows, rawBytes, isFull } = segment;
    open = isFull || !hasOwnBatch ? nothing : { rows: open.rows + rows, rawBytes: open.rawBytes + rawBytes };
    settle(segment.done);
    hooks.onSegment(port, segment);
  }

  function hearAnswer(message: Exclude<FromSubtask, { did: "segment" }>): void {
    const answered = kept.find((one) => !one.isAnswered)!;
    answered.isAnswered = true;
    if (--owed === 0 && !isClosing) worker!.unref();
    settle(message.done);
    if (message.did === "cut") {
      open = nothing;
      hooks.onCut(port);
      return;
    }
    outstanding--;
    const { job } = answered;
    if (message.tally && !answered.isTold) {
      answered.isTold = true;
      hooks.onRawEncoded(port, (job as SlabJob).slab, message.tally);
    } else hooks.onEncoded(port);
  }

  /** Lets go of what need not be done again. */
  function settle(done: Progress): void {
    for (let first = kept[0]; first !== undefined; first = kept[0]) {
      const { job } = first;
      if (job ? job.number >= done.number : !first.isAnswered) break;
      kept.shift();
      if (job) hooks.onDone("chunk" in job ? job.chunk : job.slab);
    }
    const rest = kept[0];
    if (rest?.job?.number === done.number) rest.job = behind(rest.job, done);
  }

  spawn();

  const port: SubtaskPort = {
    index,
    get outstanding() {
      return outstanding;
    },
    get oldest() {
      return kept.find(({ job }) => job)?.job?.openedAt;
    },
    submit(chunk, openedAt) {
      submit({ chunk }, openedAt);
    },
    submitRaw(slab, openedAt) {
      submit({ slab, tally: { rows: 0, refused: [] } }, openedAt);
    },
    cut() {
      request(undefined);
    },
    recycle(parts) {
      const whole = parts.map((part) => part.buffer);
      post({ do: "recycle", parts }, whole);
    },
    async close() {
      isClosing = true;
      worker?.ref(); // or the process could end while it waits here
      await Promise.all([replacing, worker?.terminate()]);
    },
  };
  return port;
}

const nothing = { rows: 0, rawBytes: 0 };

/** The job without what a segment has brought of it already. */
function behind(job: Job, { from, tally }: Progress): Job {
  return "slab" in job ? { ...job, from, tally: tally ?? job.tally } : { ...job, from };
}
