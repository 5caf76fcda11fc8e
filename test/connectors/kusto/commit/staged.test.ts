import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Sent } from "../../../../src/connectors/kusto/commit/blobs.ts";
import type { CommitPolicy } from "../../../../src/connectors/kusto/commit/commit-policy.ts";
import type { EpochSession, StagedExtent } from "../../../../src/connectors/kusto/commit/epoch-session.ts";
import { attemptOf, type KustoEpoch, type KustoProgress } from "../../../../src/connectors/kusto/commit/kusto-epoch.ts";
import { commitStaged, exactCover } from "../../../../src/connectors/kusto/commit/staged.ts";
import { type RetryClock, systemClock } from "../../../../src/deliver/backoff.ts";
import { MillraceError } from "../../../../src/errors.ts";
import type { LoggedBatch } from "../../../../src/log/write-ahead-log.ts";

function sentOf(rows: readonly number[]): Sent[] {
  return rows.map((count, index) => ({
    id: `b${index}`,
    tag: `millrace:job/T/1/1/${index}`,
    batches: [{ id: `b${index}` } as LoggedBatch],
    rows: count,
  }));
}

test("extents hold every batch once, or are not named: loaded twice, split, merged with others, or not at all", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          rows: fc.integer({ min: 1, max: 4 }),
          // How often the service loaded it, each time into one or two extents.
          loads: fc.array(fc.boolean(), { maxLength: 3 }),
        }),
        { minLength: 1, maxLength: 4 },
      ),
      fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 3 }),
      (batches, merges) => {
        const sent = sentOf(batches.map(({ rows }) => rows));
        /** Extents as lists of what they truly hold: rows by batch and load. */
        let extents: string[][] = batches.flatMap(({ rows, loads }, index) =>
          loads.flatMap((maySplit, load) => {
            // Parts of two loads of one batch, merged, can look whole: three ills at once, which no sum can tell.
            const isSplit = maySplit && (merges.length === 0 || loads.length === 1);
            const all = Array.from({ length: rows }, (_, row) => `${index}/${load}/${row}`);
            return isSplit && rows > 1 ? [all.slice(0, 1), all.slice(1)] : [all];
          }),
        );
        for (const [a, b] of merges) {
          if (extents.length < 2) break;
          const first = a % extents.length;
          const second = b % extents.length;
          if (first === second) continue;
          const merged = [...extents[first]!, ...extents[second]!];
          extents = [...extents.filter((_, at) => at !== first && at !== second), merged];
        }
        const seen: StagedExtent[] = extents.map((rows, at) => ({
          id: `x${at}`,
          rows: rows.length,
          tags: [...new Set(rows.map((row) => sent[Number(row.split("/")[0])]!.tag))],
        }));
        const cover = exactCover(sent, { extents: seen, failures: [] });
        const isPlain = merges.length === 0 && batches.every(({ loads }) => loads.length === 1);
        if (!cover) return assert.equal(isPlain, false, "each batch is there once, and was not found");
        const held = cover.flatMap((id) => extents[Number(id.slice(1))]!).map((row) => row.replace(/\/\d+\//, "/"));
        const wanted = batches.flatMap(({ rows }, index) =>
          Array.from({ length: rows }, (_, row) => `${index}/${row}`),
        );
        assert.deepEqual(held.sort(), wanted.sort());
      },
    ),
    { numRuns: 3_000, seed: Number(process.env.MILLRACE_SEED ?? 11) },
  );
});

const batch = {
  id: "b",
  table: "T",
  format: "csv",
  rows: 2,
  packedBytes: 1,
  rawBytes: 1,
} as unknown as LoggedBatch;

const policy: CommitPolicy = {
  retryBaseMs: 1,
  retryMaxMs: 1,
  retryTimeoutMs: 1_000,
  pollIntervalMs: 1,
  attemptTimeoutMs: 1_000,
  mostAttempts: 5,
  blobBytesLimit: 1_000,
  clock: { ...systemClock, sleep: async () => {} },
};

