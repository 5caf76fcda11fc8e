import { createHash } from "node:crypto";
import type { CalledFunction } from "./called.ts";
import { longIn, textIn } from "./json-values.ts";
import { xxHash64 } from "./xxhash64.ts";

const text = (act: CalledFunction["act"]): CalledFunction => ({ gives: "text", act });

const digest = (name: string): CalledFunction =>
  text((value) => createHash(name).update(textIn(value), "utf8").digest("hex"));

/** xxHash64 of the value's text; with a second argument, the rest of a division by it. */
const xxhash: CalledFunction = {
  gives: "long",
  act: (value, modulus) => {
    const hash = BigInt.asIntN(64, xxHash64(Buffer.from(textIn(value), "utf8")));
    const by = longIn(modulus);
    if (by === null || by === 0n) return hash;
    return ((hash % by) + by) % by;
  },
};

export const hashFunctions: Readonly<Record<string, CalledFunction>> = {
  hash: xxhash,
  hash_md5: digest("md5"),
  hash_sha1: digest("sha1"),
  hash_sha256: digest("sha256"),
  hash_xxhash64: xxhash,
};
