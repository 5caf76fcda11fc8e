import { join } from "node:path";
import type { EpochRange, RefusedRows } from "../../checkpoint/epoch.ts";
import { MillraceError } from "../../errors.ts";
import type { Disk } from "../../log/disk.ts";
import { onDisk } from "./on-disk.ts";

/**
 * The decision on an epoch: these files, and no others, are its rows. Claims of one table and job are numbered from 1, whatever
 * state or copy of a state made them, and each names the one before it.
 */
export interface Claim {
  readonly format: 1;
  /** Drawn by the attempt that made it. */
  readonly token: string;
  /** The token of the claim before it; null: it is the first. */
  readonly after: string | null;
  readonly table: string;
  /** `name.id`. */
  readonly job: string;
  readonly epoch: number;
  /** `lineage.digest`. */
  readonly identity: string;
  readonly files: readonly ClaimedFile[];
  /** Rows that are in none of the files. */
  readonly refused?: RefusedRows;
}

export interface ClaimedFile {
  /** In the folder of parts. */
  readonly temporary: string;
  /** Below the data folder, with `/`. */
  readonly name: string;
  readonly rows: number;
  readonly rawBytes: number;
  readonly bytes: number;
}

/** A claim without what it lists. */
export interface ClaimHead extends Pick<Claim, "token" | "after" | "job" | "epoch" | "identity"> {
  readonly number: number;
}

/** The claims of one table and job, in a folder of their own. */
export interface ClaimChain {
  /** Those that are linked to the newest one, the oldest first, at most as many as are kept. */
  read(): Promise<readonly ClaimHead[]>;
  /** @throws MillraceError STATE_DAMAGED where it is not what was written. */
  load(number: number): Promise<Claim>;
  /**
   * Makes a claim behind the newest one that `read()` gave. Not durable yet.
   *
   * - `made`: it is in the chain, and others go by it.
   * - `overtaken`: another claim took the place; read again.
   * - `stale`: the place had been another claim's, which was removed for its age. Nothing was changed.
   */
  append(claim: Omit<Claim, "after" | "format">, last: ClaimHead | undefined): Promise<"made" | "overtaken" | "stale">;
  /** Makes durable what is there, whoever made it. */
  sync(): Promise<void>;
  /** Removes claims that are too old to matter. */
  prune(): Promise<void>;
}

