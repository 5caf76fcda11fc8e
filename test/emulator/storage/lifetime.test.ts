import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { startEmulator } from "../../../src/emulator/index.ts";
import { until } from "../ask.ts";

const host = fileURLToPath(new URL("./host.ts", import.meta.url));

interface Hosted {
  readonly child: ChildProcess;
  readonly azurite: number;
  readonly url: string;
}

async function startHost(): Promise<Hosted> {
  const child = spawn(process.execPath, ["--import", "tsx", host], { stdio: ["pipe", "pipe", "ignore"] });
  let said = "";
  for await (const chunk of child.stdout!) {
    said += chunk;
    if (said.includes("\n")) break;
  }
  return { child, ...(JSON.parse(said) as { azurite: number; url: string }) };
}

/** A process that exists, and is no zombie waiting for its parent to look. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const gone = (pid: number) =>
  until(
    async () => isAlive(pid),
    (alive) => !alive,
  );

for (const how of ["SIGKILL", "SIGTERM", "SIGINT"] as const)
  test(`${how} of the host takes Azurite with it`, async () => {
    const { child, azurite } = await startHost();
    assert.ok(isAlive(azurite));
    const exit = once(child, "exit");
    child.kill(how);
    await exit;
    await gone(azurite);
  });

test("an uncaught error of the host takes Azurite with it", async () => {
  const { child, azurite } = await startHost();
  const exit = once(child, "exit");
  child.stdin!.write("throw\n");
  await exit;
  await gone(azurite);
});

test("close() lets the host end by itself: no timer, socket or process holds it", async () => {
  const { child, azurite, url } = await startHost();
  const exit = once(child, "exit");
  child.stdin!.write("close\n");
  const [code] = (await exit) as [number];
  assert.equal(code, 0);
  await gone(azurite);
  await assert.rejects(fetch(url));
});

test("close() may be called again, and together", async () => {
  const emulator = await startEmulator();
  await Promise.all([emulator.close(), emulator.close(), emulator[Symbol.asyncDispose]()]);
  await emulator.close();
  await gone(emulator.storage.pid);
});

test("an abort while it starts leaves nothing behind, and one later closes it", async () => {
  await assert.rejects(startEmulator({ signal: AbortSignal.abort() }), { code: "ABORTED" });
  const early = new AbortController();
  const starting = startEmulator({ signal: early.signal });
  setTimeout(() => early.abort(), 100);
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

test("a port that is taken is told, and nothing stays behind", async () => {
  const emulator = await startEmulator();
  const port = Number(new URL(emulator.url).port);
  await assert.rejects(startEmulator({ port }), { code: "EADDRINUSE" });
  await emulator.close();
});
