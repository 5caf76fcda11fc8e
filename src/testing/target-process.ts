import { stateOn } from "../checkpoint/file-state.ts";
import type { Letter } from "../deliver/dead-letter.ts";
import type { EpochCommitter } from "../destination/destination.ts";
import type { MemoryDisk } from "../log/memory-disk.ts";
import { open } from "../open.ts";
import type { Sink } from "../sink/sink.ts";
import type { ContractRow, DestinationUnderTest } from "./destination-under-test.ts";
import { within } from "./patience.ts";
import type { RuleContext } from "./rule.ts";
import { type Watch, watched } from "./watched.ts";
import { tableOf } from "./written.ts";

/** Moments between which a process does something that others can see: calls of an epoch's handle, requests to the target, their answers. */
export interface Moments {
  readonly handle: number;
  readonly request: number;
  readonly answer: number;
}

/** What happens to a process at one of them. */
export interface Fate {
  readonly kind: keyof Moments;
  /** The moment, from 0. */
  readonly at: number;
  /** `dies`: the process is killed. `aborts`: the sink is aborted. `sleeps`: it is killed, and its request arrives later. */
  readonly act: "dies" | "aborts" | "sleeps";
}

/** A process with a sink of exactly once into the target. */
export interface TargetProcess {
  open(): Promise<Sink<ContractRow>>;
  /** Once it is open. */
  readonly sink: Sink<ContractRow>;
  readonly passed: Moments;
  /** The moment of its fate has come, and what it was. */
  readonly met: string | undefined;
  readonly isDead: boolean;
  /** Calls of `commit()` that have not settled. */
  readonly committing: ReadonlySet<Promise<void>>;
  /** Has the request of a process that sleeps arrive. */
  wake(): Promise<void>;
  /** It is gone: nothing of it is waited for or closed, but for what the test itself holds. */
  leave(): Promise<void>;
}

export interface ProcessOptions {
  readonly disk: MemoryDisk;
  readonly job?: string;
  readonly fate?: Fate | undefined;
  readonly acceptDuplicates?: boolean;
  readonly letters?: Letter[];
  readonly watch?: Watch;
}

const killed = () => Object.assign(new Error("the process was killed"), { code: "EACCES" });

/** A process with its sink open. */
export async function startProcess(
  subject: DestinationUnderTest,
  context: RuleContext,
  options: ProcessOptions,
): Promise<TargetProcess> {
  const process = targetProcess(subject, context, options);
  await process.open();
  return process;
}

export function targetProcess(
  subject: DestinationUnderTest,
  { patienceMs, after }: RuleContext,
  { disk, job = "contract", fate, acceptDuplicates = false, letters, watch = {} }: ProcessOptions,
): TargetProcess {
  const passed = { handle: 0, request: 0, answer: 0 };
  const committing = new Set<Promise<void>>();
  /** Of a process that died: what they hold is given back at the end of the test. */
  const unclosed: EpochCommitter[] = [];
  let isDead = false;
  let met: string | undefined;
  let late: (() => Promise<unknown>) | undefined;
  let sink: Sink<ContractRow> | undefined;

  function alive(): void {
    if (isDead) throw killed();
  }

  /** @param arrive what is on its way to the target at this moment */
  function pass(kind: keyof Moments, what: string, arrive?: () => Promise<unknown>): void {
    alive();
    if (passed[kind]++ !== fate?.at || fate.kind !== kind) return;
    met = what;
    if (fate.act === "aborts") void sink?.abort();
    else isDead = true;
    if (fate.act === "sleeps") late = arrive;
    alive();
  }

  const call = async <T>(request: () => Promise<T>): Promise<T> => {
    pass("request", "before a request", request);
    const answer = await request();
    pass("answer", "behind a request");
    return answer;
  };
  const destination = watched(subject.destination(call), {
    ...watch,
    committer: (committer) => ({
      commit(epoch, signal, hooks) {
        const commit = committer.commit(epoch, signal, hooks).finally(() => committing.delete(commit));
        commit.catch(() => {}); // the sink is told
        committing.add(commit);
        return commit;
      },
      close: async (isDone) => {
        if (!isDead) await committer.close(isDone);
        else unclosed.push(committer);
      },
      ...watch.committer?.(committer),
    }),
    epoch: (epoch) => ({
      async advance(to, refused) {
        pass("handle", `before ${to.state}`);
        await epoch.advance(to, refused);
        pass("handle", `behind ${to.state}`);
      },
      async read(batch) {
        pass("handle", "before a batch is read");
        return epoch.read(batch);
      },
      async load(batch) {
        pass("handle", "before a batch is read");
        return epoch.load(batch);
      },
      ...watch.epoch?.(epoch),
    }),
  });
  const leave = async () => {
    isDead = true;
    if (sink) await within(patienceMs, "abort()", sink.abort());
  };
  after(async () => {
    await leave();
    for (const committer of unclosed) await committer.close(false).catch(() => {});
  });
  return {
    ...{ passed, committing, leave },
    async open() {
      sink = await open({
        ...{
          table: tableOf(subject),
          to: destination,
          deliveryGuarantee: "exactly-once",
          state: stateOn(disk, "state"),
        },
        ...{
          job,
          acceptDuplicates,
          parallelism: 0,
          batchSize: 2,
          retryBaseMs: 1,
          retryMaxMs: 5,
          retryTimeoutMs: 1_000,
        },
        ...(letters && { deadLetter: { write: (letter: Letter) => void letters.push(letter), close: async () => {} } }),
        ...subject.options,
      });
      return sink;
    },
    get sink() {
      if (!sink) throw new Error("the sink is not open");
      return sink;
    },
    get met() {
      return met;
    },
    get isDead() {
      return isDead;
    },
    async wake() {
      await late?.().catch(() => {}); // nobody is there to hear it
    },
  };
}

/** The state as the next process of this machine finds it. */
export async function unlocked(disk: MemoryDisk): Promise<MemoryDisk> {
  await disk.remove("state/lock");
  return disk;
}
