// A user's CommonJS program: require() of an ECMAScript module needs one without top-level await.
const assert = require("node:assert/strict");
const millrace = require("millrace");
const kusto = require("millrace/kusto");
const emulator = require("millrace/emulator");

async function main() {
  const { k, memory, open, table } = millrace;
  const to = memory();
  const sink = await open({ table: table("T", { n: k.long() }), to, parallelism: 1 });
  for (let n = 0; n < 10; n++) sink.write({ n });
  await sink.close();
  assert.equal(to.batches[0].rows, 10);
  assert.equal(typeof emulator.startEmulator, "function");
  assert.equal(typeof kusto.kusto, "function");
  // The two worlds share one module: an error is an instance of the class of either.
  assert.equal(millrace.MillraceError, (await import("millrace")).MillraceError);
  console.log(JSON.stringify({ version: millrace.version, package: require("millrace/package.json").version }));
}

main();
