import type { StoredTable } from "../engine/entities.ts";
import { dotNetType } from "../engine/physical.ts";
import { kindOf } from "../kql/language.ts";
import { childrenOf, findPart, findParts, nameOf, part, type SyntaxNode, sourceOf, textOf } from "../kql/tree.ts";
import { KustoError } from "../kusto-error.ts";
import { datetimeOf } from "../values/text-values.ts";

export function tableName(node: SyntaxNode): string {
  const found = findPart(node, "TableName") ?? findPart(node, "tableName");
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

/** The command's own nodes in the order of the text: nothing of the query behind `<|`. */
export function* ownNodes(node: SyntaxNode): Generator<SyntaxNode, boolean> {
  for (const child of childrenOf(node)) {
    if (textOf(child) === "<|") return true;
    yield child;
    if (yield* ownNodes(child)) return true;
  }
  return false;
}

const isName = (node: SyntaxNode) => /Name|Literal/.test(kindOf(node));

/** The command's own keywords, in lower case: no names, no literals, nothing of a query behind it. */
export function keywordsOf(node: SyntaxNode): string[] {
  const words: string[] = [];
  const visit = (at: SyntaxNode): boolean => {
    for (const child of childrenOf(at)) {
      if (textOf(child) === "<|") return false;
      if (isName(child)) continue;
      if (child.ChildCount === 0) words.push(textOf(child).toLowerCase());
      else if (!visit(child)) return false;
    }
    return true;
  };
  visit(node);
  return words;
}

/** The `with (...)` of a command, by lower-case name. */
export function propertiesOf(node: SyntaxNode): Map<string, string> {
  const properties = new Map<string, string>();
  for (const each of ownNodes(node)) {
    const name = part(each, "PropertyName");
    const value = part(each, "PropertyValue") ?? part(each, "Value");
    if (!name || !value) continue;
    const text = typeof value.LiteralValue === "string" ? value.LiteralValue : textOf(value);
    properties.set(nameOf(name).toLowerCase(), text);
  }
  return properties;
}

/** Refuses what the emulator would have to leave out. */
export function refuseOtherProperties(properties: ReadonlyMap<string, string>, known: readonly string[]): void {
  for (const name of properties.keys())
    if (!known.includes(name))
      throw new KustoError(
        `The property '${name}' is not supported here by this emulator; there are: ${known.join(", ")}.`,
      );
}

export const isTrue = (text: string | undefined) => text?.toLowerCase() === "true";

/** A property that holds a JSON array of strings, such as `tags`. */
export function listProperty(properties: ReadonlyMap<string, string>, name: string): string[] {
  const text = properties.get(name.toLowerCase());
  if (text === undefined || text === "") return [];
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list) && list.every((item) => typeof item === "string")) return list;
  } catch {
    // Told below.
  }
  throw new KustoError(`Ingestion property '${name}' must be a JSON array of strings.`);
}

/** A property that holds a datetime, as a literal or a text; ticks. */
export function datetimeProperty(properties: ReadonlyMap<string, string>, name: string): bigint | undefined {
  const text = properties.get(name.toLowerCase());
  if (text === undefined) return undefined;
  const inner = text.replace(/^datetime\s*\(\s*(["']?)(.*?)\1\s*\)$/is, "$2");
  const ticks = datetimeOf(inner);
  if (ticks === null) throw new KustoError(`The property '${name}' must be a datetime, not '${text}'.`);
  return ticks;
}

/** A part that is a string literal or a bare name. */
export function textValue(node: SyntaxNode, name: string): string {
  const found = findPart(node, name);
  if (!found) throw new KustoError(`The command has no ${name}.`);
  return typeof found.LiteralValue === "string" ? found.LiteralValue : nameOf(found);
}

/** The GUIDs of a command that the grammar calls `name`, in the form in which they are kept. */
export function guidsIn(node: SyntaxNode, name: string): string[] {
  return findParts(node, name).map((guid) => textOf(guid).toLowerCase());
}

/** A place in a command's text. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** The query behind `<|`. */
export function queryIn(node: SyntaxNode): Span {
  const arrow = arrowIn(node);
  if (!arrow) throw new KustoError("The command has no query.");
  return { from: arrow.TextStart + arrow.Width, to: node.TextStart + node.Width };
}

export function arrowIn(node: SyntaxNode): SyntaxNode | undefined {
  for (const child of childrenOf(node)) {
    if (child.ChildCount === 0 && textOf(child) === "<|") return child;
    const found = arrowIn(child);
    if (found) return found;
  }
  return undefined;
}

/** A table's schema in the JSON form that commands answer with. */
export function jsonSchema(table: StoredTable): string {
  const OrderedColumns = table.columns.map(({ name, kind, docString }) => ({
    ...{ Name: name, Type: dotNetType[kind], CslType: kind },
    ...(docString ? { DocString: docString } : {}),
  }));
  return JSON.stringify({ Name: table.name, OrderedColumns });
}

/** `['b c']`, or the name itself where it needs no quoting. */
export const quotedName = (name: string) =>
  /^[a-z_]\w*$/i.test(name) ? name : `['${name.replaceAll(/(['\\])/g, "\\$1")}']`;

/** `a:string,['b c']:long`, as it could be written in a command. */
export const schemaText = (table: StoredTable) =>
  table.columns.map(({ name, kind }) => `${quotedName(name)}:${kind}`).join(",");
