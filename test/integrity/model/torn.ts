/** Some of what was not synced, now and then with zeros from some sector on, for the file's length may come first. */
export function torn(tail: Uint8Array, at: number, random: () => number): Uint8Array {
  const left = tail.slice(0, Math.ceil(random() * 2 * tail.length));
  const hole = Math.ceil((at + random() * left.length) / 512) * 512 - at;
  if (random() < 0.7) left.fill(0, hole);
  return left;
}
