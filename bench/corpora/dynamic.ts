import { type Infer, k, table } from "../../src/schema/table.ts";
import { guid, type Random, seeded, sentence } from "./seeded.ts";

export const dynamic = table("Dynamic", {
  id: k.guid(),
  ts: k.datetime(),
  kind: k.string(),
  payload: k.dynamic(),
  tags: k.dynamic(),
});

const kinds = ["order.created", "order.paid", "user.signed-in", "item.viewed"];
const words = "blue green large small gift sale new last express standard home office north south".split(" ");

/** Events with a nested object of about 300 characters and an array of texts. */
export function* dynamicRecords(seed: number): Generator<Infer<typeof dynamic>> {
  const random = seeded(seed);
  const { below, pick } = random;
  for (let i = 0; ; i++)
    yield {
      id: guid(random),
      ts: new Date(1_705_000_000_000 + i * 900 + below(900)),
      kind: pick(kinds),
      payload: payload(random),
      tags: Array.from({ length: below(5) }, () => pick(words)),
    };
}

function payload(random: Random) {
  const { next, below, pick } = random;
  return {
    user: { id: below(1_000_000), name: sentence(random, words, 2), isNew: next() < 0.1 },
    items: Array.from({ length: 1 + below(4) }, () => ({
      sku: `sku-${below(10_000)}`,
      amount: 1 + below(5),
      price: Math.round(next() * 20_000) / 100,
      note: next() < 0.2 ? `"${pick(words)}"` : null,
    })),
    address: { street: sentence(random, words, 2), at: [next() * 90, next() * 180] },
  };
}
