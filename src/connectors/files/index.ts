import { resolve } from "node:path";
import { checkPath } from "../../arguments.ts";
import { withRetries } from "../../deliver/backoff.ts";
import { nameOf } from "../../deliver/held-epochs.ts";
import type { Destination, DestinationContext } from "../../destination/destination.ts";
import type { Disk } from "../../log/disk.ts";
import { nodeDiskFor } from "../../log/node-disk.ts";
import { checkFolder } from "./check.ts";
import { type FileCommitterBounds, openFileCommitter } from "./committer.ts";
import { jobFolder } from "./file-names.ts";
import { layoutOf } from "./layout.ts";
import { type FilesDestinationOptions, filesOptionNames, modesOf, resolveFilesOptions } from "./options.ts";
import { type Layout, payloadFor } from "./parts.ts";
import { fileSession } from "./session.ts";
import { makeTargetFolder, targetFolderOf } from "./target-folder.ts";

/**
 * A folder as the destination: CSV or NDJSON files, gzip or plain, that appear whole, under their last name, and each once with
 * `deliveryGuarantee: "exactly-once"`. Names hold the table, the job, the epoch and the part. What begins
 * with a dot in it is Millrace's own: leave it there.
 *
 * @throws MillraceError BAD_OPTION for an unknown option or a value that it does not take. TARGET_UNWRITABLE, when a sink opens or writes,
 *   names the path and the reason; a full disk is tried again until `retryTimeoutMs`.
 */
export function filesDestination(folder: string, options: FilesDestinationOptions = {}): Destination<"gzip" | "plain"> {
  checkPath("filesDestination()", "folder", folder);
  const { readableBy } = resolveFilesOptions("filesDestination()", options);
  return filesOn(nodeDiskFor(modesOf[readableBy]), resolve(folder), options);
}

/** The same on any disk. */
export function filesOn(
  disk: Disk,
  folder: string,
  given: FilesDestinationOptions = {},
  bounds?: FileCommitterBounds,
): Destination<"gzip" | "plain"> {
  const options = resolveFilesOptions("filesDestination()", given);

  function layoutFor({ table, format }: DestinationContext): Layout {
    return layoutOf(table, format, options);
  }

  return {
    name: `files in ${folder}`,
    kind: "filesDestination",
    payload: payloadFor(options),
    optionNames: filesOptionNames,
    async open(context) {
      const layout = layoutFor(context);
      const target = targetFolderOf(disk, folder, jobFolder(context.table.name, undefined));
      const { retries, signal } = context;
      const doing = `making folders in ${folder}`;
      if (!retries) await makeTargetFolder(target);
      else
        await withRetries(
          doing,
          retries,
          signal,
          () => makeTargetFolder(target),
          (retry) => retries.onRetry(doing, retry),
        );
      return fileSession(target, layout);
    },
    async openEpochs(context) {
      const layout = layoutFor(context);
      const job = decodeURIComponent(nameOf(context.history.job));
      const target = targetFolderOf(disk, folder, jobFolder(context.table.name, job));
      return openFileCommitter(target, layout, context, bounds);
    },
    check: (context) => checkFolder(disk, folder, options, context),
  };
}
