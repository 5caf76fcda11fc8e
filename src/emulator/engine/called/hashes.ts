import { createHash } from "node:crypto";
import type { CalledFunction } from "./called-function.ts";
import { longIn, textIn } from "./json-values.ts";
import { xxHash64 } from "./xxhash64.ts";

const text = (act: CalledFunction["act"]): CalledFunction => ({ gives: "text", act });

const digest = (name: string): CalledFunction =>
  text((value) => createHash(name).update(textIn(value), "utf8").digest("hex"));

/** xxHash64 of a value's bytes; with a second argument, the rest of a division by it. */
const xxhash = (bytesOf: (value: string) => Buffer): CalledFunction => ({
  gives: "long",
  takesTicks: true,
  act: (value, modulus) => {
    const hash = BigInt.asIntN(64, xxHash64(bytesOf(value!)));
    const by = longIn(modulus);
    if (by === null || by === 0n) return hash;
    return ((hash % by) + by) % by;
  },
});

/** Of a datetime its ticks, as the documented example has it; so of every whole number. */
function longBytes(value: string): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(longIn(value) ?? 0n);
  return bytes;
}

const ofText = xxhash((value) => Buffer.from(textIn(value), "utf8"));

export const hashFunctions: Readonly<Record<string, CalledFunction>> = {
  hash: ofText,
  hash_long: xxhash(longBytes),
  hash_md5: digest("md5"),
  hash_sha1: digest("sha1"),
  hash_sha256: digest("sha256"),
};
