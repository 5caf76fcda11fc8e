import { writeSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { stateOn } from "../../../src/checkpoint/file-state.ts";
import type { StateBackend } from "../../../src/checkpoint/state-backend.ts";
import { filesOn } from "../../../src/connectors/files/index.ts";
import type { EpochSession } from "../../../src/connectors/kusto/commit/epoch-session.ts";
import type { KustoOptions } from "../../../src/connectors/kusto/index.ts";
import type { Destination } from "../../../src/destination/destination.ts";
import { coerce, fileDeadLetter, files, MillraceError, open, run, tableOf } from "../../../src/index.ts";
import { nodeDisk } from "../../../src/log/node-disk.ts";
import { throughSession } from "../../connectors/kusto/through-session.ts";
import { type Killer, killingFolderDisk, killingStateDisk } from "./killing-disk.ts";
import type { ChildPlan, KillPoint } from "./points.ts";

// A writer as a user would have it: files into a table, with checkpoints. It kills itself at the point that it was given.

const plan: ChildPlan = JSON.parse(process.env.MILLRACE_CRASH_PLAN!);
let left = plan.kill?.nth ?? 0;

const killer: Killer = {
  isNext: (point) => plan.kill?.point === point && left === 1,
  at,
};

function at(point: KillPoint): void {
  if (plan.kill?.point !== point || --left > 0) return;
  process.kill(process.pid, "SIGKILL");
  // The signal is on its way; nothing of ours may happen until it is here.
  for (;;);
}

interface Progress {
  readonly state: string;
  readonly detail?: { readonly step: string };
}

function stepOf({ state, detail }: Progress): string {
  return state === "IN_DOUBT" ? detail!.step : state;
}

/** Kills behind the decisions. */
function killingState(state: StateBackend): StateBackend {
  return {
    name: state.name,
    async open(signal) {
      const lease = await state.open(signal);
      return {
        ...lease,
        generation: lease.generation,
        async compareAndSet(changes) {
          await lease.compareAndSet(changes);
          for (const { key, value } of changes) {
            if (!key.endsWith("/progress")) continue;
            if (value === undefined) at("epoch forgotten");
            else at(`${stepOf(value as unknown as Progress)} stored` as KillPoint);
          }
        },
      };
    },
  };
}

function killingDestination(options: KustoOptions): Destination {
  const to = throughSession(options, killingSession);
  return {
    ...to,
    async open(context) {
      const session = await to.open(context);
      return {
        ...session,
        async stage(batch, signal) {
          at("upload begun");
          const staged = await session.stage(batch, signal);
          at("upload done");
          return staged;
        },
        async submit(staged, signal) {
          at("message begun");
          await session.submit(staged, signal);
          at("message posted");
        },
      };
    },
  };
}

function killingSession(session: EpochSession): EpochSession {
  return {
    ...session,
    async makeStaging(signal) {
      const made = await session.makeStaging(signal);
      at("staging made");
      return made;
    },
    async tagsUnder(prefix, signal, isPrompt) {
      const answer = await session.tagsUnder(prefix, signal, isPrompt);
      at("target asked");
      return answer;
    },
    async stage(batch, signal) {
      at("upload begun");
      const staged = await session.stage(batch, signal);
      at("upload done");
      return staged;
    },
    async submit(staged, tags, signal) {
      at("message begun");
      await session.submit(staged, tags, signal);
      at("message posted");
    },
    async arrived(tag, ids, signal) {
      const arrived = await session.arrived(tag, ids, signal);
      if (arrived.extents.length > 0) at("arrival seen");
      return arrived;
    },
    async commit(tag, extents, rows, signal) {
      at("commit begun");
      await session.commit(tag, extents, rows, signal);
      at("commit done");
    },
  };
}

function killingKusto(): Destination {
  const { cluster, database, mode, blobBytesLimit, attemptTimeoutMs } = plan;
  const isExact = mode === "move" || mode === "append" || mode === "tag";
  return killingDestination({
    ...{ cluster, database, blobBytesLimit, attemptTimeoutMs },
    ...(isExact ? { commitMode: mode } : { pollForIngestionStatus: true, pollTimeoutMs: 15_000 }),
    flushImmediately: true,
    pollIntervalMs: 200,
  });
}

async function write(): Promise<void> {
  const isFiles = plan.destination === "files";
  const target = tableOf(plan.table, [
    { name: "id", kind: "long", isOptional: false },
    { name: "text", kind: "string", isOptional: false },
    ...(isFiles ? [{ name: "shelf", kind: "string", isOptional: false } as const] : []),
  ]);
  const sink = await open({
    table: target,
    to: isFiles ? filesOn(killingFolderDisk(nodeDisk, killer, plan.fullDisk), plan.into, plan.layout) : killingKusto(),
    state: killingState(stateOn(killingStateDisk(nodeDisk, killer, plan.fullDisk), plan.state)),
    job: plan.job,
    format: plan.format,
    deliveryGuarantee: plan.mode === "at-least-once" ? "at-least-once" : "exactly-once",
    parallelism: plan.parallelism,
    batchSize: 20,
    retryBaseMs: 20,
    retryMaxMs: 500,
    retryTimeoutMs: 30_000,
    deadLetter: fileDeadLetter(plan.deadLetter),
  });

  if (plan.kill?.point === "any moment") setTimeout(() => process.kill(process.pid, "SIGKILL"), plan.kill.afterMs);

  const source = files(`${plan.source}/*.ndjson`);
  let slices = 0;
  await run({
    from: {
      ...source,
      // Slow, so that there are checkpoints in its midst.
      async *read(positions, signal) {
        for await (const slice of source.read(positions, signal)) {
          yield slice;
          await pause(plan.sliceMs);
        }
      },
    },
    into: sink,
    through: coerce(target, "json"),
    checkpointMs: 25,
    onProgress() {
      if (++slices === 2) at("records buffered");
    },
  });
  await sink.close();
}

try {
  await write();
} catch (error) {
  // The kit tells a refusal from another failure by the code.
  if (error instanceof MillraceError) writeSync(process.stdout.fd, `${error.code}\n`);
  // Thrown on, it would be shown with its line of the bundle, which is a megabyte long.
  writeSync(process.stderr.fd, `${error instanceof Error ? error.stack : error}\n`);
  process.exit(1);
}
