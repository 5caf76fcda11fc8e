import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { type Emulator, startEmulator } from "../../src/emulator/index.ts";
import { type KustoAdmin, kustoAdmin } from "../../src/kusto.ts";

/** What the tests of one file share. It is there when they run, and ends with them. */
export interface OnEmulator {
  readonly folder: string;
  /** Has the database `demo`. */
  readonly emulator: Emulator;
  readonly admin: KustoAdmin;
  /** The flags that lead a command to it. */
  readonly at: readonly string[];
}

/** Starts an emulator before the tests of the file that calls this, in its own process. */
export function onEmulator(name: string): OnEmulator {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), `millrace-${name}-`)));
  let emulator: Emulator | undefined;
  let admin: KustoAdmin | undefined;
  before(async () => {
    emulator = await startEmulator({ databases: ["demo"] });
    admin = await kustoAdmin({ cluster: emulator.url, database: "demo" });
  });
  after(async () => {
    admin?.close();
    await emulator?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    folder,
    get emulator() {
      return emulator!;
    },
    get admin() {
      return admin!;
    },
    get at() {
      return ["--cluster", emulator!.url, "--database", "demo"];
    },
  };
}
