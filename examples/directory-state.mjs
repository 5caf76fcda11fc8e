// A state backend of one's own: the port `StateBackend` over a plain directory, as it would be over a database or an object
// store. What a backend owes the sink:
//   - a generation for each opening, and nothing more to decide for the one before (its writes fail with STATE_FENCED);
//   - entries, changed all together or not at all, one change after another though calls overlap, durable when a call resolves;
//   - the sealed batches of each epoch, durable once the epoch is sealed, and the same bytes when they are read.
// `fileState()` does more: it keeps two copies, survives torn writes, and refuses a second process at once.
import { createHash } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { MillraceError } from "millrace";

/** @param {string} folder @returns {import("millrace/connector").StateBackend} */
export function directoryState(folder) {
  const path = (/** @type {string} */ name) => join(folder, name);
  const names = async (/** @type {string} */ start) => (await readdir(folder)).filter((name) => name.startsWith(start));
  const newest = (/** @type {string[]} */ of) => Math.max(0, ...of.map((name) => Number(name.split("-")[1])));

  return {
    name: folder,
    async open() {
      await mkdir(folder, { recursive: true });
      // Claim first, then read: whoever held the state before looks for a newer claim behind each of its writes. So either
      // we read what it has written, or it finds our claim and is fenced; never neither.
      const generation = newest(await names("claim-")) + 1;
      await store(path(`claim-${generation}`), "", "wx"); // "wx": of two that claim it at once, one fails
      const before = newest(await names("entries-"));
      /** @type {Map<string, import("millrace/connector").StateEntry>} */
      let entries = new Map(before > 0 ? JSON.parse(await readFile(path(`entries-${before}`), "utf8")) : []);

      async function write(/** @type {typeof entries} */ next) {
        const text = JSON.stringify([...next]);
        await store(path(`new-${generation}`), text, "w");
        await rename(path(`new-${generation}`), path(`entries-${generation}`)); // all of it, or nothing
        await sync(folder);
        if (newest(await names("claim-")) > generation)
          throw new MillraceError("STATE_FENCED", `${folder} has been taken over by another process.`);
        entries = next;
      }
      await write(entries); // ours count from now on, whatever an older generation still writes

      /** Bytes by file. @type {Map<string, number>} */
      const sizes = new Map();
      for (const name of await names("batch-")) sizes.set(name, (await readFile(path(name))).length);

      let last = Promise.resolve();
      return {
        generation,
        read: () => entries,
        compareAndSet(changes) {
          const written = last.then(async () => {
            const next = new Map(entries);
            for (const { key, expected, value } of changes) {
              if ((entries.get(key)?.version ?? 0) !== expected)
                throw new MillraceError("STATE_FENCED", `${folder}: ${key} is not as this process left it.`);
              if (value === undefined) next.delete(key);
              else next.set(key, { version: expected + 1, value });
            }
            await write(next);
          });
          last = written.catch(() => {}); // a failure is its caller's
          return written;
        },
        log: {
          get bytes() {
            return [...sizes.values()].reduce((sum, size) => sum + size, 0);
          },
          // The others are of epochs that were never decided on: their records will be read again.
          async retain(segments) {
            for (const name of [...sizes.keys()].filter((each) => !segments.has(each))) {
              await rm(path(name));
              sizes.delete(name);
            }
          },
          async append(epoch, { parts, ...batch }) {
            const bytes = Buffer.concat(parts);
            const segment = `batch-${epoch}-${generation}-${batch.id}`;
            await store(path(segment), bytes, "w"); // early: it need not be durable before `seal`
            sizes.set(segment, bytes.length);
            return { ...batch, epoch, segment, offset: 0, sha256: sha256(bytes) };
          },
          seal: () => sync(folder),
          async read({ segment, sha256: expected }) {
            const bytes = await readFile(path(segment));
            if (sha256(bytes) !== expected)
              throw new MillraceError("STATE_DAMAGED", `${path(segment)} is not what was written.`);
            return bytes;
          },
          async trim(epoch) {
            for (const name of await names(`batch-${epoch}-`)) {
              await rm(path(name));
              sizes.delete(name);
            }
          },
          async close() {},
        },
        async close() {},
      };
    },
  };
}

const sha256 = (/** @type {Uint8Array} */ bytes) => createHash("sha256").update(bytes).digest("hex");

/** A file that survives a power failure once its folder is synced, too. */
async function store(
  /** @type {string} */ path,
  /** @type {string | Uint8Array} */ content,
  /** @type {string} */ flag,
) {
  const file = await open(path, flag);
  await file.writeFile(content);
  await file.sync();
  await file.close();
}

async function sync(/** @type {string} */ folder) {
  const handle = await open(folder, "r");
  await handle.sync();
  await handle.close();
}
