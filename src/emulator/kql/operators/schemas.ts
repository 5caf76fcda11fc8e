import { dotNetType, sqlText } from "../../engine/physical.ts";
import { resultColumns } from "../tree.ts";
import { needInput, type Operator } from "./operator.ts";

/** `getschema`: a row for each column. */
const getSchema: Operator = (node, from) => {
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
