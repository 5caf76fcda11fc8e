import { MillraceError } from "../errors.ts";

/** Formats that are told by their first bytes, with a way to one that is read. */
const foreign: readonly (readonly [magic: string, what: string, way: string])[] = [
  ["PK\x03\x04", "a zip archive, or a workbook (.xlsx, .ods)", "unpack it, or save the sheet as CSV"],
  ["\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a workbook or document of old Office (.xls)", "save the sheet as CSV"],
  ["PAR1", "Parquet", "convert it to NDJSON, for example by DuckDB: COPY (FROM 'in.parquet') TO 'out.ndjson'"],
  ["ARROW1", "Arrow", "convert it to NDJSON or CSV"],
  ["Obj\x01", "Avro", "convert it to NDJSON or CSV"],
  ["SQLite format 3\0", "an SQLite database", "export its tables as CSV"],
  ["\x28\xb5\x2f\xfd", "packed by zstd", "unpack it into standard input: zstd -dc FILE | millrace ingest -"],
  ["\xfd7zXZ\0", "packed by xz", "unpack it into standard input: xz -dc FILE | millrace ingest -"],
  ["BZh91AY&SY", "packed by bzip2", "unpack it into standard input: bzip2 -dc FILE | millrace ingest -"],
  ["%PDF-", "PDF", "export its tables as CSV"],
  ["\x89PNG\r\n\x1a\n", "a picture", "there are no records in it"],
];

/** Text begins with none of these. @throws MillraceError BAD_SOURCE naming the format, and the way to one that is read */
export function refuseForeignFormat(name: string, head: Uint8Array): void {
  const first = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, 16)).toString("latin1");
  const found = foreign.find(([magic]) => first.startsWith(magic));
  if (!found) return;
  const [, what, way] = found;
  throw new MillraceError("BAD_SOURCE", `${name} is ${what}, which is not read: ${way}.`, { context: { file: name } });
}
