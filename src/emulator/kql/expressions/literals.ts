import type { Kind } from "../../../schema/kinds.ts";
import { physicalType, sqlText } from "../../engine/physical.ts";
import { datetimeOf, type Stored, textReaders } from "../../ingest/text-values.ts";
import { semanticError } from "../../kusto-error.ts";
import type { Scalar } from "../relation.ts";
import { positionText, type SyntaxNode, textOf } from "../tree.ts";

const literalKinds: Readonly<Record<string, Kind>> = {
  BooleanLiteralExpression: "bool",
  DateTimeLiteralExpression: "datetime",
  DecimalLiteralExpression: "decimal",
  GuidLiteralExpression: "guid",
  IntLiteralExpression: "int",
  LongLiteralExpression: "long",
  RealLiteralExpression: "real",
  TimespanLiteralExpression: "timespan",
};

/** A literal as SQL, or undefined if the node is none. The parser leaves reading the text to the engine. */
export function literal(nodeKind: string, node: SyntaxNode, text: string): Scalar | undefined {
  if (nodeKind === "StringLiteralExpression" || nodeKind === "CompoundStringLiteralExpression")
    return { sql: sqlText(String(node.LiteralValue ?? "")), kind: "string" };
  if (nodeKind === "DynamicExpression") return dynamicLiteral(node, text);
  const kind = literalKinds[nodeKind];
  if (!kind) return undefined;
  const inner = textOf(node)
    .replace(/^[a-z]+\s*\((.*)\)$/is, "$1")
    .trim();
  if (inner.toLowerCase() === "null") return valueSql(null, kind);
  const value = kind === "datetime" ? looseDatetime(inner) : textReaders[kind](unquoted(inner));
  if (value === null)
    throw semanticError(
      `SEM0001: Failed to parse ${kind} literal: '${textOf(node)}' ${positionText(text, node.TextStart)}`,
    );
  return valueSql(value, kind);
}

const unquoted = (text: string) => text.replace(/^(["'])(.*)\1$/s, "$2");

/** Literals of datetimes may end after the year or the month. */
function looseDatetime(text: string): bigint | null {
  const bare = unquoted(text);
  if (/^\d{4}$/.test(bare)) return datetimeOf(`${bare}-01-01`);
  if (/^\d{4}-\d{1,2}$/.test(bare)) return datetimeOf(`${bare}-01`);
  return datetimeOf(bare);
}

export function valueSql(value: Stored, kind: Kind): Scalar {
  if (value === null) return { sql: kind === "string" ? "''" : `CAST(NULL AS ${physicalType[kind]})`, kind };
  if (kind === "bool") return { sql: value ? "true" : "false", kind };
  const text = kind === "real" ? realLiteral(value as number) : String(value);
  return { sql: physicalType[kind] === "VARCHAR" ? sqlText(text) : `CAST('${text}' AS ${physicalType[kind]})`, kind };
}

const realLiteral = (value: number) => (Object.is(value, -0) ? "-0.0" : String(value));

function dynamicLiteral(node: SyntaxNode, text: string): Scalar {
  const inner = textOf(node)
    .replace(/^dynamic\s*\((.*)\)$/is, "$1")
    .trim();
  if (inner === "null") return valueSql(null, "dynamic");
  try {
    JSON.parse(inner);
  } catch {
    throw semanticError(
      `SEM0999: A dynamic literal that is not JSON is not supported by this emulator: '${inner}' ${positionText(text, node.TextStart)}`,
    );
  }
  return { sql: sqlText(inner), kind: "dynamic" };
}
