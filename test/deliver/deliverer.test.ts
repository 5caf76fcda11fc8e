import assert from "node:assert/strict";
import { test } from "node:test";
import type { SealedBatch } from "../../src/batch/sealed-batch.ts";
import { type BatchRetry, deliverer } from "../../src/deliver/deliverer.ts";
import type { DestinationSession, Outcome } from "../../src/destination/destination.ts";
import { memory } from "../../src/destination/memory.ts";
import { MillraceError } from "../../src/errors.ts";
import { batchOf, contextOf } from "../connectors/kusto/batch-of.ts";

/** A fresh one each: a deliverer that is not closed keeps listening. */
const unending = () => new AbortController().signal;
const quick = { retryBaseMs: 1, retryMaxMs: 2, retryTimeoutMs: 2_000 };
const polling = { intervalMs: 5, timeoutMs: 1_000 };
const down = () => new MillraceError("SERVICE_UNAVAILABLE", "down", { retryable: true });

type Script = Partial<Record<"stage" | "submit" | "outcomes", (call: number, ids: readonly string[]) => unknown>>;

/** A session that keeps a diary and does what the script says, by the number of the call. */
function scripted(script: Script = {}) {
  const diary: string[] = [];
  const calls = { stage: 0, submit: 0, outcomes: 0 };
  const session: DestinationSession = {
    async stage({ id, rows, rawBytes }) {
      diary.push("stage");
      calls.stage++;
      await script.stage?.(calls.stage, [id]);
      return { id, rows, rawBytes, place: `place-${calls.stage}` };
    },
    async submit({ id, place }) {
      diary.push(`submit ${place}`);
      calls.submit++;
      await script.submit?.(calls.submit, [id]);
    },
    async outcomes(ids) {
      diary.push(`look ${ids.length}`);
      calls.outcomes++;
      return ((await script.outcomes?.(calls.outcomes, ids)) ?? []) as Outcome[];
    },
    async close() {
      diary.push("close");
    },
  };
  return { session, diary };
}

function hooksInto(told: string[]) {
  const note = (name: string) => (batch: SealedBatch) => void told.push(`${name} ${batch.rows}`);
  return {
    onStaged: note("staged"),
    onTaken: note("taken"),
    onLanded: note("landed"),
    onRetry: ({ stage, attempt, error }: BatchRetry) => void told.push(`retry ${stage} ${attempt} ${error.code}`),
  };
}

test("a batch is staged, submitted, and taken", async () => {
  const told: string[] = [];
  const { session, diary } = scripted();
  const batch = batchOf("1,a\n2,b\n");
  const delivered = await deliverer(session, quick, unending(), hooksInto(told)).deliver(batch);
  const { id, rows, rawBytes, packedBytes } = batch;
  assert.deepEqual(delivered, { id, rows, rawBytes, packedBytes, status: "taken", attempts: 2 });
  assert.deepEqual(diary, ["stage", "submit place-1"]);
  assert.deepEqual(told, ["staged 2", "taken 2"]);
});

test("each step is retried by itself: a submission that fails does not upload again", async () => {
  const told: string[] = [];
  const { session, diary } = scripted({
    stage: (call) => {
      if (call < 3) throw down();
    },
    submit: (call) => {
      if (call < 3) throw down();
    },
  });
  const delivered = await deliverer(session, quick, unending(), hooksInto(told)).deliver(batchOf("1,a\n"));
  assert.equal(delivered.attempts, 6);
  assert.deepEqual(diary, ["stage", "stage", "stage", "submit place-3", "submit place-3", "submit place-3"]);
  assert.deepEqual(told, [
    "retry stage 1 SERVICE_UNAVAILABLE",
    "retry stage 2 SERVICE_UNAVAILABLE",
    "staged 1",
    "retry submit 1 SERVICE_UNAVAILABLE",
    "retry submit 2 SERVICE_UNAVAILABLE",
    "taken 1",
  ]);
});

test("a batch whose place is gone is staged again", async () => {
  const { session, diary } = scripted({
    submit: (call) => {
      if (call > 1) return;
      throw new MillraceError("PLACE_GONE", "gone", { retryable: true });
    },
  });
  await deliverer(session, quick, unending()).deliver(batchOf("1,a\n"));
  assert.deepEqual(diary, ["stage", "submit place-1", "stage", "submit place-2"]);
});

test("a failure for good names table, batch, records, step and reason, and is not repeated", async () => {
  const { session, diary } = scripted({
    submit: () => {
      throw new MillraceError("FORBIDDEN", "no rights", { context: { account: "acc" } });
    },
  });
  const batch = { ...batchOf("1,a\n2,b\n"), firstRecord: 1000, lastRecord: 1001 };
  const error = await deliverer(session, quick, unending())
    .deliver(batch)
    .catch((e) => e);
  assert.ok(error instanceof MillraceError);
  assert.equal(error.code, "FORBIDDEN");
  for (const word of ["Table T", batch.id, "records 1000 to 1001", "submitting", "no rights"])
    assert.ok(error.message.includes(word), `${word} in ${error.message}`);
  assert.equal((error.cause as MillraceError).message, "no rights");
  assert.equal(error.context.account, "acc");
  assert.equal(error.context.lastRecord, 1001);
  assert.equal(diary.length, 2);
});

test("retries end with the time, and say after how many attempts", async () => {
  const { session } = scripted({
    stage: () => {
      throw down();
    },
  });
  const short = { ...quick, retryTimeoutMs: 20 };
  await assert.rejects(deliverer(session, short, unending()).deliver(batchOf("1,a\n")), {
    code: "SERVICE_UNAVAILABLE",
    message: /after \d+ attempts: down/,
  });
});

