import { fileState, k, open, socket, stdout, table } from "../../../src/index.ts";

// A process that writes numbered records into standard output or a socket, with its positions in a state:
//   node --import tsx test/connectors/streams/writer.ts TARGET FORMAT COUNT [STATE]      TARGET: `stdout` or a port
// It tells each checkpoint on standard error.

const [target = "", format = "ndjson", count = "0", state] = process.argv.slice(2);
const rows = { format: format as "csv" | "ndjson", header: format === "csv" };
const sink = await open({
  table: table("Numbers", { id: k.int(), text: k.string() }),
  to: target === "stdout" ? stdout(rows) : socket({ host: "127.0.0.1", port: Number(target), ...rows }),
  batchSize: 50,
  retryTimeoutMs: 5_000,
  ...(state && { state: fileState(state) }),
});
try {
  for (let id = Number(sink.restored?.positions.source ?? 0); id < Number(count); ) {
    if (!sink.write({ id, text: `"${id}"\n${"x".repeat(id % 300)}` })) await sink.ready;
    id++;
    if (!state || id % 500 !== 0) continue;
    await sink.checkpoint({ positions: { source: id } });
    process.stderr.write(`checkpoint ${id}\n`);
  }
  if (state) await sink.checkpoint({ positions: { source: Number(count) } });
  await sink.close();
} catch (error) {
  const { code, message } = error as Error & { code?: string };
  process.stderr.write(`${code}: ${message}\n`);
  process.exitCode = 3;
}
