import type { Decoder } from "./decoder.ts";
import type { FilesOptions } from "./file-options.ts";
import type { RawRecord } from "./records.ts";
import type { Slice } from "./source.ts";

/**
 * Passes on the slices of a file, and tells at the end how many blank lines were left out where the file has one column: there a
 * blank line may have been meant as a row whose field is empty. In other files it cannot be one.
 *
 * @param mayGrow rows may follow the blank lines at the end.
 */
export async function* toldIfBlank(
  slices: AsyncGenerator<Slice<RawRecord>>,
  { fields, blankLines }: Pick<Decoder, "fields" | "blankLines">,
  name: string,
  mayGrow: boolean,
  onNotice: FilesOptions["onNotice"],
): AsyncGenerator<Slice<RawRecord>> {
  try {
    yield* slices;
  } finally {
    const count = blankLines ? blankLines.between + (mayGrow ? blankLines.behind : 0) : 0;
    if (blankLines && count > 0 && fields?.()?.length === 1) {
      const left = count === 1 ? "1 blank line was" : `${count} blank lines were`;
      onNotice?.(
        `${name}: ${left} left out (first at line ${blankLines.first}): a row with an empty field is written "".`,
      );
    }
  }
}
