import { calledAs, type Functions } from "./call.ts";

/** Hashes of a value's text. */
export const hashes: Functions = calledAs("hash", "hash_md5", "hash_sha1", "hash_sha256", "hash_xxhash64");
