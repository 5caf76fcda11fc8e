import type { Kind } from "../../../schema/kinds.ts";
import { physicalType } from "../../engine/physical.ts";
import type { Scalar } from "../relation.ts";
import { once } from "./once.ts";

export const isNumber = (kind: Kind) => kind === "int" || kind === "long" || kind === "real" || kind === "decimal";
export const isTicks = (kind: Kind) => kind === "datetime" || kind === "timespan";

/** The text of any value, as `tostring()` gives it: of null, the empty text. */
export function textSql({ sql, kind }: Scalar): string {
  return `coalesce(${bareTextSql({ sql, kind })}, '')`;
}

function bareTextSql({ sql, kind }: Scalar): string {
  switch (kind) {
    case "bool":
      return `CASE WHEN ${sql} THEN 'True' WHEN NOT ${sql} THEN 'False' END`;
    case "datetime":
      return `k_text_datetime(${sql})`;
    case "timespan":
      return `k_text_timespan(${sql})`;
    case "real":
      return `k_text_real(${sql})`;
    case "dynamic":
      // A text within JSON is rare, and asking JavaScript for each row is slow: `extent_tags() has` took 1.3 s over 1 000 000 rows, and
      // takes 0.2 s.
      return once(
        sql,
        (d) =>
          `CASE WHEN starts_with(ltrim(${d}, chr(9) || chr(10) || chr(13) || chr(32)), chr(34)) THEN k_dynamic_text(${d}) ELSE ${d} END`,
        "t",
      );
    case "int":
    case "long":
      return `CAST(${sql} AS VARCHAR)`;
    default:
      return sql;
  }
}

/** The value as another type, null where it has no such value; the rules of the `toX()` functions. */
export function converted(value: Scalar, to: Kind): string {
  const { sql, kind } = value;
  if (kind === to) return sql;
  if (to === "string") return textSql(value);
  if (to === "dynamic") return dynamicSql(value);
  if (kind === "string") return `k_to_${to}(${sql})`;
  if (kind === "dynamic" || kind === "guid") return `k_to_${to}(${bareTextSql(value)})`;
  if (to === "decimal") return kind === "real" ? `k_decimal_of_real(${sql})` : `CAST(${sql} AS VARCHAR)`;
  if (kind === "decimal")
    return to === "real" ? `k_to_real(${sql})` : `TRY_CAST(trunc(k_to_real(${sql})) AS ${physicalType[to]})`;
  if (to === "bool") return `(${sql} <> 0)`;
  if (to === "guid") return "CAST(NULL AS VARCHAR)";
  if (kind === "real" && (to === "int" || to === "long")) return `TRY_CAST(trunc(${sql}) AS ${physicalType[to]})`;
  return `TRY_CAST(${sql} AS ${physicalType[to]})`;
}

/** The value as JSON text; null where it has none. */
function dynamicSql({ sql, kind }: Scalar): string {
  if (kind === "bool") return `CASE WHEN ${sql} THEN 'true' WHEN NOT ${sql} THEN 'false' END`;
  if (kind === "int" || kind === "long") return `CAST(${sql} AS VARCHAR)`;
  if (kind === "real")
    return `CASE WHEN isfinite(${sql}) THEN k_text_real(${sql}) ELSE '"' || k_text_real(${sql}) || '"' END`;
  if (kind === "string") return `CAST(to_json(coalesce(${sql}, '')) AS VARCHAR)`;
  return `'"' || ${bareTextSql({ sql, kind })} || '"'`;
}

/** The value as a member of an array or a bag: JSON text, `null` where there is none. */
export function memberSql(value: Scalar): string {
  return `coalesce(${converted(value, "dynamic")}, 'null')`;
}

/** JSON texts as one array. */
export const arraySql = (members: readonly string[]): string =>
  `('[' || ${members.join(" || ',' || ") || "''"} || ']')`;

/** What two sides of a comparison are compared as. */
export function commonKind(a: Kind, b: Kind): Kind {
  if (a === b) return a;
  if (a === "dynamic") return b;
  if (b === "dynamic") return a;
  if (isNumber(a) && isNumber(b))
    return a === "decimal" || b === "decimal" ? "decimal" : a === "real" || b === "real" ? "real" : "long";
  return a === "string" || b === "string" ? "string" : a;
}

/** SQL by which values of a kind may be ordered: decimals are texts, and go by a key. */
export function orderSql({ sql, kind }: Scalar): string {
  return kind === "decimal" ? `k_decimal_key(${sql})` : sql;
}
