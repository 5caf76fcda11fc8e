// A sink whose metrics Prometheus can scrape, here on the embedded emulator; docs/grafana-dashboard.json shows them.
//   npm run build && node examples/telemetry-prometheus.mjs [port]
// Beside Millrace it needs: npm install @opentelemetry/sdk-metrics @opentelemetry/exporter-prometheus
import { once } from "node:events";
import { createServer } from "node:http";
import { setTimeout } from "node:timers/promises";
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { k, memoryDeadLetter, open, table } from "millrace";
import { startEmulator } from "millrace/emulator";
import { createMergeTableCommand, kusto, kustoAdmin } from "millrace/kusto";

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stop.abort());

// The exporter's own server would listen on every interface.
const exporter = new PrometheusExporter({ preventServerStart: true });
const provider = new MeterProvider({ readers: [exporter] });
const server = createServer((request, response) => {
  if (request.url === "/metrics") exporter.getMetricsRequestHandler(request, response);
  else response.writeHead(404).end();
}).listen(Number(process.argv[2] ?? 9464), "127.0.0.1");
await once(server, "listening");

const readings = table("Readings", { ts: k.datetime(), device: k.string(), value: k.real() });
const emulator = await startEmulator({ databases: ["iot"] });
const connection = { cluster: emulator.url, database: "iot" };
const admin = await kustoAdmin(connection);
await admin.execute(createMergeTableCommand(readings));

const sink = await open({
  table: readings,
  to: kusto({ ...connection, pollForIngestionStatus: true, pollIntervalMs: 100 }),
  preset: "realtime",
  deadLetter: memoryDeadLetter(),
  telemetry: { meter: provider.getMeter("example") },
});

let n = 0;
function writeSome() {
  for (let i = 0; i < 500; i++, n++)
    sink.write({ ts: new Date(), device: `device-${n % 10}`, value: Math.sin(n / 100) });
  sink.write({ ts: new Date(), device: "broken", value: "not a number" }); // refused: it goes to the dead letter
}
writeSome();
await sink.checkpoint();
console.log(`http://127.0.0.1:${server.address().port}/metrics`);

while (!stop.signal.aborted) {
  writeSome();
  await sink.ready;
  await setTimeout(100, undefined, { signal: stop.signal }).catch(() => {});
}
await sink.close();
admin.close();
await emulator.close();
server.close();
await provider.shutdown();
