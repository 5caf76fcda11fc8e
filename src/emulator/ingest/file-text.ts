import { IngestionFailure } from "../ingestion-failure.ts";

/** The longest record, in UTF-16 units: it is held as one text, and twice over for a moment. */
const longestRecord = 32 * 1_048_576;

/** @throws IngestionFailure Stream_InputStreamTooLarge where what is held of a record is more than may be. */
export function checkRecord(held: number): void {
  if (held > longestRecord)
    throw new IngestionFailure(
      "Stream_InputStreamTooLarge",
      `The total size of the input data or a single field in the data is too large: a record has more than ${longestRecord} characters.`,
    );
}

/** The text of a file, piece by piece; bytes that are no UTF-8 become U+FFFD. */
export async function* textOf(file: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  for await (const chunk of file) yield decoder.decode(chunk, { stream: true });
  const last = decoder.decode();
  if (last !== "") yield last;
}
