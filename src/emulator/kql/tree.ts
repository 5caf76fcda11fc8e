import { isKind, type Kind } from "../../schema/kinds.ts";

/** A node of Kusto's syntax tree, as far as we look at it. */
export interface SyntaxNode {
  readonly Kind: number;
  readonly TextStart: number;
  readonly Width: number;
  readonly ChildCount: number;
  readonly NameInParent: string | null;
  readonly ResultType?: TypeSymbol | null;
  readonly ReferencedSymbol?: ReferencedSymbol | null;
  readonly Root?: SyntaxNode | null;
  readonly SimpleName?: string;
  readonly LiteralValue?: unknown;
  /** Whether the binder knows the value, which is then `ConstantValue`. */
  readonly IsConstant?: boolean;
  readonly ConstantValue?: unknown;
  /** Of a token that is a literal, what it stands for. */
  readonly ValueText?: string | null;
  GetChild(index: number): SyntaxNode | null;
  GetCalledFunctionBody?(): SyntaxNode | null;
  ToString(): string;
}

/** A list of the parser's. */
export interface ListOf<T> {
  readonly Count: number;
  getItem(index: number): T;
}

export interface TypeSymbol {
  readonly Name: string;
  readonly Columns?: ListOf<{ readonly Name: string; readonly Type: TypeSymbol }>;
}

/** What a name means to the binder: a function has signatures, a group of tables has members. */
export interface ReferencedSymbol {
  readonly Name: string;
  readonly Signatures?: ListOf<{ readonly Parameters: ListOf<ParameterSymbol> }>;
  readonly Members?: ListOf<{ readonly Name: string }>;
}

export interface ParameterSymbol {
  readonly Name: string;
  readonly DefaultValue: SyntaxNode | null;
  readonly DeclaredTypes: ListOf<TypeSymbol>;
}

export function itemsOf<T>(list: ListOf<T> | null | undefined): T[] {
  return list ? Array.from({ length: list.Count }, (_, index) => list.getItem(index)) : [];
}

export function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (let index = 0; index < node.ChildCount; index++) {
    const child = node.GetChild(index);
    if (child) children.push(child);
  }
  return children;
}

/** The child that the grammar calls `name`, if it is there. */
export function part(node: SyntaxNode, name: string): SyntaxNode | undefined {
  return childrenOf(node).find((child) => child.NameInParent === name);
}

export function needPart(node: SyntaxNode, name: string): SyntaxNode {
  const found = part(node, name);
  if (!found) throw new Error(`The parser's tree has no ${name} in ${node.ToString()}`);
  return found;
}

/** The elements of a list of separated elements. */
export function elementsIn(list: SyntaxNode | undefined): SyntaxNode[] {
  return list ? childrenOf(list).flatMap((separated) => separated.GetChild(0) ?? []) : [];
}

/** The first node named `name` at any depth, in the order of the text. */
export function findPart(node: SyntaxNode, name: string): SyntaxNode | undefined {
  for (const child of childrenOf(node)) {
    const found = child.NameInParent === name ? child : findPart(child, name);
    if (found) return found;
  }
  return undefined;
}

/** All nodes named `name` at any depth, in the order of the text. */
export function findParts(node: SyntaxNode, name: string): SyntaxNode[] {
  return childrenOf(node).flatMap((child) => [
    ...(child.NameInParent === name ? [child] : []),
    ...findParts(child, name),
  ]);
}

/** A node as it stands in the text. */
export function sourceOf(node: SyntaxNode, text: string): string {
  return text.slice(node.TextStart, node.TextStart + node.Width);
}

/** The tokens of a node, without the blanks and comments between them: for names and literals. */
export function textOf(node: SyntaxNode): string {
  return node.ToString().trim();
}

/** A name without its quoting: of `['a b']`, `a b`. */
export function nameOf(node: SyntaxNode): string {
  return node.SimpleName || textOf(node);
}

/** The scalar type that the binder found, or undefined where it is none of the ten. */
export function scalarType(node: SyntaxNode): Kind | undefined {
  return kindNamed(node.ResultType);
}

export function kindNamed(type: TypeSymbol | null | undefined): Kind | undefined {
  const name = type?.Name ?? "";
  if (isKind(name)) return name;
  return name.startsWith("dynamic") ? "dynamic" : undefined;
}

/** The type that a declaration names, by whichever of its names. */
export function declaredKind(type: SyntaxNode): Kind | undefined {
  return kindNamed({ Name: type.ReferencedSymbol?.Name ?? textOf(type) });
}

/** Whether the binder sees a table here. */
export function isTabular(node: SyntaxNode): boolean {
  return node.ResultType?.Columns !== undefined;
}

export function resultColumns(node: SyntaxNode): { name: string; kind: Kind }[] {
  return itemsOf(node.ResultType?.Columns).map(({ Name, Type }) => ({
    name: Name,
    kind: kindNamed(Type) ?? "dynamic",
  }));
}

/** The arguments of a call. */
export function argumentsIn(call: SyntaxNode): SyntaxNode[] {
  const list = part(call, "ArgumentList");
  return elementsIn(list && part(list, "Expressions"));
}

/** An operator's parameter, such as the `inner` of `kind=inner`. */
export function parameterOf(node: SyntaxNode, ...names: string[]): SyntaxNode | undefined {
  const list = part(node, "Parameters");
  const found = (list ? childrenOf(list) : [])
    .map((each) => (part(each, "Name") ? each : (each.GetChild(0) ?? each)))
    .find((each) => names.includes(nameOf(needPart(each, "Name")).toLowerCase()));
  return found && needPart(found, "Expression");
}

/** `[line:position=2:7]`, as the service puts it. */
export function positionText(text: string, offset: number): string {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  return `[line:position=${line}:${offset - before.lastIndexOf("\n")}]`;
}
