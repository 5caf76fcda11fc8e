// A sink in a worker thread, so that packing costs the main thread nothing: for servers whose event loop is precious.
//   npm run build && node examples/worker.mjs CLUSTER [DATABASE]
// (Encoding and packing are on threads of their own in any case; what moves here are the checks of `write()`.)
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { k, open, table } from "millrace";
import { createMergeTableCommand, kusto, kustoAdmin } from "millrace/kusto";

if (isMainThread) await main();
else await work(/** @type {import("node:worker_threads").MessagePort} */ (parentPort));

async function main() {
  const [cluster = "http://127.0.0.1:8080", database = "demo"] = process.argv.slice(2);
  const worker = new Worker(new URL(import.meta.url), { workerData: { cluster, database } });
  /** Lists of records that the worker has not written yet; its word makes room. */
  let underWay = 0;
  let makeRoom = () => {};
  worker.on("message", (message) => {
    if (message.landed !== undefined) return console.log(`${message.landed} rows landed`);
    underWay--;
    makeRoom();
  });
  worker.on("error", (error) => {
    throw error;
  });

  for (let list = 0; list < 40; list++) {
    // Messages are copied: some hundred records each, not one.
    const records = Array.from({ length: 500 }, (_, i) => ({ n: list * 500 + i, at: Date.now(), thread: "main" }));
    worker.postMessage(records);
    if (++underWay >= 4) await new Promise((resolve) => (makeRoom = () => resolve(undefined))); // a queue without a bound is a leak
  }
  worker.postMessage("end");
}

/** @param {import("node:worker_threads").MessagePort} port */
async function work(port) {
  const { cluster, database } = workerData;
  const numbers = table("WorkerNumbers", { n: k.long(), at: k.datetime(), thread: k.string() });
  const admin = await kustoAdmin({ cluster, database });
  await admin.execute(createMergeTableCommand(numbers));
  const sink = await open({ table: numbers, to: kusto({ cluster, database, pollForIngestionStatus: true }) });

  // Lists wait for each other, for `writeAll` waits where the sink is full.
  let last = Promise.resolve();
  port.on("message", (message) => {
    last = last.then(() => (message === "end" ? end() : write(message)));
  });

  async function write(records) {
    await sink.writeAll(records);
    port.postMessage({ written: records.length });
  }
  async function end() {
    await sink.close();
    const { rows } = await admin.query("WorkerNumbers | summarize dcount(n, 4)");
    port.postMessage({ landed: sink.stats.delivered, distinct: rows[0]?.[0] });
    admin.close();
    port.close();
  }
}
