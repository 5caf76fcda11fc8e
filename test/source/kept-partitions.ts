import type { PartitionOwnership } from "../../src/source/source.ts";

/** For sources whose partitions do not change hands. */
export const keptPartitions: PartitionOwnership = {
  assigned: () => Promise.reject(new Error("assigned() was called")),
  revoked: () => Promise.reject(new Error("revoked() was called")),
  generation: () => 0,
  lost() {
    throw new Error("lost() was called");
  },
};