/** An epoch of one batch, and a service of which a test says how it errs. */
async function committing(
  session: Partial<EpochSession>,
  clock: RetryClock = policy.clock,
  batches: readonly LoggedBatch[] = [batch],
): Promise<{ states: KustoProgress[]; warnings: string[] }> {
  const states: KustoProgress[] = [{ step: "PREPARED" }];
  const warnings: string[] = [];
  const epoch: KustoEpoch = {
    prepared: { epoch: 1, records: 2, batches, preparedAt: 0 },
    generation: 1,
    get progress() {
      return states.at(-1)!;
    },
    refused: {},
    claim: "millrace:job/T/1",
    firstClaim: undefined,
    tag: "millrace:job/T/1/l.d",
    async advance(to) {
      states.push(to);
    },
    read: async () => new Uint8Array(1),
  };
  const well: EpochSession = {
    held: async () => [],
    tagsUnder: async () => [],
    stagings: async () => [],
    makeStaging: async () => undefined,
    dropStaging: async () => {},
    stage: async ({ id }) => ({ id, place: id, rows: 2, rawBytes: 1 }),
    submit: async () => {},
    arrived: async () => ({ extents: [], failures: [] }),
    discard: async () => {},
    commit: async () => {},
    close: async () => {},
  };
  const blobBytesLimit = 1; // each batch is a blob
  await commitStaged(
    epoch,
    { ...well, ...session },
    { ...policy, blobBytesLimit, clock },
    new AbortController().signal,
    {
      onRetry() {},
      onAttemptAbandoned() {},
      onRowsRefused: async () => {},
      onWarning: (_, message) => warnings.push(message),
    },
  );
  return { states, warnings };
}

const missing = new MillraceError("NOT_FOUND", "an extent is not there");

/** Time that passes only while somebody sleeps. */
function leapingClock(): RetryClock {
  let now = 0;
  return {
    now: () => now,
    random: () => 0.5,
    sleep: async (ms) => {
      now += Math.max(ms, 50);
    },
  };
}

/** Where it ended, and in which attempt. */
function endOf(states: readonly KustoProgress[]): { step: string; attempt: number } {
  return { step: states.at(-1)!.step, attempt: Math.max(...states.map(attemptOf)) };
}

/** A blob's own tag, in the nth attempt: `tag/n/0`. */
const blobTag = (attempt: number) => `millrace:job/T/1/l.d/${attempt}/0`;

test("staged extents that the service merged before the move are no sign of a move: a next attempt", async () => {
  let attempt = 1;
  const moved: string[] = [];
  let merged = false;
  const { states } = await committing({
    async submit(_, tags) {
      attempt = Number(tags[1]!.split("/").at(-2));
    },
    async arrived() {
      const id = merged && attempt === 1 ? "merged" : `as landed ${attempt}`;
      return { extents: [{ id, rows: 2, tags: [blobTag(attempt)] }], failures: [] };
    },
    async commit(tag, extents) {
      merged = true;
      if (tag.endsWith("/1")) throw missing;
      moved.push(...extents);
    },
  });
  assert.deepEqual(moved, ["as landed 2"]);
  assert.deepEqual(endOf(states), { step: "COMMITTED", attempt: 2 });
});

test("a move of which one extent is still in staging was none", async () => {
  let refusals = 1;
  const sent: string[] = [];
  const { states } = await committing({
    async submit(_, tags) {
      sent.push(tags[1]!);
    },
    async arrived() {
      return { extents: sent.map((tag) => ({ id: tag, rows: 2, tags: [tag] })), failures: [] };
    },
    async commit() {
      if (refusals-- > 0) throw missing;
    },
  });
  assert.deepEqual(endOf(states), { step: "COMMITTED", attempt: 2 });
});

