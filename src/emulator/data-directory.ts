import { randomBytes } from "node:crypto";
import { readFile, realpath, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { MillraceError, reasonOf } from "../errors.ts";
import { makeFolders } from "../folders.ts";
import { openStore } from "./engine/open-store.ts";
import type { Store } from "./engine/store.ts";
import { type Account, randomAccount } from "./storage/accounts.ts";
import type { StoragePorts } from "./storage/storage.ts";

/** What must be the same after a restart, so that messages, SAS and tokens of an earlier run are still good. */
interface Identity {
  readonly format: number;
  readonly accounts: readonly Account[];
  readonly tokenKey: string;
  readonly ports: StoragePorts;
}

/**
 * A directory that outlives the process: DuckDB's file with rows and catalogue, Azurite's files, and who we are. The lock
 * is DuckDB's own on its file, which goes with the process, however that ends.
 */
export interface DataDirectory {
  readonly store: Store;
  readonly accounts: readonly Account[];
  readonly tokenKey: Uint8Array;
  readonly ports: StoragePorts;
  /** Where Azurite keeps its files. */
  readonly storage: string;
  /** Writes down which process keeps files under `storage`, and at which ports. */
  started(azuritePid: number, ports: StoragePorts): Promise<void>;
  close(): void;
}

const format = 1;
const identityFile = "emulator.json";
const storeFile = "tables.duckdb";
const pidFile = "azurite.pid";

/** DuckDB's lock is the process's: within one, somebody else has to look. */
const open = new Set<string>();

/**
 * Opens a directory, or makes one.
 *
 * @throws MillraceError STATE_IN_USE, STATE_FOREIGN where a newer version has written it, STATE_DAMAGED, STATE_UNWRITABLE.
 */
export async function openDataDirectory(path: string, leastAccounts: number): Promise<DataDirectory> {
  const directory = await makeFolders(path).then(
    () => realpath(path),
    (error: unknown) => {
      throw new MillraceError(
        "STATE_UNWRITABLE",
        `The emulator cannot make the directory '${path}': ${reasonOf(error)}.`,
        {
          cause: error,
        },
      );
    },
  );
  if (open.has(directory)) throw inUse(path);
  open.add(directory);
  let store: Store | undefined;
  try {
    const before = await readIdentity(directory);
    store = await openFile(join(directory, storeFile), path);
    await formerAzuriteGone(directory);
    const missing = Math.max(0, leastAccounts - (before?.accounts.length ?? 0));
    const identity: Identity = {
      format,
      accounts: [...(before?.accounts ?? []), ...Array.from({ length: missing }, randomAccount)],
      tokenKey: before?.tokenKey ?? randomBytes(32).toString("base64"),
      ports: before?.ports ?? { blob: [], queue: [], table: [] },
    };
    await writeIdentity(directory, identity);
    return opened(directory, store, identity);
  } catch (error) {
    store?.close();
    open.delete(directory);
    throw error;
  }
}

function opened(directory: string, store: Store, identity: Identity): DataDirectory {
  return {
    store,
    accounts: identity.accounts,
    tokenKey: Buffer.from(identity.tokenKey, "base64"),
    ports: identity.ports,
    storage: join(directory, "storage"),
    async started(azuritePid, ports) {
      await writeFile(join(directory, pidFile), String(azuritePid), { mode: 0o600 });
      await writeIdentity(directory, { ...identity, ports });
    },
    close() {
      store.close();
      open.delete(directory);
    },
  };
}

async function readIdentity(directory: string): Promise<Identity | undefined> {
  const file = join(directory, identityFile);
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    if ((error as { code?: string }).code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  let identity: Identity;
  try {
    identity = JSON.parse(text) as Identity;
  } catch (error) {
    throw new MillraceError("STATE_DAMAGED", `'${file}' is not the emulator's: it is no JSON.`, { cause: error });
  }
  if (identity.format === format) return identity;
  throw new MillraceError(
    "STATE_FOREIGN",
    `'${directory}' was written by another version of the emulator (format ${String(identity.format)}; this one knows ${format}). Update millrace, or give it another directory.`,
  );
}

/** The file has keys of accounts in it: nobody else may read it. */
async function writeIdentity(directory: string, identity: Identity): Promise<void> {
  const file = join(directory, identityFile);
  await writeFile(`${file}.new`, JSON.stringify(identity), { mode: 0o600, flush: true });
  await rename(`${file}.new`, file);
}

async function openFile(file: string, path: string): Promise<Store> {
  try {
    return await openStore(file);
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    const why = reasonOf(error);
    if (/lock/i.test(why)) throw inUse(path, error);
    if (/newer version|version number/i.test(why))
      throw new MillraceError("STATE_FOREIGN", `'${file}' was written by a newer DuckDB; update @duckdb/node-api.`, {
        cause: error,
      });
    throw new MillraceError("STATE_DAMAGED", `The emulator cannot open '${file}': ${why.split("\n")[0]}.`, {
      cause: error,
    });
  }
}

function inUse(path: string, cause?: unknown): MillraceError {
  return new MillraceError(
    "STATE_IN_USE",
    `Another emulator has '${path}' open. Close it, or give this one another directory.`,
    { cause },
  );
}

const goneMs = 10_000;
const lookMs = 20;

/** The Azurite of a run that was killed saves its files before it leaves; until then they are not ours. */
async function formerAzuriteGone(directory: string): Promise<void> {
  const file = join(directory, pidFile);
  const pid = Number(await readFile(file, "utf8").catch(() => "0"));
  for (let waited = 0; pid > 0 && waited < goneMs && isAlive(pid); waited += lookMs) await wait(lookMs);
  await rm(file, { force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
