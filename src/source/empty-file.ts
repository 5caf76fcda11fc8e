import { MillraceError } from "../errors.ts";
import type { CsvDialect } from "./csv-dialect.ts";
import type { HeadContent } from "./file-head.ts";
import type { FilesOptions } from "./file-options.ts";
import type { FileFormat } from "./format.ts";
import type { RawRecord } from "./records.ts";
import type { Slice } from "./source.ts";

/**
 * Passes on the slices of a file that is not empty and is read from its start. Where there are none, the file is the export of an
 * empty table, which is said, or it has been read as something that it is not.
 *
 * @param isExport after the end: there was a CSV header, or a JSON array.
 * @throws MillraceError BAD_SOURCE for any other file without a record, such as one of blank lines.
 */
export async function* toldIfEmpty(
  slices: AsyncGenerator<Slice<RawRecord>>,
  name: string,
  isExport: () => boolean,
  onNotice: FilesOptions["onNotice"],
): AsyncGenerator<Slice<RawRecord>> {
  let isEmpty = true;
  for await (const slice of slices) {
    isEmpty = false;
    yield slice;
  }
  if (!isEmpty) return;
  if (!isExport())
    throw new MillraceError(
      "BAD_SOURCE",
      `${name} holds no record, and it is not empty: only blank lines or comments.`,
      {
        context: { file: name },
      },
    );
  onNotice?.(`${name} holds no record: a CSV header or an empty JSON array, and nothing else.`);
}

/** Of a file without records: does it look like the export of an empty table? */
export function isExport(
  { format, content, dialect }: { format: FileFormat; content: HeadContent; dialect: CsvDialect },
  fields: readonly string[] | undefined,
): boolean {
  return format === "csv" ? dialect.hasHeader && fields !== undefined : format === "json" && content === "text";
}
