import { startEmulator } from "../../../src/emulator/emulator.ts";
import { kustoAdmin } from "../../../src/kusto.ts";
import type { CrashService } from "./service.ts";

/** An emulator. */
export async function kustoService(): Promise<CrashService> {
  const database = "crash";
  const emulator = await startEmulator({ databases: [database], blobRetentionMs: 10_000 });
  const admin = await kustoAdmin({ cluster: emulator.url, database });
  return {
    url: emulator.url,
    database,
    async create(table) {
      await admin.execute(`.create table ${table} (id:long, text:string)`);
    },
    async drop(table) {
      await admin.execute(`.drop table ${table} ifexists`);
    },
    async addColumn(table, column) {
      await admin.execute(`.alter-merge table ${table} (${column}:string)`);
    },
    async counts({ table }) {
      const { rows } = await admin.query(`${table} | summarize n = count() by id`);
      return new Map(rows.map(([id, n]) => [Number(id), Number(n)]));
    },
    newestEpoch: async () => 0,
    play: (faults) => emulator.faults.play({ faults }),
    clearFaults: () => emulator.faults.clear(),
    async close() {
      admin.close();
      await emulator.close();
    },
  };
}
