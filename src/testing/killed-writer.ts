import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { LoggedBatch } from "../log/write-ahead-log.ts";
import { batchOf, bytesOf, openState, takeOver } from "./open-state.ts";
import { within } from "./patience.ts";
import { below } from "./random.ts";
import type { Rule, RuleContext } from "./rule.ts";
import type { StateChild, StateUnderTest } from "./state-under-test.ts";

/** What the writer says has resolved, a line of JSON each. */
export interface WrittenLine {
  readonly n: number;
  readonly generation: number;
  readonly batch: LoggedBatch;
}

/** Lives of the writer, each ended by SIGKILL. */
const lives = 3;

export const killRule: Rule<StateUnderTest> = {
  name: "what has resolved survives a SIGKILL of the process",
  documented: "docs/exactly-once.md#what-happens-at-every-point",
  lacks: ({ child }) => (child ? undefined : "child is not given, so no process can be killed"),
  async check(subject, context) {
    let next = 1;
    for (let life = 0; life < lives; life++) {
      const said = await killedAfter(subject.child!, next, 1 + below(context.random, 6), context);
      const last = said.at(-1)!;
      const lease = await takeOver(subject, context);
      assert.ok(lease.generation > last.generation, "the next opening has a greater generation");
      const head = lease.read().get("head")?.value as { n: number } | undefined;
      // The write that was under way may have been finished, and nobody was told.
      assert.ok(
        head && (head.n === last.n || head.n === last.n + 1),
        `${last.n} resolved, and the state has ${head?.n}`,
      );
      for (let n = next; n <= last.n; n++) assert.equal(lease.read().get(`entry ${n}`)?.value, n, `entry ${n}`);
      await lease.log.retain(new Set(said.map(({ batch }) => batch.segment)));
      for (const { n, batch } of said)
        assert.ok(bytesOf(writersBatch(n)).equals(await lease.log.read(batch)), `the batch of epoch ${n}`);
      next = head.n + 1;
      await lease.close();
    }
    await openState(subject, context);
  },
};

/** The batch that the writer appends to this epoch. */
export function writersBatch(n: number) {
  return batchOf(`killed ${n}`, 20_000);
}

async function killedAfter(
  { module, argument }: StateChild,
  from: number,
  lines: number,
  context: RuleContext,
): Promise<WrittenLine[]> {
  // Beside this file, with its ending: the sources run as they are, and the published package as JavaScript.
  const writer = new URL(`./state-writer.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url);
  const flags = process.execArgv.filter((flag) => !flag.startsWith("--test"));
  const args = [...flags, "--input-type=module", "--eval", `await import(${JSON.stringify(writer.href)})`];
  const child = spawn(process.execPath, [...args, String(module), argument, String(from)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  context.after(() => child.kill("SIGKILL"));
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint += text;
  });
  const closed = once(child, "close");
  const said: WrittenLine[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    said.push(JSON.parse(line));
    if (said.length >= lines) child.kill("SIGKILL");
  });
  // A process has to start, and may have to compile.
  await within(Math.max(30_000, context.patienceMs), "the process that writes", closed);
  assert.ok(said.length >= lines, `The process that writes ended after ${said.length} writes.\n${complaint}`);
  return said;
}
