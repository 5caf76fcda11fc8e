import assert from "node:assert/strict";
import type { StagedBatch } from "../destination/destination.ts";
import { isCode } from "../errors.ts";
import { open } from "../open.ts";
import type { DestinationUnderTest } from "./destination-under-test.ts";
import { within } from "./patience.ts";
import type { Rule, RuleContext } from "./rule.ts";
import { type Watch, watched } from "./watched.ts";
import { assertRows, landed, rowsFrom, tableOf } from "./written.ts";

const documented = "docs/destinations.md#at-least-once";

const count = 240;

/** Rules of delivery at least once. */
export const sessionRules: readonly Rule<DestinationUnderTest>[] = [
  {
    name: "name and identity are the same in every process",
    documented: "docs/destinations.md#destinations-of-your-own",
    async check(subject) {
      const [one, other] = [subject.destination(directly), subject.destination(directly)];
      assert.ok(typeof one.name === "string" && one.name !== "", "name is a text");
      assert.equal(other.name, one.name, "name");
      assert.equal(other.identity, one.identity, "identity");
      assert.equal(other.delivery, one.delivery, "delivery");
    },
  },
  {
    name: "at least once: rows arrive as they were written",
    documented,
    async check(subject, context) {
      await written(subject, context);
      await assertRows(subject, rowsFrom(0, count), "batches that were delivered", !subject.isRepeatable);
    },
  },
  {
    name: "at least once: stage() and submit() can be repeated",
    documented,
    async check(subject, context) {
      await written(subject, context, {
        session: (session) => ({
          // As behind an answer that was lost.
          async stage(batch, signal) {
            await session.stage(batch, signal);
            return session.stage(batch, signal);
          },
          async submit(staged, signal) {
            await session.submit(staged, signal);
            await session.submit(staged, signal).catch((error: unknown) => {
              // It would be staged again, and take the place of itself.
              if (!isCode(error, "PLACE_GONE")) throw error;
            });
          },
        }),
      });
      await assertRows(subject, rowsFrom(0, count), "batches that were sent twice", !subject.isRepeatable);
    },
  },
  {
    name: "at least once: what stage() gives is plain JSON, which another process submits or calls PLACE_GONE",
    documented,
    async check(subject, context) {
      const { patienceMs } = context;
      let stays = 0;
      await written(subject, context, {
        session: (session) => ({
          async submit(staged, signal) {
            const stored: StagedBatch = JSON.parse(JSON.stringify(staged));
            assert.deepEqual(stored, { ...staged }, "the staged batch, behind JSON");
            // Another process tries one batch, and the sink sends it once more where its place is gone.
            if (stays++ > 0) return session.submit(stored, signal);
            const other = await subject
              .destination(directly)
              .open({ table: tableOf(subject), format: subject.options?.format ?? "csv", signal });
            try {
              await within(patienceMs, "submit() by another process", other.submit(stored, signal));
            } catch (error) {
              if (!isCode(error, "PLACE_GONE")) throw error;
              await session.submit(stored, signal);
            } finally {
              await other.close();
            }
          },
        }),
      });
      await assertRows(subject, rowsFrom(0, count), "batches, one of them submitted by another process", true);
    },
  },
  {
    name: "at least once: calls whose signal has fired end in bounded time, and do no harm",
    documented,
    async check(subject, context) {
      const fired = AbortSignal.abort();
      const ends = (what: string, act: Promise<unknown>) =>
        within(
          context.patienceMs,
          `${what} whose signal has fired`,
          act.catch(() => {}),
        );
      await written(subject, context, {
        session: (session) => ({
          async stage(batch, signal) {
            await ends("stage()", session.stage(batch, fired));
            return session.stage(batch, signal);
          },
          async submit(staged, signal) {
            await session.submit(staged, signal);
            await ends("submit()", session.submit(staged, fired));
          },
        }),
      });
      await assertRows(subject, rowsFrom(0, count), "batches with calls that were aborted", !subject.isRepeatable);
    },
  },
  {
    name: "at least once: a session closes twice, and the next one goes on",
    documented,
    async check(subject, context) {
      const failures: unknown[] = [];
      const keep = (error: unknown) => void failures.push(error);
      const closes: Watch = {
        session: (session) => ({
          async close() {
            await session.close().catch(keep);
            await session.close().catch(keep);
          },
        }),
      };
      await written(subject, context, closes, 0);
      await written(subject, context, closes, count);
      assert.deepEqual(failures, [], "what close() threw");
      await assertRows(subject, rowsFrom(0, 2 * count), "rows of two sinks", !subject.isRepeatable);
    },
  },
];

const directly = <T>(request: () => Promise<T>): Promise<T> => request();

/** Writes rows through a sink without a state, in many batches, and waits until the target has them. */
async function written(
  subject: DestinationUnderTest,
  { patienceMs, after }: RuleContext,
  watch: Watch = {},
  first = 0,
): Promise<void> {
  const sink = await open({
    ...{ table: tableOf(subject), to: watched(subject.destination(directly), watch), parallelism: 0, batchSize: 20 },
    ...{ retryBaseMs: 1, retryMaxMs: 5, retryTimeoutMs: 1_000 },
    ...subject.options,
  });
  after(() => sink.abort().catch(() => {}));
  for (const row of rowsFrom(first, count)) if (!sink.write(row)) await sink.ready;
  // Without the abort a hanging session would hold the sink, and the test.
  await within(patienceMs * 2, "close() of the sink", sink.close());
  await landed(subject, first + count, patienceMs);
}
