import { type Infer, k, table } from "../../src/schema/table.ts";
import { type Random, seeded, sentence } from "./seeded.ts";

export const strings = table("Strings", {
  id: k.string(),
  name: k.string(),
  email: k.string(),
  country: k.string(),
  city: k.string(),
  street: k.string(),
  product: k.string(),
  description: k.string(),
  url: k.string(),
  agent: k.string(),
  session: k.string(),
  remark: k.string(),
});

const given = ["Ada", "Grace", "Linus", "Margaret", "Dennis", "Barbara", "Ken", "Radia", "Edsger", "Frances"];
const family = ["Hansen", "O'Neill", "Kowalski", "Fernandez", "Nakamura", "Okafor", "Smith", "Virtanen"];
const countries = ["Norway", "Poland", "Japan", "Nigeria", "Finland", "Argentina", "Ireland", "Canada"];
const cities = ["Bergen", "Gdansk", "Sapporo", "Lagos", "Turku", "Rosario", "Cork", "Halifax"];
const words =
  "small large red blue wooden steel cotton lamp chair table with without and for kitchen garden set of two four new used light heavy quick folding spare part".split(
    " ",
  );
const agents = [
  "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
  "curl/8.5.0",
];

/** Twelve columns of ASCII text, short words to 100 characters, some unlike any other; a few need quoting. */
export function* stringsRecords(seed: number): Generator<Infer<typeof strings>> {
  const random = seeded(seed);
  const { below, pick, hex } = random;
  for (;;) {
    const first = pick(given);
    const last = pick(family);
    yield {
      id: hex(24),
      name: `${first} ${last}`,
      email: `${first}.${last}${below(1_000)}@example.org`.toLowerCase(),
      country: pick(countries),
      city: pick(cities),
      street: `${pick(family)} street ${below(300)}`,
      product: sentence(random, words, 3),
      description: sentence(random, words, 8 + below(8)),
      url: `https://shop.example.org/${pick(words)}/${pick(words)}?ref=${hex(8)}`,
      agent: pick(agents),
      session: hex(16),
      remark: remark(random),
    };
  }
}

function remark(random: Random): string {
  const form = random.next();
  if (form < 0.6) return "";
  if (form < 0.7) return `asked for "${random.pick(words)}", not ${random.pick(words)}`;
  return sentence(random, words, 4);
}
