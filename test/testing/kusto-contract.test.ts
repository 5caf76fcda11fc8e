import { after, before } from "node:test";
import { type KustoAdmin, kustoAdmin } from "../../src/connectors/kusto/admin.ts";
import { type KustoOptions, kusto } from "../../src/connectors/kusto/index.ts";
import { type Emulator, startEmulator } from "../../src/emulator/index.ts";
import { createMergeTableCommand } from "../../src/schema/kql.ts";
import { k, table } from "../../src/schema/table.ts";
import { destinationContract } from "../../src/testing/index.ts";

// kusto() on the embedded emulator, in each of its commit modes.

let emulator: Emulator;
let admin: KustoAdmin;
let tables = 0;

before(async () => {
  emulator = await startEmulator({ databases: ["db"] });
  admin = await kustoAdmin({ cluster: emulator.url, database: "db" });
});

after(async () => {
  admin?.close();
  await emulator?.close();
});

for (const commitMode of ["move", "append", "tag"] as const)
  destinationContract(
    `kusto(), commitMode ${commitMode}`,
    async () => {
      const name = `Contract${tables++}`;
      await admin.execute(createMergeTableCommand(table(name, { n: k.long(), text: k.string() })));
      const options: KustoOptions = { cluster: emulator.url, database: "db", commitMode };
      return {
        destination: () => kusto({ ...options, flushImmediately: true, pollIntervalMs: 20 }),
        async rows() {
          const { rows } = await admin.query(`['${name}'] | project n, text`);
          return rows.map(([n, text]) => ({ n: Number(n), text: String(text) }));
        },
        table: name,
        options: { retryTimeoutMs: 60_000 },
      };
    },
    { trials: 4, patienceMs: 60_000 },
  );
