/** Copies in whole blocks, over the end: what is spilled there is overwritten next. */
export function copyText(out: usize, from: usize, bytes: usize): usize {
  for (let i: usize = 0; i < bytes; i += 16) v128.store(out + i, v128.load(from + i));
  return out + bytes;
}
