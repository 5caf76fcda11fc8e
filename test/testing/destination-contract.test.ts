import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { TestContext } from "node:test";
import { gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import { filesOn } from "../../src/connectors/files/index.ts";
import type { FilesDestinationOptions } from "../../src/connectors/files/options.ts";
import { memory } from "../../src/destination/memory.ts";
import type { Disk } from "../../src/log/disk.ts";
import { memoryDisk } from "../../src/log/memory-disk.ts";
import { nodeDisk } from "../../src/log/node-disk.ts";
import { type DestinationUnderTest, destinationContract, type TargetCall } from "../../src/testing/index.ts";
import { dataFiles } from "../connectors/files/folder.ts";
import { rowsOf } from "../rows-of.ts";
import { folderFor } from "./folder.ts";

destinationContract(
  "memory()",
  () => {
    const to = memory();
    return {
      destination: () => to,
      rows: () => to.batches.flatMap(rowsOf).map(([n, text]) => ({ n: Number(n), text: text! })),
      isRepeatable: true,
    };
  },
  { trials: 40, patienceMs: 1_000 },
);

/** A disk each of whose acts is a request to the target. */
function asked(disk: Disk, call: TargetCall): Disk {
  const acts = Object.entries(disk).map(([act, method]: [string, (...given: unknown[]) => Promise<unknown>]) => [
    act,
    (...given: unknown[]) => call(async () => method.apply(disk, given)),
  ]);
  return Object.fromEntries(acts);
}

interface FolderCase {
  readonly options?: FilesDestinationOptions;
  readonly format?: "csv" | "ndjson";
  readonly refusedText?: string;
}

/** Rows of data files as csv-parse, JSON.parse and zlib read them. */
function rowsIn(name: string, bytes: Uint8Array, { options, format = "csv" }: FolderCase) {
  const text = Buffer.from(name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
  const rows: { n: string; text: string }[] =
    format === "csv"
      ? parse(text, { columns: options?.header === false ? ["n", "text"] : true })
      : text
          .split("\n")
          .filter((line) => line !== "")
          .map((line) => JSON.parse(line));
  return rows.map((row) => ({ n: Number(row.n), text: row.text }));
}

/** On a disk in memory, for thousands of files are written. */
function inMemory(given: FolderCase) {
  return (): DestinationUnderTest => {
    const disk = memoryDisk();
    const folder = resolve("lake");
    async function below(path: string): Promise<string[]> {
      const names = await disk.list(path);
      if (names.length === 0) return [path];
      return (await Promise.all(names.filter((n) => !n.startsWith(".")).map((n) => below(join(path, n))))).flat();
    }
    const { options, format = "csv", refusedText } = given;
    return {
      destination: (call) => filesOn(asked(disk, call), folder, options),
      async rows() {
        const paths = (await below(folder)).filter((path) => path !== folder);
        return (await Promise.all(paths.map(async (path) => rowsIn(path, (await disk.read(path))!, given)))).flat();
      },
      ...{ options: { format }, isRepeatable: true, ...(refusedText !== undefined && { refusedText }) },
    };
  };
}

function onDisk(given: FolderCase) {
  return (t: TestContext): DestinationUnderTest => {
    const folder = join(folderFor(t), "lake");
    return {
      destination: (call) => filesOn(asked(nodeDisk, call), folder, given.options),
      rows: () => dataFiles(folder).flatMap((name) => rowsIn(name, readFileSync(join(folder, name)), given)),
      isRepeatable: true,
    };
  };
}

/** More than there are moments of a process in which it may be killed. */
const all = { trials: 40 };
const tooLong = "x".repeat(300);

destinationContract("filesDestination() on a real disk", onDisk({}), { trials: 5 });
destinationContract(
  "filesDestination(): NDJSON, plain",
  inMemory({ options: { compression: "none" }, format: "ndjson" }),
);
destinationContract(
  "filesDestination(): small files, no header",
  inMemory({ options: { compression: "none", header: false, maxFileRows: 2 } }),
  all,
);
destinationContract(
  "filesDestination(): folders by value",
  inMemory({ options: { partitionBy: ["text"] }, refusedText: tooLong }),
  { trials: 8 },
);
