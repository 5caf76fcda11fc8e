// Powers of ten to 128 bits, for float.ts: G(p) = floor(10^p * 2^(127 - e)) + 1 with e = floor(log2(10^p)), so that
// 2^127 < G(p) <= 2^128, for every p that a double can ask for.
//
// The 617 entries are computed exactly when the module starts, in about 0.1 ms, rather than carried in it (10 KB that
// no compression makes smaller). Upwards by 10^p * 10; downwards by floor(floor(2^1120 / 10^n) / 10) = floor(2^1120 / 10^(n+1)),
// which loses nothing, and 2^1120 leaves more than 128 bits at the last one. test/assembly/float.test.ts recomputes them with BigInt.

export const MIN_POWER: i32 = -292;
export const MAX_POWER: i32 = 324;

const ENTRIES: usize = memory.data(16 * 617, 16);
/** One number of 1120 bits, the least significant limb first. */
const LIMBS: i32 = 36;
const NUMBER: usize = memory.data(4 * 36, 16);

fillEntries();

/** The upper 64 bits of G(power). */
export function powerHigh(power: i32): u64 {
  return load<u64>(ENTRIES + (<usize>(power - MIN_POWER) << 4), 8);
}

/** The lower 64 bits of G(power). */
export function powerLow(power: i32): u64 {
  return load<u64>(ENTRIES + (<usize>(power - MIN_POWER) << 4));
}

/** floor(log2(10^power)) for |power| <= 1233. */
export function floorLog2Pow10(power: i32): i32 {
  return (power * 1741647) >> 19;
}

function fillEntries(): void {
  memory.fill(NUMBER, 0, 4 * LIMBS);
  store<u32>(NUMBER, 1);
  for (let power = 0; power <= MAX_POWER; power++) {
    storeEntry(power);
    multiplyBy10();
  }
  memory.fill(NUMBER, 0, 4 * LIMBS);
  store<u32>(NUMBER + 4 * (LIMBS - 1), 1);
  for (let power = -1; power >= MIN_POWER; power--) {
    divideBy10();
    storeEntry(power);
  }
}

function multiplyBy10(): void {
  let carry: u64 = 0;
  for (let i = 0; i < LIMBS; i++) {
    carry += <u64>load<u32>(NUMBER + (i << 2)) * 10;
    store<u32>(NUMBER + (i << 2), <u32>carry);
    carry >>= 32;
  }
}

function divideBy10(): void {
  let rest: u64 = 0;
  for (let i = LIMBS - 1; i >= 0; i--) {
    const dividend = (rest << 32) | load<u32>(NUMBER + (i << 2));
    const quotient = dividend / 10;
    store<u32>(NUMBER + (i << 2), <u32>quotient);
    rest = dividend - quotient * 10;
  }
}

/** The number's leading 128 bits, and 1. */
function storeEntry(power: i32): void {
  let top = LIMBS - 1;
  while (load<u32>(NUMBER + (top << 2)) == 0) top--;
  const shift = clz(load<u32>(NUMBER + (top << 2)));
  const low = leading32(top - 3, shift) | (leading32(top - 2, shift) << 32);
  const high = leading32(top - 1, shift) | (leading32(top, shift) << 32);
  const entry = ENTRIES + (<usize>(power - MIN_POWER) << 4);
  store<u64>(entry, low + 1);
  store<u64>(entry, high + <u64>(low + 1 == 0), 8);
}

/** 32 bits of the number, from `shift` bits below the top of limb `i` downwards; limbs below the lowest are zero. */
function leading32(i: i32, shift: u32): u64 {
  const upper = i >= 0 ? <u64>load<u32>(NUMBER + (i << 2)) : 0;
  const lower = i >= 1 ? <u64>load<u32>(NUMBER + ((i - 1) << 2)) : 0;
  return <u64>(<u32>((((upper << 32) | lower) << shift) >> 32));
}
