import type { Kind } from "../../../schema/kinds.ts";
import { sqlText } from "../../engine/physical.ts";
import { newAlias, type QueryContext } from "../context.ts";
import { converted, textSql } from "../expressions/convert.ts";
import { valueSql } from "../expressions/literals.ts";
import { scalar } from "../expressions/scalar.ts";
import { kindOf, notCarried } from "../language.ts";
import { columnNamed, filtered, type Relation, selected } from "../relation.ts";
import { over } from "../row.ts";
import {
  childrenOf,
  declaredKind,
  nameOf,
  needPart,
  parameterOf,
  resultColumns,
  type SyntaxNode,
  textOf,
} from "../tree.ts";
import { needInput, type Operator } from "./operator.ts";

/** A column that a pattern catches. */
interface Caught {
  readonly name: string;
  readonly kind: Kind;
  readonly group: number;
}

interface Pattern {
  readonly regex: string;
  readonly caught: readonly Caught[];
}

type Mode = "simple" | "regex" | "relaxed";

/** What a column of a type is caught as. */
const shapes: Readonly<Partial<Record<Kind, string>>> = {
  int: "\\s*[-+]?\\d+\\s*?",
  long: "\\s*[-+]?\\d+\\s*?",
  real: "\\s*[-+]?\\d*\\.?\\d*(?:[eE][-+]?\\d+)?\\s*?",
};

const escaped = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");

/** Texts stand for themselves (or are expressions of the regular kind), columns catch what lies between, `*` skips. */
function patternOf(node: SyntaxNode, mode: Mode, context: QueryContext): Pattern {
  let regex = "^";
  const caught: Caught[] = [];
  let group = 0;
  // The regular kind is greedy, unless its flag U turns that around.
  const any = mode === "regex" ? ".*" : "[\\s\\S]*?";
  const parts = childrenOf(needPart(node, "Patterns"));
  parts.forEach((each, index) => {
    const isLast = index === parts.length - 1;
    switch (kindOf(each)) {
      case "StarExpression":
        regex += isLast ? "[\\s\\S]*" : any;
        return;
      case "StringLiteralExpression":
      case "CompoundStringLiteralExpression": {
        const text = String(each.LiteralValue);
        regex += mode === "regex" ? `(?:${text})` : escaped(text);
        if (mode === "regex") group += groupsOf(text);
        return;
      }
      case "NameDeclaration":
      case "NameAndTypeDeclaration": {
        const isTyped = kindOf(each) === "NameAndTypeDeclaration";
        const kind = isTyped ? declaredKind(needPart(each, "Type")) : "string";
        if (!kind) throw notCarried(`'${textOf(each)}'`, each, context.text);
        // A relaxed column may hold anything up to the next text; before a `*` nothing but its shape ends it.
        const isOpen = mode === "relaxed" && (isLast || kindOf(parts[index + 1]!) !== "StarExpression");
        const shape = isOpen ? undefined : shapes[kind] && mode === "relaxed" ? `(?:${shapes[kind]})?` : shapes[kind];
        regex += `(${shape ?? (isLast ? "[\\s\\S]*" : any)})`;
        caught.push({ name: nameOf(isTyped ? needPart(each, "Name") : each), kind, group: ++group });
        return;
      }
      default:
        throw notCarried(`'${textOf(each)}' in a pattern`, each, context.text);
    }
  });
  return { regex: `${regex}$`, caught };
}

/** Groups within an expression of the user's count, too. */
function groupsOf(pattern: string): number {
  return [...pattern.replaceAll(/\\./g, "").matchAll(/\((?!\?)/g)].length;
}

/**
 * `parse` and `parse-where`: columns caught out of a text. Where the pattern does not match (or, but in `relaxed` mode, a
 * column's text is no value of its type) all of them are null, or the row goes.
 */
const parse =
  (keepsAll: boolean): Operator =>
  (node, from, context) => {
    const input = needInput(from);
    const asked = parameterOf(node, "kind");
    const mode = (asked ? textOf(asked).toLowerCase() : "simple") as Mode;
    const flags = parameterOf(node, "flags");
    const { regex, caught } = patternOf(node, mode, context);
    const prefix = flags ? `(?${textOf(flags).replaceAll(/[^imsU]/g, "")})` : "";
    const pattern = sqlText(prefix + regex);
    const at = over(input, context);
    const subject = newAlias(context, "p");
    const source = `coalesce(${textSql(scalar(needPart(node, "Expression"), at))}, '')`;
    const groups = caught.map(({ group }) => `regexp_extract(${subject}, ${pattern}, ${group})`);
    const values = caught.map(({ kind }, index) =>
      converted({ sql: trimmed(kind, groups[index]!), kind: "string" }, kind),
    );
    const isTyped = caught.flatMap(({ kind }, index) =>
      kind === "string" || mode === "relaxed" ? [] : [`${values[index]} IS NOT NULL`],
    );
    const matches = [`regexp_matches(${subject}, ${pattern})`, ...isTyped].join(" AND ");
    const hit = newAlias(context, "p");
    const { relation } = at.source;
    const looked: Relation = {
      ...relation,
      sql: `SELECT *, coalesce(${matches}, false) AS ${hit} FROM (SELECT *, ${source} AS ${subject} FROM (${relation.sql}))`,
    };
    const columns = resultColumns(node).map((column) => {
      const index = caught.findIndex(({ name }) => name === column.name);
      const old = columnNamed(input.columns, column.name);
      if (index < 0) return { ...column, value: old!.sql };
      return { ...column, value: `CASE WHEN ${hit} THEN ${values[index]} ELSE ${valueSql(null, column.kind).sql} END` };
    });
    return selected(keepsAll ? looked : filtered(looked, `WHERE ${hit}`), columns);
  };

const trimmed = (kind: Kind, sql: string) => (kind === "string" ? sql : `trim(${sql})`);

export const patternOperators: Readonly<Record<string, Operator>> = {
  ParseOperator: parse(true),
  ParseWhereOperator: parse(false),
};
