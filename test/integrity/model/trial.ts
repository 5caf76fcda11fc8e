import { setMaxListeners } from "node:events";
import type { SealedBatch } from "../../../src/batch/sealed-batch.ts";
import { type Coordinator, coordinator } from "../../../src/checkpoint/coordinator.ts";
import type { RefusedRows } from "../../../src/checkpoint/epoch.ts";
import { stateOn } from "../../../src/checkpoint/file-state.ts";
import type { StateBackend } from "../../../src/checkpoint/state-backend.ts";
import { type CommitPolicy, commitStaged } from "../../../src/deliver/commit-staged.ts";
import { commitTagged } from "../../../src/deliver/commit-tagged.ts";
import type { CommitMode, EpochSession } from "../../../src/destination/destination.ts";
import { crc32 } from "../../../src/encode/crc32.ts";
import { gzipMember } from "../../../src/encode/gzip-member.ts";
import { jsSegment } from "../../../src/encode/js-segment.ts";
import { type MemoryDisk, memoryDisk } from "../../../src/log/memory-disk.ts";
import { type Ills, modelService, poison, seeded } from "./service.ts";
import { virtualTime } from "./virtual-time.ts";

/** What a trial can have broken on purpose, to see that the trial finds it. */
export interface Sabotage {
  session?(session: EpochSession): EpochSession;
  state?(state: StateBackend): StateBackend;
  /** Wraps the disk that each process sees; the trial itself goes on with the true one. */
  disk?(disk: MemoryDisk): MemoryDisk;
}

export interface TrialResult {
  readonly seed: number;
  readonly lost: string[];
  readonly duplicated: string[];
  readonly refused: number;
  readonly starts: number;
  readonly powerLosses: number;
  readonly zombies: number;
}

/**
 * One course of events by a seed: a replayable source of records, a writer that makes a checkpoint now and then, and is
 * killed, or left behind as a zombie that goes on, or loses its power with all that was not synced; a service that repeats,
 * delays, reorders, forgets and fails. In the end everything has to be in the target once.
 */
export async function trial(seed: number, mode: CommitMode, sabotage: Sabotage = {}): Promise<TrialResult> {
  const random = seeded(seed);
  const time = virtualTime(random);
  const ills: Ills = {
    duplicate: random() * 0.4,
    refuse: random() * 0.2,
    loseAnswer: random() * 0.2,
    drop: random() * 0.15,
    failOnce: random() * 0.1,
    looksEarly: random(),
  };
  const service = modelService(random, ills, time.now, time.pause);
  const records = Array.from({ length: 20 + Math.floor(random() * 60) }, (_, i) =>
    random() < 0.02 ? `r${i} ${poison}` : `r${i}`,
  );
  const policy: CommitPolicy = {
    retryBaseMs: 5,
    retryMaxMs: 50,
    retryTimeoutMs: 100_000,
    pollIntervalMs: 40,
    attemptTimeoutMs: 400,
    mostAttempts: 200,
    // From every batch alone to a handful in one blob.
    blobBytesLimit: random() * 100,
    clock: time,
  };
  const letters = new Set<string>();
  let disk = memoryDisk(new Map(), () => time.sleep(random() * 15));
  let starts = 0;
  let powerLosses = 0;
  let zombies = 0;
  const zombieWork: Promise<unknown>[] = [];

  /** One process: reads on from where the state says, and ends when all is committed, or when it is killed. */
  async function life(onDisk: MemoryDisk, killed: AbortSignal): Promise<void> {
    let state = stateOn(sabotage.disk?.(onDisk) ?? onDisk, "state");
    state = sabotage.state?.(state) ?? state;
    const lease = await state.open(killed);
    const failed = deferred();
    failed.promise.catch(() => {});
    let session: EpochSession;
    const epochs: Coordinator = await coordinator(
      lease,
      { name: "job", destination: "model", table: "T", delivery: mode },
      {
        async commit(epoch) {
          const commit = mode === "tag" ? commitTagged : commitStaged;
          await commit(epoch, session, policy, killed, {
            onRetry() {},
            onAttemptAbandoned() {},
            onWarning() {},
            async onRowsRefused(handle, found: RefusedRows) {
              for (const [id, rows] of Object.entries(found)) {
                const batch = handle.prepared.batches.find((each) => each.id === id)!;
                const first = batch.firstRecord;
                for (const { row } of rows) letters.add(records[first + row]!);
              }
            },
          });
        },
        onCommitted() {},
        onRoom() {},
        onFailed: (error) => failed.reject(error),
      },
    );
    const opened = await service.open(lease.generation, mode);
    session = sabotage.session?.(opened) ?? opened;
    epochs.start();
    const work = (async () => {
      let at = Number(epochs.head.positions.source ?? 0);
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
        alive(killed);
      }
      await epochs.settled();
    })();
    await Promise.race([work, failed.promise]);
    await epochs.close();
  }

  async function course(): Promise<void> {
    for (;;) {
      if (++starts > 60) throw new Error("too many starts");
      const killer = new AbortController();
      setMaxListeners(0, killer.signal);
      // The last lives are left in peace, so that every course ends.
      const isDoomed = starts < 12 && random() < 0.75;
      const own = life(disk, killer.signal);
      own.catch(() => {});
      if (!isDoomed) {
        try {
          return await own;
        } catch (error) {
          // A zombie that was only about to open has taken the job over; it is killed, and the next start goes on.
          if (!overtaken.includes(String((error as { code?: string }).code))) throw error;
          await disk.remove("state/lock");
          continue;
        }
      }
      const done = own.then(
        () => "done",
        (error) => {
          if (!overtaken.includes(error.code)) throw error;
          return "killed";
        },
      );
      const end = await Promise.race([done, time.sleep(random() * 1_500).then(() => "killed")]);
      if (end === "done") return;
      const fate = random();
      if (fate < 0.35) {
        // A zombie: it was paused, its lock was taken away, and it goes on.
        zombies++;
        zombieWork.push(own.catch(() => {}));
        await disk.remove("state/lock");
      } else {
        killer.abort();
        if (fate < 0.65) powerLosses++;
        // A killed process leaves what it wrote to the system; a power failure also takes what was not synced.
        disk = disk.powerLoss(fate < 0.65 ? (tail, at) => torn(tail, at, random) : (tail) => tail);
        await disk.remove("state/lock");
      }
    }
  }

  await time.run(course(), service.work);
  // Late messages and zombies have their say before the count.
  await time.run(Promise.race([Promise.all(zombieWork), time.sleep(5_000)]), service.work);
  await time.run(time.sleep(5_000), service.work);

  const counts = service.counts();
  return {
    seed,
    lost: records.filter((record) => !counts.has(record) && !letters.has(record)),
    duplicated: [...counts].filter(([, count]) => count > 1).map(([record]) => record),
    refused: letters.size,
    starts,
    powerLosses,
    zombies,
  };
}

/** How a process ends that another has taken the job from. */
const overtaken = ["STATE_IN_USE", "STATE_FENCED", "NOT_FOUND"];

/** Some of what was not synced, now and then with zeros from some sector on, for the file's length may come first. */
function torn(tail: Uint8Array, at: number, random: () => number): Uint8Array {
  const left = tail.slice(0, Math.ceil(random() * 2 * tail.length));
  const hole = Math.ceil((at + random() * left.length) / 512) * 512 - at;
  if (random() < 0.7) left.fill(0, hole);
  return left;
}

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
