import type { StoredTable } from "../engine/catalogue.ts";
import { dotNetType } from "../engine/physical.ts";
import { findPart, findParts, nameOf, type SyntaxNode, sourceOf, textOf } from "../kql/tree.ts";
import { KustoError } from "../kusto-error.ts";

export function tableName(node: SyntaxNode): string {
  const found = findPart(node, "TableName");
  if (!found) throw new KustoError("The command names no table.");
  return nameOf(found);
}

/** Does the command have this word, in any case? */
export function hasWord(node: SyntaxNode, word: string, text: string): boolean {
  const words = sourceOf(node, text)
    .toLowerCase()
    .split(/[\s()]+/);
  return words.includes(word);
}

/** The `with (...)` of a command, by lower-case name. */
export function propertiesOf(node: SyntaxNode): Map<string, string> {
  const names = findParts(node, "PropertyName").map((name) => nameOf(name).toLowerCase());
  const values = findParts(node, "PropertyValue").map((value) =>
    typeof value.LiteralValue === "string" ? value.LiteralValue : textOf(value),
  );
  return new Map(names.map((name, index) => [name, values[index] ?? ""]));
}

/** A part that is a string literal or a bare name. */
export function textValue(node: SyntaxNode, name: string): string {
  const found = findPart(node, name);
  if (!found) throw new KustoError(`The command has no ${name}.`);
  return typeof found.LiteralValue === "string" ? found.LiteralValue : nameOf(found);
}

/** A table's schema in the JSON form that commands answer with. */
export function jsonSchema(table: StoredTable): string {
  const OrderedColumns = table.columns.map(({ name, kind }) => ({ Name: name, Type: dotNetType[kind], CslType: kind }));
  return JSON.stringify({ Name: table.name, OrderedColumns });
}
