import { type MemoryDisk, memoryDisk } from "../log/memory-disk.ts";
import type { DestinationUnderTest } from "./destination-under-test.ts";
import { unlessEpochs } from "./epoch-rules.ts";
import { refusedWith } from "./expected-error.ts";
import { within } from "./patience.ts";
import type { Rule, RuleContext } from "./rule.ts";
import { startProcess, type TargetProcess, unlocked } from "./target-process.ts";
import { assertRows, rowOf } from "./written.ts";

const documented = "docs/destinations.md#one-holder";

/** Rules of states that were lost, restored or copied: the target is what tells. */
export const holderRules: readonly Rule<DestinationUnderTest>[] = [
  {
    name: "exactly once: who made a copy of the state and committed fences the holder before: STATE_FENCED",
    documented,
    lacks: unlessEpochs,
    async check(subject, context) {
      const disk = memoryDisk();
      const first = await startProcess(subject, context, { disk });
      await commits(first, 0, context);
      const second = await startProcess(subject, context, { disk: await unlocked(disk.copy()) });
      await commits(second, 1, context);
      await refusedWith("STATE_FENCED", commits(first, 2, context), "an epoch of the holder before");
      await commits(second, 3, context);
      await closes(second, context);
      await assertRows(subject, [0, 1, 3].map(rowOf), "of two holders");
    },
  },
  {
    name: "exactly once: a state that is older than the target is refused: STATE_OUTDATED",
    documented,
    lacks: unlessEpochs,
    async check(subject, context) {
      const backup = await withBackup(subject, context);
      for (const _ of [1, 2])
        await refusedWith("STATE_OUTDATED", startProcess(subject, context, { disk: backup }), "a backup of the state");
      await assertRows(subject, [0, 1, 2].map(rowOf), "behind the refused openings");
    },
  },
  {
    name: "exactly once: a new state for a target that has epochs of the job is refused: STATE_LOST",
    documented,
    lacks: unlessEpochs,
    async check(subject, context) {
      await withBackup(subject, context);
      const disk = memoryDisk();
      for (const _ of [1, 2])
        await refusedWith("STATE_LOST", startProcess(subject, context, { disk }), "a new state for the job");
      await assertRows(subject, [0, 1, 2].map(rowOf), "behind the refused openings");
    },
  },
  {
    name: "exactly once: acceptDuplicates goes on where the state is outdated or lost, and is not needed again",
    documented,
    lacks: unlessEpochs,
    async check(subject, context) {
      let next = 3;
      const states = [await withBackup(subject, context), memoryDisk()];
      for (const disk of states)
        for (const acceptDuplicates of [true, false]) {
          const opened = await startProcess(subject, context, { disk, acceptDuplicates });
          await commits(opened, next++, context);
          await closes(opened, context);
        }
      await assertRows(
        subject,
        Array.from({ length: next }, (_, n) => rowOf(n)),
        "of three states, one behind the other",
      );
    },
  },
  {
    name: "exactly once: two jobs commit into one table at once, and neither is refused",
    documented,
    lacks: unlessEpochs,
    async check(subject, context) {
      const jobs: TargetProcess[] = [];
      for (const job of ["nightly", "hourly/ümläut 'x'"])
        jobs.push(await startProcess(subject, context, { disk: memoryDisk(), job }));
      for (let n = 0; n < 4; n++) await commits(jobs[n % 2]!, n, context);
      for (const job of jobs) await closes(job, context);
      await assertRows(subject, [0, 1, 2, 3].map(rowOf), "of two jobs");
    },
  },
];

/** Writes the record of this number, and waits until its epoch is in the target. */
async function commits({ sink }: TargetProcess, n: number, { patienceMs }: RuleContext): Promise<void> {
  sink.write(rowOf(n));
  await within(
    patienceMs,
    `committing row ${n}`,
    sink.checkpoint({ positions: { source: n } }).then(() => sink.committed()),
  );
}

async function closes({ sink }: TargetProcess, { patienceMs }: RuleContext): Promise<void> {
  await within(patienceMs, "close() of the sink", sink.close());
}

/** Commits the rows 0 to 2, and gives a copy of the state that was made behind the first. */
async function withBackup(subject: DestinationUnderTest, context: RuleContext): Promise<MemoryDisk> {
  const disk = memoryDisk();
  const process = await startProcess(subject, context, { disk });
  await commits(process, 0, context);
  const backup = await unlocked(disk.copy());
  await commits(process, 1, context);
  await commits(process, 2, context);
  await closes(process, context);
  return backup;
}
