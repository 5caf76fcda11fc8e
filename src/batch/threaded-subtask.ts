import type { Chunk } from "../encode/chunk.ts";
import { type MillraceError, reasonOf } from "../errors.ts";
import type { Job, RawChunkJob, SubtaskProgress, SubtaskSegment } from "./job.ts";
import { subtaskFailed } from "./subtask-failed.ts";
import type { FromSubtask, SubtaskStart, ToSubtask } from "./subtask-messages.ts";
import type { SubtaskHooks, SubtaskPort } from "./subtask-port.ts";
import { type SubtaskThread, sharedThreads, type ThreadEnd, type ThreadPool } from "./thread-pool.ts";

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

/** A request that is made again if the thread dies: a job, or a cut where there is none. */
interface Kept {
  job: Job | undefined;
  /** By the thread that runs now. */
  isAnswered: boolean;
  /** What was found in the raw chunk was told, perhaps by an earlier thread. */
  isTold: boolean;
}

/**
 * Runs a subtask on a worker thread, which it shares with subtasks of other sinks. What it was given is kept here until its rows have come back in segments: when the
 * thread dies, a new one does again what was not finished, and no row is lost or sent twice. Raw chunks are shared and packed
 * parts transferred, never copied. The thread keeps the process alive only while it owes an answer, so a program that
 * forgets `close()` still ends.
 */
export function threadedSubtask(
  start: SubtaskStart,
  hooks: SubtaskHooks,
  restarts: RestartPolicy = defaultRestarts,
  threads: ThreadPool = sharedThreads,
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
  let thread: SubtaskThread | undefined;
  /** A thread died while it did this subtask's request: the next one is for it alone. */
  let isSuspect = false;
  let replacing: Promise<unknown> | undefined;
  let failure: MillraceError | undefined;
  let isClosing = false;

  function spawn(): void {
    // The hooks are those of the sink, and the same for all of its subtasks.
    const own = threads.start(
      { ...start, open },
      { owner: hooks, isAlone: isSuspect },
      {
        onMessage(message) {
          if (own === thread) hear(message);
        },
        onEnd(end) {
          if (own === thread) replace(own, end);
        },
      },
    );
    thread = own;
  }

  /** Puts a new thread in the place of one that died, as often as the policy allows. */
  function replace(dead: SubtaskThread, { what, cause, hasEnded, isOwnFault }: ThreadEnd): void {
    thread = undefined;
    owed = 0;
    if (isClosing) return;
    const now = performance.now();
    deaths = deaths.filter((at) => now - at < restarts.withinMs);
    if (isOwnFault && deaths.length >= restarts.most) {
      const seconds = restarts.withinMs / 1000;
      replacing = dead.end().catch(() => {}); // it may be a thread without a fault of its own
      fail(`${what} (${deaths.length} threads before it ended within ${seconds} s)`, cause);
      return;
    }
    if (isOwnFault) deaths.push(now);
    isSuspect ||= isOwnFault;
    timesDied++;
    if (hasEnded) {
      takeOver(what);
      return;
    }
    dead.hold(true); // or the process could end before the new thread is there
    const next = () => {
      dead.hold(false);
      takeOver(what);
    };
    replacing = dead.end().then(next, next);
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
    if (thread) ask(made);
  }

  function ask({ job }: Kept): void {
    if (owed++ === 0) thread!.hold(true);
    post(job ? { do: "encode", job } : { do: "cut" });
  }

  function post(message: ToSubtask, transfer: ArrayBuffer[] = []): void {
    thread?.post(message, transfer);
  }

  function submit(rows: { readonly chunk: Chunk } | Pick<RawChunkJob, "rawChunk" | "tally">, openedAt: number): void {
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
    if (--owed === 0 && !isClosing) thread!.hold(false);
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
      hooks.onRawEncoded(port, (job as RawChunkJob).rawChunk, message.tally);
    } else hooks.onEncoded(port);
  }

  /** Lets go of what need not be done again. */
  function settle(done: SubtaskProgress): void {
    for (let first = kept[0]; first !== undefined; first = kept[0]) {
      const { job } = first;
      if (job ? job.number >= done.number : !first.isAnswered) break;
      kept.shift();
      if (job) hooks.onDone("chunk" in job ? job.chunk : job.rawChunk);
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
    submitRaw(rawChunk, openedAt) {
      submit({ rawChunk, tally: { rows: 0, refused: [] } }, openedAt);
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
      await Promise.all([replacing, thread?.end()]);
    },
  };
  return port;
}

const nothing = { rows: 0, rawBytes: 0 };

/** The job without what a segment has brought of it already. */
function behind(job: Job, { from, tally }: SubtaskProgress): Job {
  return "rawChunk" in job ? { ...job, from, tally: tally ?? job.tally } : { ...job, from };
}
