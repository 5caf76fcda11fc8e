import assert from "node:assert/strict";
import type { Letter } from "../deliver/dead-letter.ts";
import { memoryDisk } from "../log/memory-disk.ts";
import type { DestinationUnderTest } from "./destination-under-test.ts";
import { within } from "./patience.ts";
import { below } from "./random.ts";
import { CannotCheck, type Rule, type RuleContext } from "./rule.ts";
import {
  type Fate,
  type Moments,
  type ProcessOptions,
  startProcess,
  type TargetProcess,
  targetProcess,
  unlocked,
} from "./target-process.ts";
import { assertRows, rowOf, rowsFrom } from "./written.ts";

const documented = "docs/destinations.md#exactly-once";

/** Rows of an epoch: three batches. */
const perEpoch = 5;
const epochs = 3;
const perJob = perEpoch * epochs;

export function unlessEpochs(subject: DestinationUnderTest): string | undefined {
  const { openEpochs } = subject.destination((request) => request());
  return openEpochs ? undefined : "the destination has no openEpochs(), and delivers at least once";
}

/** Rules of committing epochs, whatever cuts it short. */
export const epochRules: readonly Rule<DestinationUnderTest>[] = [
  {
    name: "exactly once: each row of each epoch is there once, also of epochs that overlap",
    documented,
    lacks: unlessEpochs,
    async check(subject, context) {
      await course(subject, context, { disk: memoryDisk() }, 0, 10);
      await assertRows(subject, rowsFrom(0, 10 * perEpoch), "10 epochs");
    },
  },
  {
    name: "exactly once: a process that is killed at any call of the epoch's handle",
    documented,
    lacks: unlessEpochs,
    async check(subject, context) {
      let rows = perJob;
      for (const at of someOf((await moments(subject, context)).handle, context)) {
        const { met } = await killed(subject, context, rows, { kind: "handle", at, act: "dies" });
        rows += perJob;
        await assertRows(subject, rowsFrom(0, rows), `killed ${met ?? "at no moment"} (moment ${at})`);
      }
    },
  },
  {
    name: "exactly once: a process that is killed before or behind any request",
    documented,
    lacks: unlessEpochs,
    async check(subject, context) {
      let rows = 0;
      const moments = await someRequests(subject, context);
      for (const kind of ["request", "answer"] as const)
        for (const at of moments) {
          rows += perJob;
          const { met } = await killed(subject, context, rows, { kind, at, act: "dies" });
          await assertRows(subject, rowsFrom(0, rows + perJob), `killed ${met ?? "at no moment"} (moment ${at})`);
        }
    },
  },
  {
    name: "exactly once: a request of a killed process that arrives when the next one is done",
    documented,
    lacks: unlessEpochs,
    async check(subject, context) {
      let rows = perJob;
      for (const at of await someRequests(subject, context)) {
        const process = await killed(subject, context, rows, { kind: "request", at, act: "sleeps" });
        rows += perJob;
        await process.wake();
        await assertRows(subject, rowsFrom(0, rows), `a request (moment ${at}) that arrived late`);
      }
    },
  },
  {
    name: "exactly once: PREPARED means that the target has nothing of the epoch",
    documented,
    lacks: unlessEpochs,
    async check(subject, context) {
      const watch: ProcessOptions["watch"] = {
        epoch: (epoch) => ({
          async advance(to, refused) {
            if (epoch.progress.state === "PREPARED") await assertRows(subject, [], "an epoch that is PREPARED");
            return epoch.advance(to, refused);
          },
        }),
      };
      await course(subject, context, { disk: memoryDisk(), watch }, 0, 1);
    },
  },
  {
    name: "exactly once: an abort in the midst ends commit(), and the next process commits",
    documented,
    lacks: unlessEpochs,
    async check(subject, context) {
      let rows = perJob;
      for (const at of someOf((await moments(subject, context)).handle, context)) {
        await killed(subject, context, rows, { kind: "handle", at, act: "aborts" });
        rows += perJob;
        await assertRows(subject, rowsFrom(0, rows), `aborted at moment ${at}`);
      }
    },
  },
  {
    name: "exactly once: rows that the target refuses go to the hooks, and their neighbours are there once",
    documented,
    lacks: (subject) =>
      unlessEpochs(subject) ??
      (subject.refusedText === undefined ? "refusedText is not given, so no row is refused" : undefined),
    async check(subject, context) {
      const refused = { ...rowOf(3), text: subject.refusedText! };
      let rows = 0;
      async function withRefused(fate: Fate): Promise<Moments> {
        const letters: Letter[] = [];
        const { met, passed } = await killed(subject, context, rows, fate, { ...refused, n: rows + 3 }, letters);
        rows += perJob;
        const what = `killed ${met ?? "at no moment"} (moment ${fate.at})`;
        const expected = rowsFrom(0, rows).filter(({ n }) => n % perJob !== 3);
        await assertRows(subject, expected, `a refused row, ${what}`);
        const found = letters.filter(({ original }) => String(original).includes(subject.refusedText!));
        assert.ok(found.length > 0, `the dead letter has not the row, ${what}`);
        assert.equal(letters.length, found.length, `the dead letter has other rows, ${what}`);
        if (met === undefined) assert.equal(found.length, 1, "letters of one row, with nothing killed");
        return passed;
      }
      const { handle } = await withRefused({ kind: "handle", at: -1, act: "dies" });
      for (const at of someOf(handle, context)) await withRefused({ kind: "handle", at, act: "dies" });
    },
  },
  {
    name: "exactly once: a committer closes twice, and the next one goes on",
    documented,
    lacks: unlessEpochs,
    async check(subject, context) {
      const failures: unknown[] = [];
      const keep = (error: unknown) => void failures.push(error);
      const watch: ProcessOptions["watch"] = {
        committer: (committer) => ({
          async close(isDone) {
            await committer.close(isDone).catch(keep);
            await committer.close(isDone).catch(keep);
          },
        }),
      };
      const disk = memoryDisk();
      for (const from of [0, 1, 2]) await course(subject, context, { disk, watch }, from * perEpoch, 1, from + 1);
      assert.deepEqual(failures, [], "what close() threw");
      await assertRows(subject, rowsFrom(0, 3 * perEpoch), "three sinks, each behind the other");
    },
  },
];

