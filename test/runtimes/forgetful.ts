import { k, memory, open, table } from "millrace";

// A program that forgets close().

const to = memory();
const sink = await open({ table: table("Numbers", { n: k.int() }), to, batchIntervalMs: 200 });
for (let n = 0; n < Number(process.env.RECORDS); n++) sink.write({ n });
process.on("exit", () => console.log(to.batches.length, "batches"));
