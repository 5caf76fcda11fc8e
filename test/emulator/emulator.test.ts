import assert from "node:assert/strict";
import { test } from "node:test";
import { startEmulator } from "../../src/emulator/index.ts";
import { gone } from "./process.ts";

test("a port that is taken is told; close() may be called again, and together", async () => {
  const emulator = await startEmulator();
  const port = Number(new URL(emulator.url).port);
  await assert.rejects(startEmulator({ port }), { code: "BAD_OPTION", message: /taken/ });
  await Promise.all([emulator.close(), emulator.close(), emulator[Symbol.asyncDispose]()]);
  await emulator.close();
  await gone(emulator.storage.pid);
  await assert.rejects(fetch(emulator.url));
});

test("an abort before, while it starts, and later: nothing is left", async () => {
  await assert.rejects(startEmulator({ signal: AbortSignal.abort() }), { code: "ABORTED" });
  const early = new AbortController();
  const starting = startEmulator({ signal: early.signal });
  setTimeout(() => early.abort(), 10);
  await assert.rejects(starting, { code: "ABORTED" });
  const late = new AbortController();
  const emulator = await startEmulator({ signal: late.signal });
  late.abort();
  await gone(emulator.storage.pid);
});

test("options are checked by name", async () => {
  await assert.rejects(startEmulator({ databse: ["x"] } as object), { code: "BAD_OPTION", message: /'databse'/ });
  await assert.rejects(startEmulator({ port: -1 }), { code: "BAD_OPTION", message: /'port'/ });
  await assert.rejects(startEmulator({ databases: [" x"] }), { code: "BAD_OPTION", message: /'databases'/ });
});
