// The memory of the match finders: a stream has one of them, so they share it.

/** 128 KiB: the table of the greedy finder, or the lowest rung of the ladder. */
export const HASHES: usize = memory.data(131072, 64);
export const HASHES_BYTES: usize = 131072;
