// The memory of the match finders: a stream has one of them, so they share it.

/** 128 KiB: all of it the table of the greedy finder, or half the heads of chains and half their links. */
export const HASHES: usize = memory.data(131072, 64);
export const HASHES_BYTES: usize = 131072;
