import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gone, isAlive } from "../process.ts";

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

test("SIGKILL of the host takes Azurite with it", async () => {
  const { child, azurite } = await startHost();
  assert.ok(isAlive(azurite));
  const exit = once(child, "exit");
  child.kill("SIGKILL");
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
