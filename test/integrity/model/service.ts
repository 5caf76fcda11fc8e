import { gunzipSync } from "node:zlib";
import type { SealedBatch } from "../../../src/batch/sealed-batch.ts";
import type { Arrived, EpochSession } from "../../../src/connectors/kusto/commit/epoch-session.ts";
import type { StagedBatch } from "../../../src/destination/destination.ts";
import { MillraceError } from "../../../src/errors.ts";

/** A draw from [0, 1), the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How ill the service is: chances from 0 to 1. */
export interface Ills {
  /** A message is worked on twice, the second time at any later moment. */
  duplicate: number;
  /** A request fails before it acts. */
  refuse: number;
  /** A request acts, and its answer is lost. */
  loseAnswer: number;
  /** A message is never worked on. */
  drop: number;
  /** A blob fails, and may be tried again. */
  failOnce: number;
  /** An append looks for its tag at its beginning, and at its end otherwise. */
  looksEarly: number;
  /** The service takes this much longer for each message: more than an attempt may take, in some trials. */
  slowMs: number;
}

interface Extent {
  readonly id: string;
  readonly tags: readonly string[];
  readonly rows: readonly string[];
}

interface Message {
  readonly table: string;
  readonly id: string;
  readonly tags: readonly string[];
  readonly rows: readonly string[];
  /** Looked for in the target before it is loaded. */
  readonly unlessThere: boolean;
  readonly due: number;
}

export interface Opening {
  readonly job: string;
  readonly generation: number;
  readonly lineage: string;
}

/** A model of the service: a target table, staging tables, a queue whose messages are taken late, twice, or never. */
export interface ModelService {
  readonly target: Map<string, Extent>;
  /** A session of one opening of a state, as the destination would give it. */
  open(opening: Opening, mode: "move" | "append" | "tag"): EpochSession;
  /** Lets the service work on whatever is due by now. */
  work(now: number): void;
  /** Rows of the target, with their number. */
  counts(): Map<string, number>;
}

/** Rows whose text holds this word are refused for good, and with them their blob. */
export const poison = "POISON";

