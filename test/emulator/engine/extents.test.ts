import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { createTable, databaseOf } from "../../../src/emulator/engine/catalogue.ts";
import type { StoredTable } from "../../../src/emulator/engine/entities.ts";
import {
  dropExtents,
  mergeExtents,
  moveExtents,
  replaceExtents,
  retagExtents,
  type Succession,
} from "../../../src/emulator/engine/extents.ts";
import { mergeable } from "../../../src/emulator/engine/merging.ts";
import { ingest } from "../../../src/emulator/ingest/ingest.ts";
import { type EngineHost, engineHost } from "../engine-host.ts";

let host: EngineHost;
before(async () => {
  host = await engineHost();
});
after(() => host.close());

const names = ["A", "B", "C"] as const;
type Name = (typeof names)[number];
/** How many rows a load has: a group of them is in an extent with all of its rows, or not at all. */
const groupRows = 3;

/** Extents are picked by their place among those known when the command starts; some are gone when its turn comes. */
type Act =
  | { readonly kind: "load"; readonly table: Name; readonly tag: string }
  | { readonly kind: "append" | "appendAndCancel"; readonly table: Name; readonly from: Name; readonly tag: string }
  | { readonly kind: "move"; readonly from: Name; readonly table: Name; readonly picks: readonly number[] }
  | { readonly kind: "moveAll"; readonly from: Name; readonly table: Name }
  | { readonly kind: "replace"; readonly from: Name; readonly table: Name; readonly picks: readonly number[] }
  | { readonly kind: "drop" | "merge" | "retag"; readonly table: Name; readonly picks: readonly number[] };

const name = fc.constantFrom(...names);
const tag = fc.constantFrom("keep", "go", "drop-by:x");
const picks = fc.array(fc.nat(30), { minLength: 1, maxLength: 3 });
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("load" as const), table: name, tag }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom("append", "appendAndCancel"), table: name, from: name, tag }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("move" as const), from: name, table: name, picks }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("moveAll" as const), from: name, table: name }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("replace" as const), from: name, table: name, picks }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom("drop", "merge", "retag"), table: name, picks }) },
);

/**
 * The judge: what must be there if every command did all of what it answered, and nothing where it failed. It knows
 * commands by their answers alone, which name the extents that went and those that came.
 */
class Model {
  readonly #groups = new Map<string, number[]>();
  readonly #gone = new Set<string>();
  readonly #places = new Map<string, Name>();
  readonly #sources = new Map<string, Set<string>>();

