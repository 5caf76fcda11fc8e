import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileState, stateOn } from "../../src/checkpoint/file-state.ts";
import type { StateLease } from "../../src/checkpoint/state-backend.ts";
import { type MemoryDisk, memoryDisk } from "../../src/log/memory-disk.ts";
import type { WriteAheadLog } from "../../src/log/write-ahead-log.ts";
import { stateRules } from "../../src/testing/state-contract.ts";
import type { StateUnderTest } from "../../src/testing/state-under-test.ts";
import { brokenRules } from "./broken-rules.ts";

// Backends that break one rule each, and the rule that finds it.

/** What the leases of one storage share. */
interface Shared {
  readonly disk: MemoryDisk;
  openings: number;
  newest: StateLease | undefined;
}

type Mutant = (lease: StateLease, shared: Shared) => StateLease;

function over(lease: StateLease, changed: Partial<StateLease>): StateLease {
  const { generation, log } = lease;
  return {
    ...{ generation, log, read: () => lease.read(), close: () => lease.close() },
    compareAndSet: (changes) => lease.compareAndSet(changes),
    ...changed,
  };
}

function overLog(lease: StateLease, changed: (log: WriteAheadLog) => Partial<WriteAheadLog>): StateLease {
  const { log } = lease;
  const plain: WriteAheadLog = {
    get bytes() {
      return log.bytes;
    },
    retain: (segments) => log.retain(segments),
    append: (epoch, batch) => log.append(epoch, batch),
    seal: (epoch) => log.seal(epoch),
    read: (batch) => log.read(batch),
    trim: (epoch) => log.trim(epoch),
    close: () => log.close(),
  };
  Object.defineProperties(plain, Object.getOwnPropertyDescriptors(changed(log)));
  return over(lease, { log: plain });
}

async function damageOn(disk: MemoryDisk, segment: string, at: number): Promise<void> {
  const file = await disk.open(`state/log/${segment}`);
  const bytes = await file.readAt(0, file.size);
  bytes[at]! ^= 4;
  await file.truncate(0);
  await file.append([bytes]);
}

