/** Where bytes stop to be UTF-8: the offset of the first byte of what is none; -1: they are UTF-8 (Unicode 16, table 3-7). */
export function utf8FaultAt(bytes: Uint8Array): number {
  const { length } = bytes;
  for (let at = 0; at < length; ) {
    const first = bytes[at]!;
    const size = sizeOf(first);
    if (size === 0 || at + size > length) return at;
    if (size > 1) {
      const [least, most] = secondBytes[first] ?? [0x80, 0xbf];
      const second = bytes[at + 1]!;
      if (second < least || second > most) return at;
      for (let i = 2; i < size; i++) if ((bytes[at + i]! & 0xc0) !== 0x80) return at;
    }
    at += size;
  }
  return -1;
}

/** Does half a surrogate pair stand there, in the three bytes that UTF-8 would have for it? */
export function isSurrogateAt(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0xed && (bytes[at + 1]! & 0xe0) === 0xa0 && (bytes[at + 2]! & 0xc0) === 0x80;
}

function sizeOf(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/** Overlong forms, surrogates and what lies beyond U+10FFFF show in the second byte. */
const secondBytes: Readonly<Record<number, readonly [number, number]>> = {
  224: [0xa0, 0xbf],
  237: [0x80, 0x9f],
  240: [0x90, 0xbf],
  244: [0x80, 0x8f],
};