/** Writes epochs one behind the other, without waiting for their commit, and closes. */
async function course(
  subject: DestinationUnderTest,
  context: RuleContext,
  options: ProcessOptions,
  first: number,
  count: number,
  source = 1,
) {
  const process = await startProcess(subject, context, options);
  for (let epoch = 0; epoch < count; epoch++) {
    for (const row of rowsFrom(first + epoch * perEpoch, perEpoch)) process.sink.write(row);
    await process.sink.checkpoint({ positions: { source: source + epoch } });
  }
  await within(context.patienceMs, "close() of the sink", process.sink.close());
  return process;
}

/** A process that meets its fate, and another that goes on: each with the source that both read. */
async function killed(
  subject: DestinationUnderTest,
  context: RuleContext,
  first: number,
  fate: Fate,
  other = rowOf(first),
  letters?: Letter[],
) {
  const disk = memoryDisk();
  const options = { disk, job: `job ${first}`, ...(letters && { letters }) };

  async function writes(process: TargetProcess): Promise<void> {
    const sink = await process.open();
    for (let epoch = Number(sink.restored?.positions.source ?? 0); epoch < epochs; epoch++) {
      for (const row of rowsFrom(first + epoch * perEpoch, perEpoch)) sink.write(row.n === other.n ? other : row);
      await sink.checkpoint({ positions: { source: epoch + 1 } });
    }
    await sink.close();
  }

  const process = targetProcess(subject, context, { ...options, fate });
  const failure = await within(
    context.patienceMs,
    "a process",
    writes(process).then(
      () => undefined,
      (error: unknown) => error,
    ),
  );
  if (process.met === undefined) {
    if (failure) throw failure;
    return process;
  }
  const { committing } = process;
  if (fate.act === "aborts")
    await within(context.patienceMs, "commit() whose signal has fired", Promise.allSettled([...committing]));
  await process.leave();
  await unlocked(disk);
  await within(context.patienceMs, "the next process", writes(targetProcess(subject, context, options)));
  return process;
}

/** How many moments a process has that nothing happens to. */
async function moments(subject: DestinationUnderTest, context: RuleContext): Promise<Moments> {
  const { passed } = await killed(subject, context, 0, { kind: "handle", at: -1, act: "dies" });
  return passed;
}

/** Some of the requests that a process makes. */
async function someRequests(subject: DestinationUnderTest, context: RuleContext): Promise<number[]> {
  const { request } = await moments(subject, context);
  if (request === 0) throw new CannotCheck("the destination makes no request through the call that it is given");
  return someOf(request, context);
}

/** All moments, or as many of them as there are trials. */
function someOf(count: number, { trials, random }: RuleContext): number[] {
  if (count <= trials) return Array.from({ length: count }, (_, at) => at);
  return Array.from({ length: trials }, () => below(random, count));
}
