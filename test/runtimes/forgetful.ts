import { k, memory, open, table } from "millrace";

// A program that forgets close().

const to = memory();
const sink = await open({
  table: table("Numbers", { n: k.int() }),
  to,
  batchIntervalMs: Number(process.env.INTERVAL ?? 200),
});
for (let n = 0; n < Number(process.env.RECORDS); n++) sink.write({ n });
process.on("exit", () => console.log(to.batches.length, "batches"));
switch (process.env.ENDING) {
  case "exit":
    process.exit(3);
    break;
  case "throw":
    setTimeout(() => {
      throw new Error("out of hand");
    });
    break;
  case "reject":
    void Promise.reject(new Error("out of hand"));
}
