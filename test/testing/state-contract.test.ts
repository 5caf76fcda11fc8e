import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileState, memoryState, stateIn, stateOn } from "../../src/checkpoint/file-state.ts";
import { memoryDisk } from "../../src/log/memory-disk.ts";
import type { LoggedBatch } from "../../src/log/write-ahead-log.ts";
import { stateBackendContract } from "../../src/testing/index.ts";
import { mapStore } from "./map-store.ts";

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "millrace-contract-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Flips a bit in the midst of a batch's bytes. */
function flip(path: string, { offset, packedBytes }: LoggedBatch): void {
  const bytes = readFileSync(path);
  bytes[offset + (packedBytes >> 1)]! ^= 4;
  writeFileSync(path, bytes);
}

const child = (name: string, argument: string) => ({ module: new URL(name, import.meta.url), argument });

stateBackendContract("fileState()", (t) => {
  const folder = join(folderFor(t), "state");
  return {
    state: () => fileState(folder),
    breakLease: () => rmSync(join(folder, "lock"), { force: true }),
    damage: (batch) => flip(join(folder, "log", batch.segment), batch),
    child: child("./file-state-child.ts", folder),
  };
});

stateBackendContract("memoryState()", () => {
  const state = memoryState();
  return { state: () => state };
});

stateBackendContract("a state on a disk in memory", () => {
  const disk = memoryDisk();
  return {
    state: () => stateOn(disk, "state"),
    breakLease: () => disk.remove("state/lock"),
    async damage({ segment, offset, packedBytes }) {
      const file = await disk.open(`state/log/${segment}`);
      const bytes = await file.readAt(0, file.size);
      bytes[offset + (packedBytes >> 1)]! ^= 4;
      await file.truncate(0);
      await file.append([bytes]);
    },
  };
});

stateBackendContract("stateIn() over a map", (t) => {
  const folder = folderFor(t);
  const store = mapStore();
  return {
    state: () => stateIn(store, folder),
    damage: (batch) => flip(join(folder, batch.segment), batch),
  };
});
