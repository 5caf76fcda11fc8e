import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import type { StateLease } from "../checkpoint/state-backend.ts";
import type { Json } from "../schema/kinds.ts";
import { refusedWith } from "./expected-error.ts";
import { batchOf, openState, takeOver } from "./open-state.ts";
import { within } from "./patience.ts";
import type { Rule } from "./rule.ts";
import type { StateUnderTest } from "./state-under-test.ts";

const backend = "docs/api.md#statebackend";
const lease = "docs/api.md#storelease";
const fencing = "docs/exactly-once.md#epochs";

/** Values of each sort that JSON has, nested, and one of the size that positions reach. */
const values: Readonly<Record<string, Json>> = {
  head: {
    epoch: 3,
    positions: { "topic/0": "918273645546372819", "ümläut \u0000 漢字": [1.5, -7, 1e300, null, true] },
  },
  "epoch/12/prepared": { nested: [[], {}, [{ a: { b: [false] } }]], empty: "" },
  __proto: "a text",
  lines: 'a "quote", a \\ and\na line end \u2028 \ud83d\ude00',
  large: "x".repeat(1_000_000),
  zero: 0,
};

export const entryRules: readonly Rule<StateUnderTest>[] = [
  {
    name: "each opening is a generation of its own, counted from 1",
    documented: lease,
    async check(subject, context) {
      for (const generation of [1, 2, 3]) {
        const opened = await openState(subject, context);
        assert.equal(opened.generation, generation, "the generation of this opening");
        await opened.close();
      }
    },
  },
  {
    name: "an older lease decides nothing after a newer opening: STATE_FENCED",
    documented: fencing,
    async check(subject, context) {
      const older = await openState(subject, context);
      await set(older, "a", 1);
      const newer = await takeOver(subject, context);
      await refusedWith("STATE_FENCED", set(older, "a", 2), "a change by the older lease");
      await refusedWith("STATE_FENCED", set(older, "b", 2), "a change of another key by the older lease");
      await set(newer, "a", 3);
      await refusedWith("STATE_FENCED", set(older, "b", 4), "a change by the older lease after one by the newer");
      await newer.close();
      const last = await takeOver(subject, context);
      assert.deepEqual(plain(last), { a: [2, 3] }, "only changes of leases that were the newest count");
    },
  },
  {
    name: "a change with a wrong version is refused with STATE_FENCED, and all changes beside it",
    documented: lease,
    async check(subject, context) {
      const opened = await openState(subject, context);
      await set(opened, "a", 1);
      for (const expected of [0, 2]) {
        const changes = [
          { key: "b", expected: 0, value: 1 },
          { key: "a", expected, value: 7 },
          { key: "c", expected: 0, value: 1 },
        ];
        await refusedWith("STATE_FENCED", opened.compareAndSet(changes), `version ${expected} in place of 1`);
        assert.deepEqual(plain(opened), { a: [1, 1] }, "no change of a refused call is there");
      }
      await opened.close();
      assert.deepEqual(plain(await openState(subject, context)), { a: [1, 1] }, "nor after reopening");
    },
  },
  {
    name: "all changes of a call are made, and versions count from 1 for each key",
    documented: lease,
    async check(subject, context) {
      const opened = await openState(subject, context);
      await opened.compareAndSet([
        { key: "a", expected: 0, value: "a1" },
        { key: "b", expected: 0, value: "b1" },
      ]);
      await opened.compareAndSet([
        { key: "a", expected: 1, value: "a2" },
        { key: "b", expected: 1, value: undefined },
        { key: "c", expected: 0, value: "c1" },
      ]);
      assert.deepEqual(plain(opened), { a: [2, "a2"], c: [1, "c1"] });
      await set(opened, "b", "again");
      assert.deepEqual(opened.read().get("b"), { version: 1, value: "again" }, "an entry that was removed is new");
    },
  },
  {
    name: "calls overlap: each takes effect on what the one before it has left, also behind a refused one",
    documented: lease,
    async check(subject, context) {
      const opened = await openState(subject, context);
      const most = 12;
      const calls = Array.from({ length: most }, (_, expected) =>
        opened.compareAndSet([{ key: "a", expected, value: expected + 1 }]),
      );
      const wrong = opened.compareAndSet([{ key: "a", expected: 0, value: "wrong" }]);
      wrong.catch(() => {});
      calls.push(opened.compareAndSet([{ key: "a", expected: most, value: "last" }]));
      await Promise.all(calls);
      await refusedWith("STATE_FENCED", wrong, "an overlapping call with an old version");
      assert.deepEqual(plain(opened), { a: [most + 1, "last"] });
    },
  },
  {
    name: "read() has a change as soon as its call has resolved",
    documented: lease,
    async check(subject, context) {
      const opened = await openState(subject, context);
      for (const value of [1, 2, 3]) {
        await set(opened, "a", value);
        assert.deepEqual(plain(opened), { a: [value, value] });
      }
    },
  },
  {
    name: "what has resolved is there after reopening, value for value",
    documented: lease,
    async check(subject, context) {
      const opened = await openState(subject, context);
      await opened.compareAndSet(Object.entries(values).map(([key, value]) => ({ key, expected: 0, value })));
      await set(opened, "removed", 1);
      await opened.compareAndSet([{ key: "removed", expected: 1, value: undefined }]);
      await opened.close();
      for (const start of [1, 2]) {
        const again = await openState(subject, context);
        for (const [key, value] of Object.entries(values))
          assert.ok(isDeepStrictEqual(again.read().get(key), { version: 1, value }), `opening ${start}: entry ${key}`);
        assert.equal(again.read().size, Object.keys(values).length, `opening ${start}: a removed entry stays away`);
        await again.close();
      }
    },
  },
  {
    name: "what has resolved is there though the process ended without close()",
    documented: lease,
    async check(subject, context) {
      const dropped = await openState(subject, context);
      await set(dropped, "a", 1);
      await set(dropped, "a", 2);
      assert.deepEqual(plain(await takeOver(subject, context)), { a: [2, 2] });
    },
  },
  {
    name: "close() gives the lease back, and may be called twice",
    documented: backend,
    async check(subject, context) {
      const opened = await openState(subject, context);
      await set(opened, "a", 1);
      await opened.close();
      await opened.close();
      const next = await openState(subject, context);
      await opened.close();
      await set(next, "a", 2);
      await next.log.append(1, batchOf("after"));
      await next.log.close();
      await next.log.close();
    },
  },
  {
    name: "an opening whose signal has fired ends in bounded time, and the next one succeeds",
    documented: backend,
    async check(subject, context) {
      const opening = subject.state().open(AbortSignal.abort());
      const end = opening.then(
        (opened) => opened.close(),
        () => {},
      );
      await within(context.patienceMs, "open() with a signal that has fired", end);
      const opened = await openState(subject, context);
      await set(opened, "a", 1);
    },
  },
];

function set(opened: StateLease, key: string, value: Json): Promise<void> {
  return opened.compareAndSet([{ key, expected: opened.read().get(key)?.version ?? 0, value }]);
}

/** Version and value by key. */
function plain(opened: StateLease): Record<string, [version: number, value: Json]> {
  return Object.fromEntries([...opened.read()].map(([key, { version, value }]) => [key, [version, value]]));
}
