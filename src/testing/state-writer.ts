import type { StateBackend, StateChange } from "../checkpoint/state-backend.ts";
import { type WrittenLine, writersBatch } from "./killed-writer.ts";

// The process that the rule of killed-writer.ts kills: it writes epochs as a sink does, and says what has resolved.

async function write(module = "", argument = "", from = "1"): Promise<never> {
  const { state } = (await import(module)) as { state(argument: string): StateBackend };
  const lease = await state(argument).open(new AbortController().signal);
  const stored = [...lease.read()].filter(([key]) => key.startsWith("segment "));
  await lease.log.retain(new Set(stored.map(([, { value }]) => String(value))));
  const change = (key: string, value: StateChange["value"]): StateChange => ({
    ...{ key, value },
    expected: lease.read().get(key)?.version ?? 0,
  });
  for (let n = Number(from); ; n++) {
    const batch = await lease.log.append(n, writersBatch(n));
    await lease.log.seal(n);
    await lease.compareAndSet([change("head", { n }), change(`entry ${n}`, n), change(`segment ${n}`, batch.segment)]);
    const line: WrittenLine = { n, generation: lease.generation, batch };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
}

write(...process.argv.slice(1)).catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
