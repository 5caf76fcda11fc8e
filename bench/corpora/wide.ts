import type { Kind } from "../../src/schema/kinds.ts";
import { tableOf } from "../../src/schema/table.ts";
import { guid, type Random, seeded } from "./seeded.ts";

/** In turn: half of the columns hold numbers. */
const turn: readonly Kind[] = ["real", "int", "string", "real", "bool", "long", "string", "real", "datetime", "guid"];

const columns = Array.from({ length: 200 }, (_, i) => {
  const kind = turn[i % turn.length]!;
  return { name: `${kind}_${i}`, kind, isOptional: i % 4 === 3 };
});

export const wide = tableOf("Wide", columns);

const words = ["on", "off", "unknown", "degraded", "in service", "a, b"];

/** 200 columns of seven kinds; every fourth column is null in half of the records. */
export function* wideRecords(seed: number): Generator<Record<string, unknown>> {
  const random = seeded(seed);
  for (;;) {
    const record: Record<string, unknown> = {};
    for (const { name, kind, isOptional } of columns)
      record[name] = isOptional && random.next() < 0.5 ? null : valueFor(kind, random);
    yield record;
  }
}

function valueFor(kind: Kind, random: Random): unknown {
  const { next, below, pick } = random;
  switch (kind) {
    case "real":
      return Math.round(next() * 1e7) / 1e3;
    case "int":
      return below(10_000);
    case "long":
      return below(2 ** 32) * 1_000;
    case "bool":
      return next() < 0.5;
    case "datetime":
      return new Date(1_700_000_000_000 + below(2 ** 31));
    case "guid":
      return guid(random);
    default:
      return pick(words);
  }
}