test("with polling, all waiting batches share one look at a time", async () => {
  const told: string[] = [];
  const { session, diary } = scripted({
    outcomes: (call, ids) => (call < 3 ? [] : ids.map((id) => ({ id, status: "landed" }))),
  });
  const { deliver } = deliverer({ ...session, polling }, quick, unending(), hooksInto(told));
  const delivered = await Promise.all(Array.from({ length: 50 }, () => deliver(batchOf("1,a\n"))));
  assert.ok(delivered.every(({ status }) => status === "landed"));
  const looks = diary.filter((entry) => entry.startsWith("look"));
  assert.ok(looks.length <= 4, `${looks}`);
  assert.equal(looks.at(-1), "look 50");
  assert.equal(told.filter((entry) => entry === "landed 1").length, 50);
});

test("the watch stops when nobody waits, and starts again", async () => {
  const { session, diary } = scripted({ outcomes: (_, ids) => ids.map((id) => ({ id, status: "landed" })) });
  const { deliver } = deliverer({ ...session, polling }, quick, unending());
  await deliver(batchOf("1,a\n"));
  const looks = diary.length;
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(diary.length, looks);
  assert.equal((await deliver(batchOf("1,a\n"))).status, "landed");
});

test("a batch that the service failed for good rejects with its code and details", async () => {
  const { session, diary } = scripted({
    outcomes: (_, [id]) => [
      { id, status: "failed", errorCode: "Stream_WrongNumberOfFields", details: "line 3", retryable: false },
    ],
  });
  await assert.rejects(deliverer({ ...session, polling }, quick, unending()).deliver(batchOf("1,a\n")), {
    code: "INGESTION_FAILED",
    retryable: false,
    message: /Stream_WrongNumberOfFields: line 3/,
  });
  assert.equal(diary.filter((entry) => entry.startsWith("submit")).length, 1);
});

test("one that failed for the moment is submitted again, but not for ever", async () => {
  const failed = (id: string) => ({ id, status: "failed", errorCode: "Transient", details: "later", retryable: true });
  const once = scripted({
    outcomes: (call, ids) => ids.map((id) => (call === 1 ? failed(id) : { id, status: "landed" })),
  });
  assert.equal(
    (await deliverer({ ...once.session, polling }, quick, unending()).deliver(batchOf("1,a\n"))).status,
    "landed",
  );
  assert.deepEqual(
    once.diary.filter((entry) => !entry.startsWith("look")),
    ["stage", "submit place-1", "submit place-1"],
  );

  const always = scripted({ outcomes: (_, ids) => ids.map(failed) });
  await assert.rejects(deliverer({ ...always.session, polling }, quick, unending()).deliver(batchOf("1,a\n")), {
    code: "INGESTION_FAILED",
  });
  assert.equal(always.diary.filter((entry) => entry.startsWith("submit")).length, 5);
});

test("no word in time is STATUS_TIMEOUT, and the batch is not submitted again", async () => {
  const { session, diary } = scripted();
  const short = { ...polling, timeoutMs: 20 };
  await assert.rejects(deliverer({ ...session, polling: short }, quick, unending()).deliver(batchOf("1,a\n")), {
    code: "STATUS_TIMEOUT",
  });
  assert.equal(diary.filter((entry) => entry.startsWith("submit")).length, 1);
});

test("a look that fails for the moment is told and repeated; one that fails for good rejects", async () => {
  const told: string[] = [];
  const shaky = scripted({
    outcomes: (call, ids) => {
      if (call < 3) throw down();
      return ids.map((id) => ({ id, status: "landed" }));
    },
  });
  await deliverer({ ...shaky.session, polling }, quick, unending(), hooksInto(told)).deliver(batchOf("1,a\n"));
  assert.deepEqual(told.slice(2), [
    "retry outcome 1 SERVICE_UNAVAILABLE",
    "retry outcome 1 SERVICE_UNAVAILABLE",
    "landed 1",
  ]);

  const closed = scripted({
    outcomes: () => {
      throw new MillraceError("FORBIDDEN", "not your queue");
    },
  });
  await assert.rejects(deliverer({ ...closed.session, polling }, quick, unending()).deliver(batchOf("1,a\n")), {
    code: "FORBIDDEN",
  });
});

test("an abort rejects everything at once, in whatever step it is", async () => {
  const hanging = () => new Promise(() => {});
  for (const script of [{ stage: hanging }, { submit: hanging }, { outcomes: hanging }, {}] satisfies Script[]) {
    const controller = new AbortController();
    const { deliver } = deliverer({ ...scripted(script).session, polling }, quick, controller.signal);
    const delivering = [deliver(batchOf("1,a\n")), deliver(batchOf("1,a\n"))].map((delivery) =>
      assert.rejects(delivery, { code: "ABORTED" }),
    );
    setTimeout(() => controller.abort(new Error("enough")), 20);
    await Promise.all(delivering);
  }
  const { deliver } = deliverer(scripted().session, quick, AbortSignal.abort());
  await assert.rejects(deliver(batchOf("1,a\n")), { code: "ABORTED" });
});

test("close ends what is under way and closes the session", async () => {
  const { session, diary } = scripted({ stage: () => new Promise(() => {}) });
  const own = deliverer(session, quick, unending());
  const delivering = assert.rejects(own.deliver(batchOf("1,a\n")), { code: "ABORTED" });
  await own.close();
  await delivering;
  assert.equal(diary.at(-1), "close");
});

test("it works with any destination: the one in memory", async () => {
  const destination = memory();
  const { deliver } = deliverer({ ...(await destination.open(contextOf())), polling }, quick, unending());
  const batch = batchOf("1,a\n");
  assert.equal((await deliver(batch)).status, "landed");
  assert.deepEqual(destination.batches, [batch]);
});
