import { setMaxListeners } from "node:events";
import type { SealedBatch } from "../../../src/batch/sealed-batch.ts";
import { type Coordinator, coordinator } from "../../../src/checkpoint/coordinator.ts";
import { stateOn } from "../../../src/checkpoint/file-state.ts";
import type { CommitHooks, EpochCommitter, EpochContext } from "../../../src/destination/destination.ts";
import { crc32 } from "../../../src/encode/crc32.ts";
import { gzipMember } from "../../../src/encode/gzip-member.ts";
import { jsSegment } from "../../../src/encode/js-segment.ts";
import { type MemoryDisk, memoryDisk } from "../../../src/log/memory-disk.ts";
import { k, table } from "../../../src/schema/table.ts";
import { seeded } from "./service.ts";
import type { MakeTarget } from "./target.ts";
import { torn } from "./torn.ts";
import { virtualTime } from "./virtual-time.ts";

export interface TrialResult {
  readonly seed: number;
  readonly lost: string[];
  readonly duplicated: string[];
  readonly refused: number;
  readonly starts: number;
  readonly powerLosses: number;
  readonly zombies: number;
  /** Starts with an older copy of the state. */
  readonly restores: number;
  /** Copies of the state that ran beside it. */
  readonly clones: number;
  /** Starts that were refused because the target was ahead of the state. */
  readonly outdated: number;
}

/**
 * One course of events by a seed: a replayable source of records, a writer that makes a checkpoint now and then, and is
 * killed, or left behind as a zombie that goes on, or loses its power with all that was not synced; its state is copied, and the copy is
 * restored later, or runs beside it; and a target with ills of its own. In the end everything has to be in the target once.
 */
