import { dotNetType, sqlText } from "../../engine/physical.ts";
import { notCarried } from "../language.ts";
import { part, resultColumns, sourceOf } from "../tree.ts";
import { needInput, type Operator } from "./operator.ts";

/** `getschema`: a row for each column. */
const getSchema: Operator = (node, from, context) => {
  const kind = part(node, "KindParameter");
  if (kind) throw notCarried(`the parameter '${sourceOf(kind, context.text)}'`, kind, context.text);
  const rows = needInput(from).columns.map(
    ({ name, kind }, index) => `(${sqlText(name)}, ${index}, '${dotNetType[kind]}', '${kind}')`,
  );
  const columns = resultColumns(node).map((column, index) => ({ ...column, sql: `c${index}` }));
  const sql =
    rows.length === 0
      ? "SELECT '' AS c0, 0 AS c1, '' AS c2, '' AS c3, 0 AS o WHERE false"
      : `SELECT *, c1 AS o FROM (VALUES ${rows.join(", ")}) AS t(c0, c1, c2, c3)`;
  return { sql, columns, order: "o" };
};

export const schemaOperators: Readonly<Record<string, Operator>> = { GetSchemaOperator: getSchema };
