import { type MappingKind, quoteName } from "../../../schema/kql.ts";
import type { CheckContext } from "../../destination.ts";
import type { Answer } from "../answer.ts";
import type { Connection } from "../options.ts";
import { isCode } from "./error-finding.ts";
import type { Finding } from "./finding.ts";
import { mappingFit, type NamedMapping } from "./mapping-fit.ts";
import { textOf } from "./policy.ts";
import type { Seen } from "./seen.ts";

/** The mapping that the options name: of the table, or else of its database. */
export async function fitMapping(
  { database }: Connection,
  { table, columns, format, ingestion }: CheckContext,
  { engine, columns: actual }: Seen,
  signal: AbortSignal,
): Promise<Finding> {
  const kind: MappingKind = format === "csv" ? "csv" : "json";
  const of = (place: string) =>
    mappingsOf(engine!.execute(database, `.show ${place} ingestion ${kind} mappings`, signal));
  const found = [...(await of(`table ${quoteName(table)}`)), ...(await of(`database ${quoteName(database)}`))];
  return mappingFit(found, {
    table,
    database,
    columns,
    actual: actual!,
    kind,
    wanted: ingestion.ingestionMappingRef!,
  });
}

async function mappingsOf(answer: Promise<Answer>): Promise<NamedMapping[]> {
  try {
    const { columns, rows } = await answer;
    const [name, text] = ["Name", "Mapping"].map((each) => columns.findIndex((column) => column.name === each));
    return rows.map((row) => ({ name: String(row[name!]), text: textOf(row[text!]) }));
  } catch (error) {
    // None at all may be told as "not found".
    if (isCode(error, "NOT_FOUND", "BAD_REQUEST")) return [];
    throw error;
  }
}
