import type { Kind } from "../../../schema/kinds.ts";
import { datetimeInQuery } from "../../engine/datetime-texts.ts";
import { physicalType, sqlText } from "../../engine/physical.ts";
import { semanticError } from "../../kusto-error.ts";
import { realText } from "../../values/real-text.ts";
import type { Stored } from "../../values/stored.ts";
import { datetimeOf, textReaders } from "../../values/text-values.ts";
import { longDatetimeText, timespanText } from "../../values/ticks.ts";
import { kindOf as nodeKindOf } from "../language.ts";
import type { Scalar } from "../relation.ts";
import { elementsIn, needPart, part, positionText, type SyntaxNode, textOf } from "../tree.ts";

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
    return stringLiteral(String(node.LiteralValue ?? ""));
  if (nodeKind === "DynamicExpression") return dynamicLiteral(node, text);
  const kind = literalKinds[nodeKind];
  if (!kind) return undefined;
  const inner = textOf(node)
    .replace(/^[a-z]+\s*\((.*)\)$/is, "$1")
    .trim();
  if (inner.toLowerCase() === "null") return valueSql(null, kind);
  const value = bareValue(kind, inner);
  if (value === null)
    throw semanticError(
      `SEM0001: Failed to parse ${kind} literal: '${textOf(node)}' ${positionText(text, node.TextStart)}`,
    );
  return valueSql(value, kind);
}

/** The value of what stands between a literal's parentheses, or null where it is none. */
const bareValue = (kind: Kind, text: string): Stored =>
  kind === "datetime" ? looseDatetime(text) : isHex(kind, text) ? hexOf(text) : textReaders[kind](unquoted(text));

const literalWords: Readonly<Record<string, Kind>> = {
  ...{ bool: "bool", boolean: "bool", date: "datetime", datetime: "datetime", decimal: "decimal", double: "real" },
  ...{
    dynamic: "dynamic",
    guid: "guid",
    int: "int",
    long: "long",
    real: "real",
    time: "timespan",
    timespan: "timespan",
  },
};

/** The value of a text such as `datetime(2020-01-01)`, or undefined if it is no literal of this kind: for a request's parameters, which no parser has seen. */
export function writtenLiteral(text: string, kind: Kind): Scalar | undefined {
  const [, word = "", bare = ""] = /^\s*([a-z]+)\s*\(\s*(.*?)\s*\)\s*$/is.exec(text) ?? [];
  if (literalWords[word.toLowerCase()] !== kind) return undefined;
  if (bare.toLowerCase() === "null") return valueSql(null, kind);
  const value = kind === "dynamic" ? jsonIn(bare) : bareValue(kind, bare);
  return value === null ? undefined : valueSql(value, kind);
}

/** JSON, in which texts may also stand in single quotes; null if it is none. */
function jsonIn(text: string): string | null {
  const json = text.replace(/"(?:[^"\\]|\\.)*"|'((?:[^'\\]|\\.)*)'/gs, (quoted, inner: string | undefined) =>
    inner === undefined ? quoted : JSON.stringify(inner.replace(/\\(['\\])/g, "$1")),
  );
  try {
    JSON.parse(json);
    return json;
  } catch {
    return null;
  }
}

const isHex = (kind: Kind, text: string) => (kind === "long" || kind === "int") && /^0x[\da-f]+$/i.test(text);

/** The bits of a long: `0xffffffffffffffff` is -1. */
const hexOf = (text: string): bigint | null => (text.length <= 18 ? BigInt.asIntN(64, BigInt(text)) : null);

const unquoted = (text: string) => text.replace(/^(["'])(.*)\1$/s, "$2");

/** Literals of datetimes may end after the year or the month. */
function looseDatetime(text: string): bigint | null {
  const bare = unquoted(text);
  if (/^\d{4}$/.test(bare)) return datetimeOf(`${bare}-01-01`);
  if (/^\d{4}-\d{1,2}$/.test(bare)) return datetimeOf(`${bare}-01`);
  return datetimeInQuery(bare);
}

export const stringLiteral = (text: string): Scalar => ({ sql: sqlText(text), kind: "string", literal: text });

export function valueSql(value: Stored, kind: Kind): Scalar {
  if (value === null)
    return { sql: kind === "string" ? "''" : `CAST(NULL AS ${physicalType[kind]})`, kind, literal: null };
  if (kind === "bool") return { sql: value ? "true" : "false", kind, literal: value };
  const text = kind === "real" ? realLiteral(value as number) : String(value);
  const sql = physicalType[kind] === "VARCHAR" ? sqlText(text) : `CAST('${text}' AS ${physicalType[kind]})`;
  return { sql, kind, literal: value };
}

const realLiteral = (value: number) => (Object.is(value, -0) ? "-0.0" : String(value));

function dynamicLiteral(node: SyntaxNode, text: string): Scalar {
  const inner = textOf(node)
    .replace(/^dynamic\s*\((.*)\)$/is, "$1")
    .trim();
  const json = dynamicText(needPart(node, "Expression"), inner, text);
  return json === "null" ? valueSql(null, "dynamic") : { sql: sqlText(json), kind: "dynamic", literal: json };
}

/** A dynamic literal as JSON: word for word where it is JSON, else put together from its parts. */
function dynamicText(node: SyntaxNode, source: string, text: string): string {
  try {
    JSON.parse(source);
    return source;
  } catch {
    return jsonOf(node, text);
  }
}

/** Kusto's literals within a dynamic one, as `tostring()` writes them: strings in single quotes, datetimes, timespans. */
function jsonOf(node: SyntaxNode, text: string): string {
  const kind = nodeKindOf(node);
  switch (kind) {
    case "JsonArrayExpression":
      return `[${elementsIn(part(node, "Values"))
        .map((each) => jsonOf(each, text))
        .join(",")}]`;
    case "JsonObjectExpression":
      return `{${elementsIn(part(node, "Pairs"))
        .map(
          (pair) =>
            `${JSON.stringify(needPart(pair, "Name").ValueText ?? "")}:${jsonOf(needPart(pair, "Value"), text)}`,
        )
        .join(",")}}`;
    case "UnaryMinusExpression":
      return `-${jsonOf(needPart(node, "Expression"), text)}`;
    case "NullLiteralExpression":
      return "null";
  }
  const value = literal(kind, node, text);
  if (!value || value.literal === undefined)
    throw semanticError(
      `SEM0999: This part of a dynamic literal is not supported by this emulator: '${textOf(node)}' ${positionText(text, node.TextStart)}`,
    );
  return value.literal === null ? "null" : writtenIn(value.kind, value.literal);
}

function writtenIn(kind: Kind, value: NonNullable<Stored>): string {
  switch (kind) {
    case "bool":
    case "int":
    case "long":
      return String(value);
    case "real":
      return Number.isFinite(value) ? realText(value as number) : JSON.stringify(realText(value as number));
    case "datetime":
      return JSON.stringify(longDatetimeText(value as bigint));
    case "timespan":
      return JSON.stringify(timespanText(value as bigint));
    case "dynamic":
      return value as string;
    default:
      return JSON.stringify(value);
  }
}
