// An endpoint that takes NDJSON and lands it: `curl --data-binary @events.ndjson http://127.0.0.1:PORT/events`.
//   npm run build && node examples/http-server.mjs CLUSTER [DATABASE] [PORT]
// 202 says that the rows are on their way, in memory. To say that they are safe, open the sink with a `state` and answer
// behind `await sink.checkpoint()`.
import { createServer } from "node:http";
import { fileDeadLetter, k, open, table } from "millrace";
import { createMergeTableCommand, kusto, kustoAdmin } from "millrace/kusto";

const [cluster = "http://127.0.0.1:8080", database = "demo", port = "0"] = process.argv.slice(2);
const events = table("HttpEvents", { at: k.datetime(), kind: k.string(), body: k.dynamic().optional() });
const admin = await kustoAdmin({ cluster, database });
await admin.execute(createMergeTableCommand(events));
admin.close();

const maxBatchesInFlight = 4;
const sink = await open({
  table: events,
  to: kusto({ cluster, database }),
  format: "ndjson", // rows go through as they are: checked for their framing, never parsed
  batchIntervalMs: 1_000, // the greatest age of an event that waits for others
  maxBatchesInFlight,
  deadLetter: fileDeadLetter("http-events.refused"), // one client's broken row must not fail the sink of all
});

let isStopping = false;
const server = createServer(async (request, response) => {
  /** @param {number} status @param {Record<string, string>} [headers] */
  const answer = (status, headers) => response.writeHead(status, { Connection: "close", ...headers }).end();
  if (request.method !== "POST" || request.url !== "/events") return answer(404);
  // The service is slower than the clients: say so now, before their rows pile up. The bounds hold in any case.
  if (isStopping || sink.stats.batchesInFlight >= maxBatchesInFlight) return answer(503, { "Retry-After": "1" });
  try {
    // Requests come interleaved, so only whole rows are handed over: up to the last newline of each piece.
    let rest = Buffer.alloc(0);
    for await (const piece of request) {
      const bytes = Buffer.concat([rest, piece]);
      const end = bytes.lastIndexOf("\n") + 1;
      rest = bytes.subarray(end);
      if (rest.length > 1_048_576) return answer(413);
      if (end > 0 && !sink.writeRaw(bytes.subarray(0, end))) await sink.ready; // meanwhile the socket is not read
    }
    // As bytes: a text would have mended what is not UTF-8, and the row could not be refused.
    if (rest.length > 0 && !sink.writeRaw(Buffer.concat([rest, Buffer.from("\n")]))) await sink.ready;
    answer(202);
  } catch (error) {
    console.error(`${/** @type {Error} */ (error).message}`); // the sink has failed, or the client went away
    if (!response.headersSent) answer(503, { "Retry-After": "10" });
  }
});
server.listen(Number(port), "127.0.0.1", () => {
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  console.log(`http://127.0.0.1:${address.port}/events`);
});

// Kubernetes and systemd send SIGTERM and wait: requests under way end, then what was taken is delivered.
process.once("SIGTERM", () => {
  isStopping = true;
  server.close(async () => {
    await sink.close();
    console.log(`${sink.stats.delivered} rows delivered, ${sink.stats.rejected} refused`);
  });
});
