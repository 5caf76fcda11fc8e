import assert from "node:assert/strict";
import { test } from "node:test";
import { rawBacklog } from "../../src/batch/raw-backlog.ts";

function start(room: number) {
  const taken: (string | Uint8Array)[] = [];
  const state = { room };
  const backlog = rawBacklog(
    (piece) => {
      taken.push(typeof piece === "string" ? piece : piece.slice());
      state.room--;
    },
    () => state.room > 0,
  );
  const text = () => taken.map((piece) => (typeof piece === "string" ? piece : Buffer.from(piece).toString())).join("");
  return { backlog, state, taken, text };
}

const large = Array.from({ length: 200_000 }, (_, n) => `${n}\n`).join("");

for (const rows of [large, Buffer.from(large)])
  test(`a large ${typeof rows === "string" ? "text" : "piece of bytes"} is taken as there is room, whole and in order`, () => {
    const { backlog, state, taken, text } = start(2);
    const given = typeof rows === "string" ? rows : Uint8Array.from(rows);
    backlog.add(given);
    assert.equal(taken.length, 2);
    assert.equal(backlog.isEmpty, false);
    if (typeof given !== "string") given.fill(0); // the caller uses it again
    backlog.goOn();
    assert.equal(taken.length, 2, "no room, no piece");
    state.room = 1;
    backlog.goOn();
    assert.equal(taken.length, 3);
    assert.ok(taken.every((piece) => piece.length <= 131_072));
    state.room = Number.POSITIVE_INFINITY;
    backlog.goOn();
    assert.equal(backlog.isEmpty, true);
    assert.equal(text(), large);
  });

test("what comes behind it comes behind it, room or not", () => {
  const { backlog, text } = start(0);
  backlog.add(large);
  assert.ok(text().length > 0 && text().length < large.length, "a piece is always taken");
  backlog.add("next\n");
  assert.equal(text(), `${large}next\n`);
  assert.equal(backlog.isEmpty, true);
  backlog.drain();
  assert.equal(text(), `${large}next\n`);
});

test("room that is found while a piece is taken does not take the next one within it", () => {
  let depth = 0;
  let deepest = 0;
  let length = 0;
  const backlog = rawBacklog(
    (piece) => {
      deepest = Math.max(deepest, ++depth);
      length += piece.length;
      backlog.goOn();
      depth--;
    },
    () => true,
  );
  backlog.add(large);
  assert.equal(deepest, 1);
  assert.equal(length, large.length);
});

test("what is dropped is gone", () => {
  const { backlog, state, taken } = start(1);
  backlog.add(large);
  backlog.drop();
  state.room = 9;
  backlog.goOn();
  backlog.drain();
  assert.equal(taken.length, 1);
});
