import { fileDeadLetter, fileState, k, open, table } from "millrace";
import { kusto } from "millrace/kusto";

// Writes numbered records exactly once, and says how far it is, so that it can be killed there. Started again it goes on.

const plan = JSON.parse(process.env.WRITER!) as {
  cluster: string;
  database: string;
  table: string;
  state: string;
  deadLetter: string;
  records: number;
};
const say = (line: string) => process.stdout.write(`${line}\n`);

const sink = await open({
  table: table(plan.table, { id: k.long(), text: k.string() }),
  to: kusto({ cluster: plan.cluster, database: plan.database, pollIntervalMs: 50 }),
  deliveryGuarantee: "exactly-once",
  state: fileState(plan.state),
  deadLetter: fileDeadLetter(plan.deadLetter),
  batchSize: 100,
  retryBaseMs: 20,
});
const from = Number(sink.restored?.positions.source ?? 0);
say(`from ${from}`);

let checkpoints = 0;
for (let id = from; id < plan.records; id++) {
  if (!sink.write({ id, text: `text, "${id}"` })) await sink.ready;
  const written = id - from + 1;
  if (written % 100 === 0) {
    say(`wrote ${written}`);
    // As slow as a source that others fill: whoever listens has its turn.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  if ((id + 1) % 250 !== 0) continue;
  await sink.checkpoint({ positions: { source: id + 1 } });
  say(`checkpoint ${++checkpoints}`);
  if (checkpoints === 2) sink.committed().then(() => say("committed"));
}
await sink.checkpoint({ positions: { source: plan.records } });
await sink.close();
say("done");