  came(id: string, table: Name, groups: number[]): void {
    assert.ok(!this.#places.has(id), "an id is never used twice");
    this.#places.set(id, table);
    this.#groups.set(id, groups);
  }

  follow(successions: readonly Succession[], table: Name): void {
    for (const { old, fresh } of successions) {
      assert.ok(!this.#gone.has(old.id), "an extent goes but once");
      this.#gone.add(old.id);
      if (!fresh) continue;
      this.#places.set(fresh.id, table);
      this.#sources.set(fresh.id, (this.#sources.get(fresh.id) ?? new Set()).add(old.id));
    }
  }

  /** Answers come in another order than the work was done in, so lineage is resolved at the end. */
  groupsOf(id: string): number[] {
    const own = this.#groups.get(id);
    if (own) return own;
    return [...(this.#sources.get(id) ?? [])].flatMap((source) => this.groupsOf(source));
  }

  table(table: Name): Map<string, number[]> {
    const there = [...this.#places].filter(([id, place]) => place === table && !this.#gone.has(id));
    return new Map(there.map(([id]) => [id, this.groupsOf(id).sort((a, b) => a - b)]));
  }
}

interface World {
  readonly tables: Readonly<Record<Name, StoredTable>>;
  readonly model: Model;
  readonly database: string;
}

let worlds = 0;
let groups = 0;

async function newWorld(): Promise<World> {
  const database = databaseOf(host.catalogue, "demo");
  const suffix = ++worlds;
  const make = (table: Name) =>
    createTable(host.catalogue, database, `${table}${suffix}`, [
      { name: "g", kind: "long" },
      { name: "n", kind: "long" },
    ]);
  const tables = { A: await make("A"), B: await make("B"), C: await make("C") };
  return { tables, model: new Model(), database: "demo" };
}

async function perform(action: Act, { tables, model }: World): Promise<void> {
  const { catalogue } = host;
  const target = tables[action.table];
  const chosen = (table: StoredTable, places: readonly number[]) => {
    const ids = [...table.extents.keys()];
    return ids.length === 0 ? [] : [...new Set(places.map((place) => ids[place % ids.length]!))];
  };
  switch (action.kind) {
    case "load": {
      const group = ++groups;
      const text = Array.from({ length: groupRows }, (_, n) => `${group},${n}`).join("\n");
      const properties = { database: "demo", table: target.name, format: "csv", tags: [action.tag] };
      const extent = await ingest(
        catalogue,
        properties,
        (async function* () {
          yield Buffer.from(text);
        })(),
      );
      model.came(extent.id, action.table, [group]);
      return;
    }
    case "append":
    case "appendAndCancel": {
      const text = `.append async ${target.name} <| ${tables[action.from].name} | where extent_tags() has '${action.tag}'`;
      const [[id]] = (await host.rows(text)) as [[string]];
      const { operations } = catalogue;
      if (action.kind === "appendAndCancel") await operations.cancel(id);
      while (operations.latest(id)!.state === "InProgress") await new Promise((resolve) => setImmediate(resolve));
      if (operations.latest(id)!.state !== "Completed") return;
      // What was appended is asked of the extent itself; that it is made of whole groups is asked at the end.
      for (const [extent] of operations.details(id).rows) model.came(String(extent), action.table, [-1]);
      return;
    }
    case "move":
      return model.follow(
        await moveExtents(
          catalogue,
          new Map([[tables[action.from], chosen(tables[action.from], action.picks)]]),
          target,
        ),
        action.table,
      );
    case "moveAll":
      return model.follow(
        await moveExtents(catalogue, new Map([[tables[action.from], () => true]]), target),
        action.table,
      );
    case "replace":
      return model.follow(
        await replaceExtents(
          catalogue,
          target,
          chosen(target, action.picks),
          new Map([[tables[action.from], chosen(tables[action.from], action.picks)]]),
        ),
        action.table,
      );
    case "drop":
      return model.follow(
        await dropExtents(catalogue, new Map([[target, chosen(target, action.picks)]])),
        action.table,
      );
    case "merge": {
      const ids = chosen(target, action.picks);
      const merge = () => mergeable([...target.extents.values()].filter(({ id }) => ids.includes(id)));
      return model.follow(await mergeExtents(catalogue, target, merge), action.table);
    }
    case "retag":
      return model.follow(
        await retagExtents(catalogue, target, chosen(target, action.picks), ({ tags }) => [...tags, "again"]),
        action.table,
      );
  }
}

/** What the table really holds: groups by extent. */
async function held(table: StoredTable): Promise<Map<string, number[]>> {
  const rows = (await host.rows(`${table.name} | project id = extent_id(), g | sort by g asc`)) as [string, number][];
  const found = new Map<string, number[]>();
  for (const [id, group] of rows) found.set(id, [...(found.get(id) ?? []), group]);
  return found;
}

async function judge({ tables, model }: World): Promise<void> {
  for (const place of names) {
    const table = tables[place];
    const expected = model.table(place);
    const found = await held(table);
    assert.deepEqual([...table.extents.keys()].sort(), [...expected.keys()].sort(), `extents of ${place}`);
    assert.deepEqual([...found.keys()].sort(), [...expected.keys()].sort(), `rows of ${place} lie in its extents`);
    for (const [id, loads] of expected) {
      const rows = found.get(id)!;
      assert.equal(rows.length, table.extents.get(id)!.rows, "the row count is that of the rows");
      if (loads.includes(-1)) {
        // An append copies what it saw at one moment: groups are whole in it.
        for (const group of new Set(rows))
          assert.equal(rows.filter((each) => each === group).length % groupRows, 0, `group ${group} is whole`);
        continue;
      }
      assert.deepEqual(
        rows,
        loads.flatMap((load) => Array.from({ length: groupRows }, () => load)),
        `rows of ${id}`,
      );
    }
  }
}

test("commands that run at the same time do all of their work or none of it", async () => {
  let done = 0;
  let failed = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(act, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 8 }),
      async (waves) => {
        const world = await newWorld();
        for (const wave of waves) {
          const ends = await Promise.allSettled(wave.map((action) => perform(action, world)));
          for (const end of ends) {
            if (end.status === "fulfilled") {
              done++;
              continue;
            }
            failed++;
            const refusal = /was not found in table|source and destination/;
            if (!refusal.test((end.reason as Error).message)) throw end.reason;
          }
        }
        await judge(world);
      },
    ),
    { numRuns: 25 },
  );
  assert.ok(done > 50 && failed > 5, `${done} done and ${failed} failed: too few to tell anything`);
});

test("who reads while extents move sees every row, and sees it once", async () => {
  const { tables } = await newWorld();
  const load = (n: number) =>
    ingest(
      host.catalogue,
      { database: "demo", table: tables.A.name, format: "csv", tags: ["t"] },
      (async function* () {
        yield Buffer.from(Array.from({ length: 500 }, (_, row) => `${n},${row}`).join("\n"));
      })(),
    );
  for (const n of [1, 2, 3, 4]) await load(n);
  let isOver = false;
  const moving = (async () => {
    for (let round = 0; round < 30; round++) {
      const [from, to] = round % 2 === 0 ? [tables.A, tables.B] : [tables.B, tables.A];
      const some = [...from.extents.keys()].slice(round % 3);
      await moveExtents(host.catalogue, new Map([[from, some]]), to);
      await mergeExtents(host.catalogue, to, () => mergeable([...to.extents.values()].slice(0, 2)));
    }
    isOver = true;
  })();
  // One statement is one moment for the store; rows without an extent would be rows between two worlds.
  const both = `SELECT count(*), count(DISTINCT (c0, c1)), count(*) FILTER (x NOT IN (SELECT n FROM extents))
    FROM (SELECT * FROM ${tables.A.physical} UNION ALL SELECT * FROM ${tables.B.physical})`;
  let reads = 0;
  while (!isOver) {
    const counts = await host.catalogue.store.withConnection(async (connection) => {
      const result = await connection.runAndReadAll(both);
      return result.getRows()[0]!.map(Number);
    });
    assert.deepEqual(counts, [2000, 2000, 0]);
    reads++;
  }
  await moving;
  assert.ok(reads > 5, `${reads} reads`);
});

test("a move that the store refuses changes nothing", async () => {
  const { tables } = await newWorld();
  const extent = await ingest(
    host.catalogue,
    { database: "demo", table: tables.A.name, format: "csv", tags: ["t"] },
    (async function* () {
      yield Buffer.from("1,1\n2,2");
    })(),
  );
  const { store } = host.catalogue;
  // The store fails between the rows' arrival and their leaving.
  const failing = {
    ...host.catalogue,
    store: {
      ...store,
      transaction: <T>(work: Parameters<typeof store.transaction<T>>[0]) =>
        store.transaction(async (connection) => {
          const proxy = new Proxy(connection, {
            get(target, key) {
              if (key !== "run") return Reflect.get(target, key) as unknown;
              return (sql: string) =>
                sql.startsWith("DELETE") ? Promise.reject(new Error("disk on fire")) : target.run(sql);
            },
          });
          return work(proxy);
        }),
    },
  };
  await assert.rejects(moveExtents(failing, new Map([[tables.A, [extent.id]]]), tables.B), /disk on fire/);
  assert.deepEqual([...(await held(tables.A)).keys()], [extent.id]);
  assert.equal((await held(tables.B)).size, 0);
  assert.deepEqual([[...tables.A.extents.keys()], [...tables.B.extents.keys()]], [[extent.id], []]);
  // And the tables are free again.
  await moveExtents(host.catalogue, new Map([[tables.A, [extent.id]]]), tables.B);
  assert.equal((await held(tables.B)).size, 1);
});
