import assert from "node:assert/strict";
import { test } from "node:test";
import { iterable } from "../../src/source/iterable.ts";

const never = new AbortController().signal;

async function slicesOf<R>(records: Iterable<R> | AsyncIterable<R>, signal = never): Promise<[unknown, R[]][]> {
  const slices: [unknown, R[]][] = [];
  for await (const { position, records: some } of iterable(records).read({}, signal))
    slices.push([position, [...some]]);
  return slices;
}

const thousand = Array.from({ length: 1_000 }, (_, i) => i);

test("records come in slices, in order, with the number of records as the position", async () => {
  async function* later() {
    yield* thousand;
  }
  for (const records of [thousand, new Set(thousand), later()]) {
    const slices = await slicesOf(records);
    assert.deepEqual(
      slices.flatMap(([, some]) => some),
      thousand,
    );
    assert.equal(slices.at(-1)![0], 1_000);
    assert.ok(slices.length >= 4 && slices.length <= 8, `${slices.length} slices`);
  }
  assert.deepEqual(await slicesOf([]), []);
});

test("a slow iterator holds no record back", async () => {
  let release = () => {};
  async function* slow() {
    yield 1;
    yield 2;
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    yield 3;
  }
  const reading = iterable(slow()).read({}, never)[Symbol.asyncIterator]();
  assert.deepEqual((await reading.next()).value.records, [1, 2]);
  release();
  assert.deepEqual((await reading.next()).value, { partition: "0", position: 3, records: [3] });
  assert.equal((await reading.next()).done, true);
});

test("an abort ends the reading at the next record, and the iterator is closed", async () => {
  const stop = new AbortController();
  let closed = 0;
  async function* forever() {
    try {
      for (let i = 0; ; i++) {
        if (i === 10) stop.abort();
        yield i;
      }
    } finally {
      closed++;
    }
  }
  await assert.rejects(slicesOf(forever(), stop.signal), { code: "ABORTED" });
  assert.equal(closed, 1);
  for await (const _ of iterable(forever()).read({}, never)) break;
  assert.equal(closed, 2);
});

test("an abort ends the wait for a record that does not come, and asks the iterator to close", async () => {
  const silent = new Promise<number>(() => {});
  let closed = 0;
  const waiting: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({
      next: () => silent.then((value) => ({ value })),
      async return() {
        closed++;
        return { value: undefined, done: true };
      },
    }),
  };
  for (const records of [waiting, [silent] as unknown as number[]]) {
    const stop = new AbortController();
    const reading = slicesOf(records, stop.signal);
    await new Promise(setImmediate);
    stop.abort();
    await assert.rejects(reading, { code: "ABORTED" });
  }
  assert.equal(closed, 1);
});

test("an iterator that will not answer can be left", async () => {
  async function* silent() {
    yield 1;
    await new Promise(() => {});
  }
  for await (const { records } of iterable(silent()).read({}, never)) {
    assert.deepEqual(records, [1]);
    break;
  }
});

test("what the iterator throws is thrown as it is", async () => {
  async function* broken() {
    yield 1;
    throw new Error("the wire was cut");
  }
  await assert.rejects(slicesOf(broken()), /the wire was cut/);
});