test("extents that are gone, with nothing left of them, were moved: a person is told that the tag is not there", async () => {
  let isMoved = false;
  const { states, warnings } = await committing({
    async arrived() {
      return { extents: isMoved ? [] : [{ id: "e", rows: 2, tags: [blobTag(1)] }], failures: [] };
    },
    async commit() {
      isMoved = true;
      throw missing;
    },
  });
  assert.deepEqual(endOf(states), { step: "COMMITTED", attempt: 1 });
  assert.match(warnings.join(), /gone from staging/);
});

test("a staging table that is gone is no sign of a move: the epoch is kept", async () => {
  let isGone = false;
  await assert.rejects(
    committing({
      async arrived() {
        if (isGone) throw new MillraceError("NOT_FOUND", "no such table");
        return { extents: [{ id: "e", rows: 2, tags: [blobTag(1)] }], failures: [] };
      },
      async commit() {
        isGone = true;
        throw missing;
      },
    }),
    { code: "NOT_FOUND" },
  );
});

test("an answer of the target that lags behind a move does not have it done twice", async () => {
  let looks = 0;
  const { states } = await committing({
    tagsUnder: async () => (++looks > 5 ? [blobTag(1)] : []),
    async arrived() {
      // The service loaded it twice: what stayed behind looks like what was moved, but for its id.
      const extents = looks <= 1 ? ["e", "twin"] : ["twin"];
      return { extents: extents.map((id) => ({ id, rows: 2, tags: [blobTag(1)] })), failures: [] };
    },
    async commit() {
      throw missing;
    },
  });
  assert.deepEqual(endOf(states), { step: "COMMITTED", attempt: 1 });
});

test("another epoch of the same number in the target ends the commit", async () => {
  for (const tags of [["millrace:job/T/1/other.d/1/0"], [blobTag(1), "millrace:job/T/1/l.other"]])
    await assert.rejects(committing({ tagsUnder: async () => tags, arrived: arrivedAtOnce }), { code: "STATE_FENCED" });
  const { states } = await committing({ tagsUnder: async () => [blobTag(7)], arrived: arrivedAtOnce });
  assert.deepEqual(endOf(states), { step: "COMMITTED", attempt: 1 }, "its own epoch is there already");
});

async function arrivedAtOnce() {
  return { extents: [{ id: "e", rows: 2, tags: [blobTag(1)] }], failures: [] };
}

test("a service slower than an attempt may take is waited for longer each time, and the first copy counts when it comes", async () => {
  const time = leapingClock();
  const sent: { tag: string; at: number }[] = [];
  const committed: string[] = [];
  const { states } = await committing(
    {
      async submit(_, tags) {
        sent.push({ tag: tags[1]!, at: time.now() });
      },
      // Every message takes 6 seconds, and an attempt may take one.
      async arrived() {
        const there = sent.filter(({ at }) => time.now() - at >= 6_000);
        return { extents: there.map(({ tag }) => ({ id: tag, rows: 2, tags: [tag] })), failures: [] };
      },
      async commit(_, extents) {
        committed.push(...extents);
      },
    },
    time,
  );
  assert.deepEqual(committed, [blobTag(1)]);
  assert.deepEqual(endOf(states), { step: "COMMITTED", attempt: 3 }, "after 1 and 3 seconds it is sent again");
  assert.equal(sent.length, 3);
});

test("what has arrived is not sent again with what has not", async () => {
  const time = leapingClock();
  const sent: string[] = [];
  const committed: string[] = [];
  await committing(
    {
      async submit(_, tags) {
        sent.push(tags[1]!);
      },
      // The second blob's first message is lost.
      async arrived() {
        const there = sent.filter((tag) => tag !== "millrace:job/T/1/l.d/1/1");
        return { extents: there.map((tag) => ({ id: tag, rows: 2, tags: [tag] })), failures: [] };
      },
      async commit(_, extents) {
        committed.push(...extents);
      },
    },
    time,
    [batch, { ...batch, id: "c" }],
  );
  assert.deepEqual(sent, [blobTag(1), "millrace:job/T/1/l.d/1/1", "millrace:job/T/1/l.d/2/1"]);
  assert.deepEqual(committed, [blobTag(1), "millrace:job/T/1/l.d/2/1"]);
});