/** @param mostClaims that are kept; older ones are removed */
export function claimChain(disk: Disk, folder: string, table: string, mostClaims: number): ClaimChain {
  /** A claim does not change once it is there. */
  const known = new Map<number, ClaimHead>();
  const pathOf = (number: number) => join(folder, claimName(number));

  async function load(number: number): Promise<Claim | undefined> {
    const path = pathOf(number);
    const bytes = await onDisk(path, "reading it", () => disk.read(path));
    if (!bytes) return undefined;
    const claim = parsed(bytes);
    if (!claim || claim.table !== table)
      throw new MillraceError(
        "STATE_DAMAGED",
        `${path} is no claim of table ${table} as this version of Millrace writes it. Nothing was changed. See docs/files-destination.md.`,
        { context: { path, table } },
      );
    return claim;
  }

  async function headAt(number: number): Promise<ClaimHead | undefined> {
    const head = known.get(number);
    if (head) return head;
    const claim = await load(number);
    if (!claim) return undefined;
    const { token, after, job, epoch, identity } = claim;
    const made = { number, token, after, job, epoch, identity };
    known.set(number, made);
    return made;
  }

  async function numbers(): Promise<ReadonlySet<number>> {
    const names = await onDisk(folder, "listing it", () => disk.list(folder));
    return new Set(names.map(numberIn).filter((number) => number !== undefined));
  }

  async function read(): Promise<readonly ClaimHead[]> {
    const there = await numbers();
    for (const number of known.keys()) if (!there.has(number)) known.delete(number);
    const chain: ClaimHead[] = [];
    for (let number = newestOf(there); there.has(number) && chain.length < mostClaims; number--) {
      const head = await headAt(number);
      if (!head && chain.length === 0) throw gone(number);
      // Below the place where a link is missing there is nothing, or what an overtaken process left there.
      if (!head || (chain.length > 0 && chain[0]!.after !== head.token)) break;
      chain.unshift(head);
    }
    return chain;
  }

  return {
    read,
    async load(number) {
      const claim = await load(number);
      if (!claim) throw gone(number);
      return claim;
    },
    async append(claim, last) {
      const number = (last?.number ?? 0) + 1;
      const path = pathOf(number);
      const whole: Claim = { format: 1, ...claim, after: last?.token ?? null };
      const content = new TextEncoder().encode(`${JSON.stringify(whole)}\n`);
      if (!(await onDisk(path, "making it", () => disk.createNew(path, content)))) return "overtaken";
      // A writer that slept meanwhile may have got a place whose claim is so old that it was removed.
      if ((await read()).some(({ token }) => token === claim.token)) return "made";
      await onDisk(path, "removing it", () => disk.remove(path));
      known.delete(number);
      return "stale";
    },
    sync,
    async prune() {
      const names = await onDisk(folder, "listing it", () => disk.list(folder));
      const newest = newestOf(new Set(names.map(numberIn).filter((number) => number !== undefined)));
      // The oldest first: what is left after a kill is linked to the newest.
      for (const name of names.sort()) {
        const number = numberIn(name) ?? numberInDraft(name);
        if (number === undefined || number > newest - mostClaims) continue;
        known.delete(number);
        await onDisk(folder, "removing old claims", () => disk.remove(join(folder, name)));
      }
    },
  };

  function gone(number: number): MillraceError {
    return new MillraceError("TARGET_UNWRITABLE", `${pathOf(number)} was there, and is gone.`, {
      retryable: true,
      context: { path: pathOf(number) },
    });
  }

  function sync(): Promise<void> {
    return onDisk(folder, "syncing it", () => disk.syncFolder(folder), false);
  }
}

/** What the claims say of the epochs that the folder holds, by job and lineage. */
export function heldIn(claims: readonly ClaimHead[]): EpochRange[] {
  const held = new Map<string, EpochRange>();
  for (const { job, identity, epoch } of claims) {
    const lineage = identity.split(".")[0];
    const key = JSON.stringify([job, lineage]);
    const { oldest = epoch, newest = epoch } = held.get(key) ?? {};
    held.set(key, { job, lineage, oldest: Math.min(oldest, epoch), newest: Math.max(newest, epoch) });
  }
  return [...held.values()];
}

function newestOf(numbers: ReadonlySet<number>): number {
  let newest = 0;
  for (const number of numbers) newest = Math.max(newest, number);
  return newest;
}

export function claimName(number: number): string {
  return `claim-${String(number).padStart(9, "0")}.json`;
}

function numberIn(name: string): number | undefined {
  const match = /^claim-(\d{9,15})\.json$/.exec(name);
  return match ? Number(match[1]) : undefined;
}

/** What a killed process left of a claim that it was about to make. */
function numberInDraft(name: string): number | undefined {
  const match = /^claim-(\d{9,15})\.json\./.exec(name);
  return match ? Number(match[1]) : undefined;
}

function parsed(bytes: Uint8Array): Claim | undefined {
  let claim: Claim;
  try {
    claim = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  const { format, token, job, epoch, identity, files } = claim ?? {};
  const isSound =
    format === 1 &&
    [token, job, identity].every((text) => typeof text === "string") &&
    Number.isSafeInteger(epoch) &&
    Array.isArray(files) &&
    files.every(({ temporary, name }) => isBelow(temporary) && isBelow(name));
  return isSound ? claim : undefined;
}

/** Names of the folder and those below it only. */
function isBelow(name: unknown): boolean {
  return typeof name === "string" && name.split(/[\\/]/).every((part) => part !== "" && part !== "." && part !== "..");
}
