import { type Infer, k, table } from "../../src/schema/table.ts";
import { seeded } from "./seeded.ts";

export const numbers = table("Numbers", {
  sequence: k.long(),
  small: k.int(),
  large: k.long(),
  balance: k.long(),
  price: k.real(),
  ratio: k.real(),
  latitude: k.real(),
  longitude: k.real(),
  measured: k.real(),
  tiny: k.real(),
  huge: k.real(),
  whole: k.real(),
});

/** Twelve columns of numbers: counters, money of two digits, coordinates of six, doubles of full precision, far exponents. */
export function* numbersRecords(seed: number): Generator<Infer<typeof numbers>> {
  const { next, below } = seeded(seed);
  for (let i = 0; ; i++)
    yield {
      sequence: 10_000_000 + i,
      small: below(256) - 128,
      large: below(2 ** 32) * 2 ** 20 + below(2 ** 20),
      balance: below(2 ** 32) * 2 ** 20 - 2 ** 51,
      price: Math.round(next() * 100_000) / 100,
      ratio: next(),
      latitude: Math.round((next() * 180 - 90) * 1e6) / 1e6,
      longitude: Math.round((next() * 360 - 180) * 1e6) / 1e6,
      measured: (next() - 0.5) * 10 ** below(9),
      tiny: next() * 1e-12,
      huge: next() * 1e25,
      whole: below(1_000_000),
    };
}
