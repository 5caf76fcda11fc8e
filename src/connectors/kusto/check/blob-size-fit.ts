import { alterBatchingCommand, batchingPolicy, isStaged, megabyte, tagOption } from "./batching-policy.ts";
import { type Finding, ok, warning } from "./finding.ts";
import type { KustoCheck } from "./kusto-check.ts";
import type { Policy } from "./policy.ts";
import { shownBytes } from "./shown-bytes.ts";

/**
 * The greatest blob that the options allow against the bytes at which the service ends a batch. A blob beyond them is not
 * refused: it is loaded by itself, in a load as large as it is. What the service takes at all (4 GB and more, by its
 * documentation) lies above the 1 GiB that these options end at.
 *
 * @param set of the table that blobs go into: the target, or the staging table.
 */
export function blobSizeFit(context: KustoCheck, set: Policy): Finding {
  const { table, clientBatchSizeLimit, ingestion } = context;
  const { blobBytesLimit } = ingestion;
  // Only what is staged shares blobs.
  const options = { clientBatchSizeLimit, ...(isStaged(context) && { blobBytesLimit }) };
  const mostBytes = Math.max(...Object.values(options));
  const policy = batchingPolicy(set);
  const bound = policy.MaximumRawDataSizeMB * megabyte;
  const beyond = Object.entries(options).filter(([, bytes]) => bytes > bound);
  const isAlone = ingestion.flushImmediately || tagOption(context) !== undefined;
  const size = `A blob has at most ${shownBytes(mostBytes)} uncompressed`;
  if (isAlone) return ok(`${size}, and is loaded by itself whatever its size.`);
  if (beyond.length === 0) return ok(`${size}, of which the service gathers up to ${shownBytes(bound)}.`);
  const names = beyond.map(([name]) => name).join(" and ");
  const said = beyond.map(([name, bytes]) => `${name} ${bytes}`).join(" and ");
  const whose = isStaged(context) ? "the staging table's batching policy" : "the batching policy";
  const lower = `Set ${names} to ${bound} or less`;
  return warning(
    `${said} ${beyond.length === 1 ? "is" : "are"} more than the ${bound} bytes at which ${whose} ends a batch (MaximumRawDataSizeMB ${policy.MaximumRawDataSizeMB}): a larger blob is loaded by itself, in a larger load than the policy asks for.`,
    isStaged(context)
      ? `${lower}.`
      : `${lower}, or allow larger loads; a Table Admin runs: ${alterBatchingCommand(table, { ...policy, MaximumRawDataSizeMB: Math.ceil(mostBytes / megabyte) })}`,
  );
}
