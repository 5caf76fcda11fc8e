const [p1, p2, p3, p4, p5] = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
] as const;

const in64 = (value: bigint) => BigInt.asUintN(64, value);
const rotated = (value: bigint, by: bigint) => in64((value << by) | (value >> (64n - by)));
const round = (lane: bigint, word: bigint) => in64(rotated(in64(lane + word * p2), 31n) * p1);
const merged = (hash: bigint, lane: bigint) => in64((hash ^ round(0n, lane)) * p1 + p4);

/** xxHash64 with seed 0, after its specification: what `hash()` is made of. */
export function xxHash64(bytes: Buffer): bigint {
  let at = 0;
  let hash: bigint = p5;
  if (bytes.length >= 32) {
    let [a, b, c, d]: [bigint, bigint, bigint, bigint] = [in64(p1 + p2), p2, 0n, in64(-p1)];
    for (; at + 32 <= bytes.length; at += 32) {
      a = round(a, bytes.readBigUInt64LE(at));
      b = round(b, bytes.readBigUInt64LE(at + 8));
      c = round(c, bytes.readBigUInt64LE(at + 16));
      d = round(d, bytes.readBigUInt64LE(at + 24));
    }
    hash = in64(rotated(a, 1n) + rotated(b, 7n) + rotated(c, 12n) + rotated(d, 18n));
    hash = merged(merged(merged(merged(hash, a), b), c), d);
  }
  hash = in64(hash + BigInt(bytes.length));
  for (; at + 8 <= bytes.length; at += 8)
    hash = in64(rotated(hash ^ round(0n, bytes.readBigUInt64LE(at)), 27n) * p1 + p4);
  if (at + 4 <= bytes.length) {
    hash = in64(rotated(hash ^ in64(BigInt(bytes.readUInt32LE(at)) * p1), 23n) * p2 + p3);
    at += 4;
  }
  for (; at < bytes.length; at++) hash = in64(rotated(hash ^ in64(BigInt(bytes[at]!) * p5), 11n) * p1);
  hash = in64((hash ^ (hash >> 33n)) * p2);
  hash = in64((hash ^ (hash >> 29n)) * p3);
  return hash ^ (hash >> 32n);
}