export async function trial(seed: number, makeTarget: MakeTarget): Promise<TrialResult> {
  const random = seeded(seed);
  const time = virtualTime(random);
  const target = makeTarget(random, time);
  const records = Array.from({ length: 20 + Math.floor(random() * 60) }, (_, i) =>
    random() < 0.02 ? target.badRecord(i) : `r${i}`,
  );
  const settings: Omit<EpochContext, "history" | "generation" | "signal"> = {
    table: table("T", { text: k.string() }),
    format: "csv",
    acceptDuplicates: false,
    retries: { retryBaseMs: 5, retryMaxMs: 50, retryTimeoutMs: 100_000, onRetry() {} },
    onWarning() {},
  };
  const letters = new Set<string>();
  let disk = memoryDisk(new Map(), () => time.sleep(random() * 15));
  let starts = 0;
  let powerLosses = 0;
  let zombies = 0;
  let restores = 0;
  let clones = 0;
  let outdated = 0;
  /** Copies of the state as they were made, or as they were left by a clone; none from before the first checkpoint. */
  const copies: MemoryDisk[] = [];
  const copiesState = random() < 0.5;
  let hasCheckpoint = false;
  const drawId = () => Array.from({ length: 12 }, () => Math.floor(random() * 16).toString(16)).join("");
  const zombieWork: Promise<unknown>[] = [];

  /** One process: reads on from where the state says, and ends when all is committed, or when it is killed. */
  async function life(onDisk: MemoryDisk, killed: AbortSignal): Promise<void> {
    const lease = await stateOn(onDisk, "state").open(killed);
    const failed = deferred();
    failed.promise.catch(() => {});
    const job = { name: "job", destination: "model", table: "T", delivery: target.delivery };
    const epochs: Coordinator = await coordinator(lease, job, drawId);
    const hooks: CommitHooks = {
      onRetry() {},
      onAttemptAbandoned() {},
      onWarning() {},
      async onRowsRefused(handle, found) {
        for (const [id, rows] of Object.entries(found)) {
          const batch = handle.prepared.batches.find((each) => each.id === id)!;
          const first = batch.firstRecord;
          for (const { row } of rows) letters.add(records[first + row]!);
        }
      },
    };
    let committer: EpochCommitter;
    try {
      const context = { ...settings, history: epochs, generation: lease.generation, signal: killed };
      committer = await target.open(context, killed);
    } catch (error) {
      await epochs.close();
      throw error;
    }
    const start = Number(epochs.head.positions.source ?? 0);
    if (!target.isLate)
      for (const row of (await target.counts()).keys())
        if (records.indexOf(row) >= start) throw new Error(`${row} is in the target, and the state begins at ${start}`);
    epochs.start({
      commit: (epoch) => committer.commit(epoch, killed, hooks),
      onCommitted() {},
      onRoom() {},
      onFailed: (error) => failed.reject(error),
    });
    const work = (async () => {
      let at = start;
      while (at < records.length) {
        const epoch = epochs.head.epoch + 1;
        const from = at;
        for (let batch = 0; batch < 1 + random() * 3 && at < records.length; batch++) {
          const to = Math.min(records.length, at + 1 + Math.floor(random() * 8));
          await epochs.add(epoch, sealed(`${epoch}-${batch}-${lease.generation}`, records.slice(at, to), at));
          at = to;
          await time.pause();
          alive(killed);
        }
        await epochs.prepare({ source: at }, at - from);
        hasCheckpoint = true;
        alive(killed);
      }
      await epochs.settled();
    })();
    await Promise.race([work, failed.promise]);
    await epochs.close();
    await committer.close(true);
  }

  /** The state is replaced by a copy, or a copy of it is started beside it. */
  async function useCopies(): Promise<void> {
    if (!copiesState || !hasCheckpoint || starts >= 12) return;
    if (copies.length > 0 && random() < 0.2) {
      restores++;
      copies.push(disk.copy());
      disk = copies.shift()!;
      await disk.remove("state/lock");
    }
    if (random() < 0.15) {
      clones++;
      const copy = disk.copy();
      await copy.remove("state/lock");
      copies.push(copy);
      const killer = new AbortController();
      setMaxListeners(0, killer.signal);
      zombieWork.push(life(copy, killer.signal).catch(() => {}));
      if (random() < 0.5) time.sleep(random() * 1_500).then(() => killer.abort());
    }
  }

  async function course(): Promise<void> {
    for (;;) {
      if (++starts > 60) throw new Error("too many starts");
      await useCopies();
      const killer = new AbortController();
      setMaxListeners(0, killer.signal);
      // The last lives are left in peace, so that every course ends.
      const isDoomed = starts < 12 && random() < 0.75;
      const own = life(disk, killer.signal);
      const ended = own.then(
        () => "done",
        (error) => {
          // A zombie that was only about to open has taken the job over; it is killed, and the next start goes on.
          if (overtaken.includes(error.code)) return "overtaken";
          if (error.code === "STATE_OUTDATED" && copies.length > 0) return "outdated";
          throw error;
        },
      );
      const end = isDoomed
        ? await Promise.race([ended, time.sleep(random() * 1_500).then(() => "killed")])
        : await ended;
      if (end === "done") return;
      if (end === "overtaken") {
        await disk.remove("state/lock");
        continue;
      }
      if (end === "outdated") {
        outdated++;
        copies.push(disk);
        disk = copies.shift()!;
        await disk.remove("state/lock");
        continue;
      }
      ended.catch(() => {});
      const fate = random();
      if (fate < 0.35) {
        // A zombie: it was paused, its lock was taken away, and it goes on.
        zombies++;
        zombieWork.push(own.catch(() => {}));
        await disk.remove("state/lock");
      } else {
        killer.abort();
        if (fate < 0.65) {
          powerLosses++;
          target.powerLoss();
        }
        // A killed process leaves what it wrote to the system; a power failure also takes what was not synced.
        disk = disk.powerLoss(fate < 0.65 ? (tail, at) => torn(tail, at, random) : (tail) => tail);
        await disk.remove("state/lock");
      }
      if (copiesState && hasCheckpoint && copies.length < 3 && random() < 0.3) copies.push(disk.copy());
    }
  }

  /** Every copy is started once more when all is done: it finds nothing to do, or is refused. */
  async function afterwards(): Promise<void> {
    for (const copy of copies) {
      await copy.remove("state/lock");
      const killer = new AbortController();
      setMaxListeners(0, killer.signal);
      await life(copy, killer.signal).catch((error) => {
        if (![...overtaken, "STATE_OUTDATED"].includes(error.code)) throw error;
        outdated++;
      });
    }
  }

  await time.run(course(), target.work);
  await time.run(afterwards(), target.work);
  // Late messages and zombies have their say before the count.
  await time.run(Promise.race([Promise.all(zombieWork), time.sleep(5_000)]), target.work);
  await time.run(time.sleep(5_000), target.work);

  const counts = await time.run(target.counts(), target.work);
  return {
    seed,
    lost: records.filter((record) => !counts.has(record) && !letters.has(record)),
    duplicated: [...counts].filter(([, count]) => count > 1).map(([record]) => record),
    refused: letters.size,
    starts,
    powerLosses,
    zombies,
    restores,
    clones,
    outdated,
  };
}

/** How a process ends that another has taken the job from. */
const overtaken = ["STATE_IN_USE", "STATE_FENCED"];

function alive(killed: AbortSignal): void {
  if (killed.aborted) throw new Error("killed");
}

function sealed(id: string, records: readonly string[], first: number): SealedBatch {
  const raw = Buffer.from(records.map((record) => `${record}\n`).join(""));
  const member = gzipMember();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const segment = jsSegment(1, (piece) => parts.push(new Uint8Array(piece)));
  segment.push(raw);
  segment.end();
  member.add({ rows: records.length, rawBytes: raw.length, crc: crc32(0, raw), parts });
  return {
    id,
    table: "T",
    format: "csv",
    ...member.end(),
    subtask: 0,
    firstRecord: first,
    lastRecord: first + records.length - 1,
    sealedBy: "flush",
  };
}

function deferred(): { promise: Promise<never>; reject(reason: unknown): void } {
  let reject!: (reason: unknown) => void;
  const promise = new Promise<never>((_, no) => {
    reject = no;
  });
  return { promise, reject };
}
