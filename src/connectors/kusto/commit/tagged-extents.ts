import { quoteName, quoteString } from "../../../schema/kql.ts";

/** Asks for the extents by a tag: `has` is the whole tag, `contains` a part of one (documentation, ".show extents"). */
export function tagged(table: string, operator: "has" | "contains", tag: string): string {
  return `.show table ${quoteName(table)} extents where tags ${operator} ${quoteString(tag)}`;
}
