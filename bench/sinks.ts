// What a sink takes in a process that has many: `npm run bench:sinks -- 1 10 100 1000`. Each number in a process of its own.
import { spawnSync } from "node:child_process";
import { nowhere } from "../src/destination/memory.ts";
import { open } from "../src/open.ts";
import { k, table } from "../src/schema/table.ts";
import type { Sink } from "../src/sink/sink.ts";

const records = table("Sinks", { id: k.long(), name: k.string(), at: k.datetime(), bag: k.dynamic().optional() });
const one = { id: 1, name: "a", at: new Date(0), bag: { a: 1 } };
const mib = () => process.memoryUsage().rss / 2 ** 20;

async function measure(count: number): Promise<void> {
  const before = mib();
  const sinks: Sink<typeof one>[] = [];
  for (let i = 0; i < count; i++) sinks.push((await open({ table: records, to: nowhere() })) as never);
  const opened = mib();
  for (const sink of sinks) sink.write(one);
  await Promise.all(sinks.map((sink) => sink.flush()));
  const written = mib();
  await Promise.all(sinks.map((sink) => sink.close()));
  const each = (now: number) => `${((now - before) / count).toFixed(2)} MiB each`;
  console.log(
    `${count} sinks: open ${opened.toFixed(0)} MiB (${each(opened)}), written ${written.toFixed(0)} MiB (${each(written)})`,
  );
}

const [, script, ...counts] = process.argv;
if (process.env.SINKS) await measure(Number(process.env.SINKS));
else
  for (const count of counts.length > 0 ? counts : ["1", "10", "100", "1000"])
    spawnSync(process.execPath, ["--import", "tsx", script!], {
      stdio: "inherit",
      env: { ...process.env, SINKS: count },
    });