const mutants: Readonly<Record<string, readonly [rule: RegExp, mutant: Mutant]>> = {
  "generations stand still": [/each opening is a generation/, (lease) => over(lease, { generation: 1 })],
  "an older lease writes through the newest": [
    /an older lease decides nothing/,
    (lease, shared) => {
      shared.newest = lease;
      return over(lease, { compareAndSet: (changes) => shared.newest!.compareAndSet(changes) });
    },
  ],
  "changes are made one by one": [
    /a change with a wrong version/,
    (lease) =>
      over(lease, {
        async compareAndSet(changes) {
          // Overlapping calls begin in their order, as each has one change.
          const calls = changes.length > 1 && changes.some(({ expected }) => expected > 0) ? changes : undefined;
          if (!calls || calls.some(({ value }) => value === undefined)) return lease.compareAndSet(changes);
          for (const change of calls) await lease.compareAndSet([change]);
        },
      }),
  ],
  "a removed entry keeps its version": [
    /versions count from 1/,
    (lease) => {
      const gone = new Set<string>();
      return over(lease, {
        async compareAndSet(changes) {
          await lease.compareAndSet(changes);
          for (const { key, value } of changes) if (value === undefined) gone.add(key);
        },
        read: () =>
          new Map([...lease.read()].map(([key, entry]) => [key, gone.has(key) ? { ...entry, version: 2 } : entry])),
      });
    },
  ],
  "a refused call ends the lease": [
    /calls overlap/,
    (lease) => {
      let last: Promise<void> = Promise.resolve();
      return over(lease, {
        compareAndSet(changes) {
          last = last.then(() => lease.compareAndSet(changes));
          return last;
        },
      });
    },
  ],
  "read() is a little late": [
    /read\(\) has a change as soon/,
    (lease) => {
      let seen = new Map(lease.read());
      const isLate = () => lease.read().get("a")?.value === 2;
      return over(lease, {
        read() {
          // Only where one key was changed twice by one call each, and nothing came behind.
          if (!isLate() || lease.read().size !== 1 || lease.generation > 1) return lease.read();
          const before = seen;
          seen = new Map(lease.read());
          return before;
        },
      });
    },
  ],
  "large values are cut": [
    /value for value/,
    (lease) =>
      over(lease, {
        compareAndSet: (changes) =>
          lease.compareAndSet(
            changes.map((each) => ({
              ...each,
              ...(typeof each.value === "string" && { value: each.value.slice(0, 65_536) }),
            })),
          ),
      }),
  ],
  "the last change is written at close()": [
    /without close\(\)/,
    (lease, shared) => {
      if (shared.openings++ === 0) return lease;
      const entries = new Map(lease.read());
      if (lease.generation === 2 && entries.get("a")?.value === 2 && entries.size === 1) entries.delete("a");
      return lease.generation === 2 && entries.size === 0 ? over(lease, { read: () => entries }) : lease;
    },
  ],
  "a second close() throws": [
    /may be called twice/,
    (lease) => {
      let isClosed = false;
      return over(lease, {
        async close() {
          if (isClosed) throw new Error("it is closed");
          isClosed = true;
          await lease.close();
        },
      });
    },
  ],
  "the log joins no parts": [
    /read as it was appended/,
    (lease) =>
      overLog(lease, (log) => ({
        append: (epoch, batch) =>
          log.append(epoch, batch.rows > 1_000 ? { ...batch, parts: [batch.parts[0]!] } : batch),
      })),
  ],
  "one segment for all open epochs": [
    /do not mix/,
    (lease) =>
      overLog(lease, (log) => {
        const open = new Set<number>();
        const mixed = new Set<string>();
        return {
          append(epoch, batch) {
            open.add(epoch);
            if (open.size > 1) mixed.add(batch.id);
            return log.append(epoch, batch);
          },
          seal(epoch) {
            open.delete(epoch);
            return log.seal(epoch);
          },
          async read(batch) {
            const bytes = await log.read(batch);
            return mixed.has(batch.id) ? bytes.subarray(1) : bytes;
          },
        };
      }),
  ],
  "retain() does nothing": [/retain\(\)/, (lease) => overLog(lease, () => ({ retain: async () => {} }))],
  "trim() takes epochs that begin alike": [
    /trim\(\) removes/,
    (lease) =>
      overLog(lease, (log) => ({
        async trim(epoch) {
          await log.trim(epoch);
          for (const other of [10, 11, 12]) if (epoch === 1) await log.trim(other);
        },
      })),
  ],
  "damage is told by another code": [
    /STATE_DAMAGED/,
    (lease) =>
      overLog(lease, (log) => ({
        read: (batch) =>
          log.read(batch).catch(() => {
            throw new Error("bad checksum");
          }),
      })),
  ],
  "`bytes` forgets what was there before": [
    /`bytes` counts/,
    (lease) => {
      const before = lease.log.bytes;
      return overLog(lease, (log) => ({
        get bytes() {
          return Math.max(0, log.bytes - before);
        },
      }));
    },
  ],
  "an older lease's segment is the newer one's": [
    /an older lease changes no byte/,
    (lease, { disk }) =>
      overLog(lease, (log) => ({
        async append(epoch, batch) {
          if (batch.id.startsWith("late"))
            for (const name of await disk.list("state/log")) await damageOn(disk, name, 200);
          return log.append(epoch, batch);
        },
      })),
  ],
};

function subject(mutant: Mutant): StateUnderTest {
  const disk = memoryDisk();
  const shared: Shared = { disk, openings: 0, newest: undefined };
  return {
    state() {
      const state = stateOn(disk, "state");
      return { name: state.name, open: async (signal) => mutant(await state.open(signal), shared) };
    },
    breakLease: () => disk.remove("state/lock"),
    damage: ({ segment, offset, packedBytes }) => damageOn(disk, segment, offset + (packedBytes >> 1)),
  };
}

test("a sound backend breaks no rule", async () => {
  assert.deepEqual(await brokenRules(stateRules, () => subject((lease) => lease)), []);
});

for (const [name, [rule, mutant]] of Object.entries(mutants))
  test(`${name}: that rule finds it, and no other`, async () => {
    const broken = await brokenRules(stateRules, () => subject(mutant));
    assert.ok(broken.length === 1 && rule.test(broken[0]!), `broken: ${broken.join("; ") || "none"}`);
  });

test("an opening that waits for ever, though its signal has fired: that rule finds it, and no other", async () => {
  const broken = await brokenRules(stateRules, () => {
    const sound = subject((lease) => lease);
    const open = (signal: AbortSignal) => (signal.aborted ? new Promise<never>(() => {}) : sound.state().open(signal));
    return { ...sound, state: () => ({ name: "waits", open }) };
  });
  assert.deepEqual(broken, ["an opening whose signal has fired ends in bounded time, and the next one succeeds"]);
});

test("a backend that writes nothing before close(): the rule of kills finds it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "millrace-mutant-"));
  const file = join(folder, "state");
  const child = { module: new URL("./forgetful-state-child.ts", import.meta.url), argument: file };
  try {
    const kill = stateRules.filter(({ name }) => name.includes("SIGKILL"));
    const make = () => ({
      state: () => fileState(file),
      breakLease: () => rmSync(join(file, "lock"), { force: true }),
    });
    assert.equal((await brokenRules(kill, () => ({ ...make(), child }))).length, 1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
