import { merged } from "./bags.ts";
import type { CalledFunction } from "./called-function.ts";
import { arrayText, bagIn, canonical, itemsIn, longIn, realIn, textIn } from "./json-values.ts";

/** Ends of aggregates: what SQL has gathered into one array becomes the result. */
export const gatheredFunctions: Readonly<Record<string, CalledFunction>> = {
  /** Of equal values the first stays; arrays are taken apart. */
  gather_set: {
    gives: "json",
    act: (gathered, most) => {
      const seen = new Map<string, string>();
      const limit = Number(longIn(most) ?? 1_048_576n);
      for (const value of itemsIn(gathered) ?? [])
        for (const item of itemsIn(value) ?? [value]) {
          const key = canonical(item);
          if (item !== "null" && seen.size < limit && !seen.has(key)) seen.set(key, item);
        }
      return arrayText([...seen.values()]);
    },
  },
  gather_bag: { gives: "json", act: (bags, most) => limited(merged(itemsIn(bags) ?? []), longIn(most)) },
  /** `[[value, weight], ...]`, and a percentage: the value that holds the place of that part of the weight. */
  gather_percentilew: { gives: "json", act: (pairs, percentage) => weighted(pairs!, percentage!) },
  gather_distinct_text: {
    gives: "long",
    act: (gathered) => BigInt(new Set((itemsIn(gathered) ?? []).map(textIn)).size),
  },
};

function limited(bag: string, most: bigint | null): string {
  if (most === null) return bag;
  const members = [...(bagIn(bag) ?? [])].slice(0, Number(most));
  return `{${members.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(",")}}`;
}

function weighted(pairs: string, percentage: string): string | null {
  const values = (itemsIn(pairs) ?? []).map((pair) => {
    const [value, weight] = itemsIn(pair)!;
    return { value: value!, size: realIn(value) ?? 0, weight: realIn(weight) ?? 0 };
  });
  values.sort((a, b) => a.size - b.size);
  const total = values.reduce((sum, { weight }) => sum + weight, 0);
  let left = (total * (realIn(percentage) ?? 0)) / 100;
  for (const { value, weight } of values) {
    left -= weight;
    if (left <= 0) return value;
  }
  return values.at(-1)?.value ?? null;
}
