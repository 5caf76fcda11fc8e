import { MillraceError } from "../errors.ts";
import { isSurrogateAt, utf8FaultAt } from "../schema/utf8-fault.ts";
import { jsonReasons } from "./json-syntax.ts";
import type { TableShape } from "./layout.ts";
import type { RefusedRow } from "./raw-chunk.ts";
import { shown } from "./record-refused.ts";
import { type SharedBytes, unshared } from "./shared-buffer.ts";

/** Why a raw row is refused, numbered as in assembly/reasons.ts. Those of JSON follow from the eighth on. */
export const rawReasons = {
  tooLarge: 1,
  notUtf8: 2,
  fieldCount: 3,
  quoteInField: 4,
  textAfterQuote: 5,
  quoteOpen: 6,
  bareReturn: 7,
  json: 8,
} as const;

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** The row's text as far as it is text, without the newline at its end. */
export function rawRowText(rawChunk: SharedBytes, { start, end }: RefusedRow): string {
  return utf8.decode(unshared(new Uint8Array(rawChunk, start, end - start))).replace(/\r?\n$/, "");
}

/** One raw row that does not fit. `row` is its number among all raw rows of the sink, from 0. */
export function rawRowRefused(
  table: TableShape,
  maxBytes: number,
  row: number,
  rawChunk: SharedBytes,
  refused: RefusedRow,
): MillraceError {
  const place = `raw row ${row}`;
  const reason = reasonText(table, maxBytes, rawChunk, refused);
  const text = shown(
    utf8
      .decode(unshared(new Uint8Array(rawChunk, refused.start, Math.min(refused.end - refused.start, 400))))
      .trimEnd(),
  );
  return new MillraceError("RECORD_REFUSED", `Raw row ${row} does not fit table ${table.name}: ${reason}: ${text}.`, {
    context: { table: table.name, row, place, reason, value: text },
  });
}

function reasonText(table: TableShape, maxBytes: number, rawChunk: SharedBytes, refused: RefusedRow): string {
  const { start, reason, detail } = refused;
  const character = (): number => utf8.decode(unshared(new Uint8Array(rawChunk, start, detail))).length;
  switch (reason) {
    case rawReasons.tooLarge:
      return `it takes more than the ${maxBytes} bytes of a batch`;
    case rawReasons.notUtf8:
      return notUtf8Text(rawChunk, refused);
    case rawReasons.fieldCount:
      return `it has ${counted(detail, "field")}, and the table has ${counted(table.list.length, "column")}`;
    case rawReasons.quoteInField:
      return `at character ${character()} a quote stands in a field that is not quoted`;
    case rawReasons.textAfterQuote:
      return `at character ${character()} text follows a closing quote`;
    case rawReasons.quoteOpen:
      return `the quote at character ${character()} is not closed`;
    case rawReasons.bareReturn:
      return `at character ${character()} a carriage return stands outside quotes and without a newline`;
    default: {
      const what = jsonReasons[reason - rawReasons.json]!;
      return `it is not a JSON object: ${what}, at character ${character()}`;
    }
  }
}

/** Text comes with halves of surrogate pairs in the bytes that they would have (see `addLoneHalf()`); other bytes are a reader's fault. */
function notUtf8Text(rawChunk: SharedBytes, { start, end }: RefusedRow): string {
  const bytes = unshared(new Uint8Array(rawChunk, start, end - start));
  const at = Math.max(0, utf8FaultAt(bytes));
  const what = isSurrogateAt(bytes, at) ? "a lone surrogate" : `byte 0x${bytes[at]!.toString(16).padStart(2, "0")}`;
  return `it is not UTF-8: at character ${utf8.decode(bytes.subarray(0, at)).length} stands ${what}`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