export function modelService(
  random: () => number,
  ills: Ills,
  now: () => number,
  pause: () => Promise<void>,
): ModelService {
  const target = new Map<string, Extent>();
  const staging = new Map<string, Map<string, Extent>>();
  const blobs = new Map<string, { id: string; rows: string[] }>();
  const failures = new Map<string, { errorCode: string; details: string; retryable: boolean }>();
  let queue: Message[] = [];
  /** Appends under way: each takes effect at its end, whatever becomes of the one who asked for it. */
  let appends: { due: number; effect(): void }[] = [];
  let nextExtent = 1;

  function load(message: Message): void {
    const table = message.table === "target" ? target : staging.get(message.table);
    if (!table) return; // dropped: the message fails, and nobody is there to hear of it
    if (message.unlessThere && [...table.values()].some(({ tags }) => tags.some((tag) => message.tags.includes(tag))))
      return;
    if (message.rows.some((row) => row.includes(poison))) {
      failures.set(message.id, { errorCode: "Stream_ClosingQuoteMissing", details: "as asked for", retryable: false });
      return;
    }
    if (random() < ills.failOnce) {
      failures.set(message.id, {
        errorCode: "General_TransientSchemaMismatch",
        details: "as asked for",
        retryable: true,
      });
      return;
    }
    const extent = { id: `x${nextExtent++}`, tags: message.tags, rows: message.rows };
    table.set(extent.id, extent);
  }

  /** One request: it may fail before, or behind its act. */
  async function request<T>(act: () => T, canLoseAnswer = true): Promise<T> {
    await pause();
    if (random() < ills.refuse) throw new MillraceError("UNREACHABLE", "refused, as asked for", { retryable: true });
    const answer = act();
    await pause();
    if (canLoseAnswer && random() < ills.loseAnswer)
      throw new MillraceError("UNREACHABLE", "the answer is lost, as asked for", { retryable: true });
    return answer;
  }

  /** Reads what is staged at once, and takes effect later: an append goes on when its client has gone. */
  async function append(rows: readonly string[], tag: string): Promise<void> {
    const claim = tag.split("/", 3).join("/");
    const skips = () => [...target.values()].some(({ tags }) => tags.includes(`ingest-by:${claim}`));
    const isSkipped = random() < ills.looksEarly ? skips() : undefined;
    let isDone = false;
    appends.push({
      due: now() + random() ** 4 * 3_000,
      effect() {
        isDone = true;
        if (isSkipped ?? skips()) return;
        const id = `a${nextExtent++}`;
        target.set(id, { id, tags: [tag, `ingest-by:${claim}`], rows });
      },
    });
    while (!isDone) {
      await pause();
      if (random() < ills.loseAnswer / 4)
        throw new MillraceError("UNREACHABLE", "the answer does not come, as asked for", { retryable: true });
    }
  }

  function arrivedIn(table: Map<string, Extent>, tag: string, ids: readonly string[]): Arrived {
    const found = [...table.values()].filter((extent) => extent.tags.includes(tag));
    return {
      extents: found.map(({ id, tags, rows }) => ({ id, tags, rows: rows.length })),
      failures: ids.flatMap((id) => {
        const failure = failures.get(id);
        return failure ? [{ id, status: "failed" as const, ...failure }] : [];
      }),
    };
  }

  return {
    target,
    open({ job, generation, lineage }, mode) {
      const name = `staging ${generation} ${lineage}`;
      const own = (): Map<string, Extent> => {
        const table = mode === "tag" ? target : staging.get(name);
        if (!table) throw new MillraceError("NOT_FOUND", `${name} is gone`);
        return table;
      };
      /** An append under way cannot be told from one of this epoch: the destination waits for it. */
      const targetTags = (isPrompt = false): string[] => {
        if (!isPrompt && mode === "append" && appends.length > 0)
          throw new MillraceError("SERVICE_UNAVAILABLE", "an append is under way", { retryable: true });
        return [...target.values()].flatMap(({ tags }) => tags);
      };
      return {
        held: () =>
          request(() =>
            targetTags().flatMap((tag) => {
              const [, table, number, identity] = tag.split("/");
              if (!identity || table !== "T") return [];
              return [{ job, lineage: identity.split(".")[0], oldest: Number(number), newest: Number(number) }];
            }),
          ),
        tagsUnder: (prefix, _, isPrompt) => request(() => targetTags(isPrompt).filter((tag) => tag.startsWith(prefix))),
        stagings: () =>
          request(() =>
            [...staging.keys()].map((each) => {
              const [, generation, lineage] = each.split(" ");
              return { name: each, job, generation: Number(generation), lineage };
            }),
          ),
        makeStaging: () =>
          request(() => {
            if (mode === "tag") return undefined;
            if (!staging.has(name)) staging.set(name, new Map());
            return { name, job, generation, lineage };
          }),
        dropStaging: (each) =>
          request(() => {
            staging.delete(each);
          }),
        stage: (batch: SealedBatch): Promise<StagedBatch> =>
          request(() => {
            const text = gunzipSync(Buffer.concat(batch.parts)).toString();
            blobs.set(batch.id, { id: batch.id, rows: text.split("\n").slice(0, -1) });
            return { id: batch.id, place: batch.id, rows: batch.rows, rawBytes: batch.rawBytes };
          }),
        submit: ({ id }, tags) =>
          request(() => {
            const { rows } = blobs.get(id)!;
            const message = { table: mode === "tag" ? "target" : name, id, tags, rows, unlessThere: mode === "tag" };
            failures.delete(id);
            if (random() >= ills.drop) queue.push({ ...message, due: now() + random() * 50 + ills.slowMs });
            if (random() < ills.duplicate) queue.push({ ...message, due: now() + random() * 2_000 + ills.slowMs });
          }),
        arrived: (tag, ids) => request(() => arrivedIn(own(), tag, ids)),
        discard: (tag) =>
          request(() => {
            for (const [id, extent] of own()) if (extent.tags.includes(tag)) own().delete(id);
          }),
        async commit(tag, extents, expected) {
          // On its way to the service: now and then for longer than a successor needs to open.
          for (let turns = random() ** 4 * 60; turns > 1; turns--) await pause();
          const rows = await request(() => {
            const table = own();
            for (const id of extents)
              if (!table.has(id)) throw new MillraceError("NOT_FOUND", `${id} is not in ${name}`);
            const moved = extents.map((id) => table.get(id)!);
            if (mode === "append") return moved.flatMap((extent) => extent.rows);
            for (const extent of moved) {
              table.delete(extent.id);
              target.set(extent.id, extent);
            }
            return [];
          }, mode === "move");
          if (mode === "append" && rows.length !== expected)
            throw new MillraceError("INTERNAL", "another number of rows");
          if (mode === "append") await append(rows, tag);
        },
        async close(isDone) {
          if (isDone) staging.delete(name);
        },
      };
    },
    work(at) {
      const due = queue.filter((message) => message.due <= at);
      queue = queue.filter((message) => message.due > at);
      const over = appends.filter((each) => each.due <= at);
      appends = appends.filter((each) => each.due > at);
      for (const { effect } of over) effect();
      // Out of order: whoever is due is due.
      while (due.length > 0) load(due.splice(Math.floor(random() * due.length), 1)[0]!);
    },
    counts() {
      const counts = new Map<string, number>();
      for (const { rows } of target.values()) for (const row of rows) counts.set(row, (counts.get(row) ?? 0) + 1);
      return counts;
    },
  };
}
