import { isTicks } from "../convert.ts";
import { calledAs, calledSql, type Functions, type ScalarFunction } from "./call.ts";

/** Of whole numbers and moments their eight bytes are hashed, of everything else the text. */
const xxhash: ScalarFunction = ({ args, result }) => {
  const { kind } = args[0]!;
  const isLong = isTicks(kind) || kind === "long" || kind === "int";
  return calledSql(isLong ? "hash_long" : "hash", args, result);
};

/** Hashes of a value. */
export const hashes: Functions = {
  ...calledAs("hash_md5", "hash_sha1", "hash_sha256"),
  hash: xxhash,
  hash_xxhash64: xxhash,
};
