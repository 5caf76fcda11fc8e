// A hash entry of level 1: 16 bits of check above 16 bits of position, the check taken from the same multiplication as the index, so
// that nearly every miss is decided without touching the window, a load that often leaves the first-level cache. 16 bits of position
// suffice: a stale entry names some wrong place, and the bytes there are compared before anything is made of it.

export const HASH_FACTOR: u64 = 0x9e3779b185ebca87;

/** An offset into HASHES: of the 15 bits from bit 49 of the product on, those that `mask` keeps. */
export function slotOf(product: u64, mask: usize): usize {
  return <usize>(product >> 47) & mask;
}

/** In its upper half, 16 bits of the product that the index does not hold. */
export function checkOf(product: u64): u32 {
  return <u32>(product >> 17) & 0xffff0000;
}

export function entryOf(at: usize, check: u32): u32 {
  return check | (<u32>at & 0xffff);
}
