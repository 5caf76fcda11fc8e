import { kinds } from "../../schema/kinds.ts";
import { passStop } from "./parse-deadline.ts";
import { itemsOf, type SyntaxNode } from "./tree.ts";

/** The parts of Kusto's parser that decide how a command is read. */
export interface CommandParsing {
  readonly PartialParser: {
    ScanPartialBest(kind: unknown, parsers: Iterable<CommandParser>, input: TokenSource, start: number): number;
  };
}

interface CommandParser {
  /** How many tokens it would take from there; negative if it does not take them. */
  Scan(input: TokenSource, start: number): number;
}

interface TokenSource {
  IsEnd(position: number): boolean;
  Peek(position: number): { readonly Text: string };
}

/** What the parser gives for "this is not the beginning of a command". */
const notPartial = -1;

/** The parser's list, as far as it is cut off here. */
interface CutList {
  _size: number;
  _version: number;
}

/**
 * Cuts a list off as what it is, an array with a length of its own. The parser's way writes a default value, by a call, over
 * each element that goes, and it cuts lists for each part of a command: of 2 600 columns that took a third of the parsing.
 */
export function quickenLists({ ListExtensions }: { readonly ListExtensions: ListCutting }): void {
  if (patched.has(ListExtensions)) return;
  patched.add(ListExtensions);
  const cut = ListExtensions.SetCount;
  ListExtensions.SetCount = (type, list, count) => {
    if (typeof list._size !== "number" || count < 0) return cut(type, list, count);
    if (list._size > count) {
      list._size = count;
      list._version++;
    }
  };
}

/** The parser's symbols of columns, each with the columns that it comes from. */
export interface ColumnOrigins {
  readonly ColumnSymbol: { GetTrulyOriginalColumns(columns: object): object };
}

interface ColumnList extends CutList {
  getItem(index: number): unknown;
  setItem(index: number, item: unknown): void;
}

/**
 * Names each column once among those that another comes from. The parser names it as often as there are ways to it: a chain
 * of 40 unions, each of the one before with itself, has 2 ** 40.
 */
export function quickenOrigins({ ColumnSymbol }: ColumnOrigins): void {
  if (patched.has(ColumnSymbol)) return;
  patched.add(ColumnSymbol);
  const find = ColumnSymbol.GetTrulyOriginalColumns.bind(ColumnSymbol);
  ColumnSymbol.GetTrulyOriginalColumns = (columns) => {
    const found = find(columns) as Partial<ColumnList>;
    if (found === columns || typeof found._size !== "number") return found;
    const list = found as ColumnList;
    const seen = new Set<unknown>();
    for (let index = 0; index < list._size; index++) {
      const column = list.getItem(index);
      if (seen.has(column)) continue;
      list.setItem(seen.size, column);
      seen.add(column);
    }
    list._size = seen.size;
    return list;
  };
}

export interface ListCutting {
  SetCount(type: unknown, list: CutList, count: number): void;
}

const patched = new WeakSet<object>();
const remembering = new WeakSet<object>();

/**
 * Spares Kusto's parser the search for the command that comes nearest to the text, where a command matches the whole of it.
 * It makes that search for each text, for the sake of completion in editors: of 62 ms for `.show table T extents`, 60 ms.
 * A whole match always wins against a part of one, so the trees are the same.
 */
export function quickenCommands({ PartialParser }: CommandParsing): void {
  if (patched.has(PartialParser) || typeof PartialParser.ScanPartialBest !== "function") return;
  patched.add(PartialParser);
  const search = PartialParser.ScanPartialBest.bind(PartialParser);
  // The parser asks several times about one place of one text.
  const known = new WeakMap<TokenSource, Map<number, boolean>>();
  PartialParser.ScanPartialBest = (kind, parsers, input, start) => {
    if (!remembering.has(parsers)) {
      remembering.add(parsers);
      for (const parser of parsers) rememberScan(parser);
    }
    const places = known.get(input) ?? new Map<number, boolean>();
    known.set(input, places);
    const isWhole = places.get(start) ?? matchesWhole(parsers, input, start);
    places.set(start, isWhole);
    return isWhole ? notPartial : search(kind, parsers, input, start);
  };
}

/** Each of some 700 commands is scanned several times at one place of one text: to choose among them, to see whether any fits, and to parse. */
function rememberScan(parser: CommandParser): void {
  const scan = parser.Scan.bind(parser);
  let input: TokenSource | undefined;
  let start = -1;
  let length = notPartial;
  parser.Scan = (nextInput, nextStart) => {
    if (nextInput !== input || nextStart !== start) {
      passStop();
      length = scan(nextInput, nextStart);
      input = nextInput;
      start = nextStart;
    }
    return length;
  };
}

/** Does a command take all of the text, or all of it before a pipe? */
function matchesWhole(parsers: Iterable<CommandParser>, input: TokenSource, start: number): boolean {
  let longest = 0;
  for (const parser of parsers) longest = Math.max(longest, parser.Scan(input, start));
  const end = start + longest;
  return longest > 0 && (input.IsEnd(end) || ["", "|"].includes(input.Peek(end).Text));
}

/** The parser's binder, as far as it finds what an operator does to values of given types. */
export interface OperatorBinding {
  readonly Binding: { readonly Binder: { readonly prototype: OperatorBinder } };
  readonly Symbols: { readonly ScalarTypes: { GetSymbol(name: string): unknown } };
  readonly Syntax: { readonly SyntaxKind: Readonly<Record<string, number>> };
}

interface OperatorBinder {
  _globals?: { GetOperator(kind: unknown): { readonly Signatures: object } };
  GetOperatorInfo$1(kind: unknown, values: ItemList, types: ItemList, ...rest: unknown[]): unknown;
  GetBestMatchingSignatures(
    signatures: object,
    values: ItemList,
    types: ItemList,
    result: ItemList,
    mustMatchAll: boolean,
  ): void;
}

interface ItemList {
  readonly Count: number;
  getItem(index: number): unknown;
  add(item: unknown): void;
}

/**
 * Remembers which signature of an operator takes values of which scalar types: nothing but the types decides. The parser compares
 * all signatures for each operator in a text: a query of 25 columns, as verify sends it, took 146 ms of the processor, now 89.
 */
export function quickenOperators({ Binding, Symbols, Syntax }: OperatorBinding): void {
  const binder = Binding.Binder.prototype;
  if (patched.has(binder)) return;
  patched.add(binder);
  const scalars = new Map<unknown, string>(kinds.map((kind) => [Symbols.ScalarTypes.GetSymbol(kind), kind]));
  const { StarExpression } = Syntax.SyntaxKind;
  /** By an operator's signatures. */
  const known = new WeakMap<object, Map<string, readonly unknown[]>>();
  const info = binder.GetOperatorInfo$1;
  binder.GetOperatorInfo$1 = function (kind, ...rest) {
    const signatures = this._globals?.GetOperator(kind).Signatures;
    if (signatures && !known.has(signatures)) known.set(signatures, new Map());
    return info.call(this, kind, ...rest);
  };
  const best = binder.GetBestMatchingSignatures;
  binder.GetBestMatchingSignatures = function (signatures, values, types, result, mustMatchAll) {
    const answers = known.get(signatures);
    const key = answers && typesOf(values, types, mustMatchAll);
    if (!answers || key === undefined || result.Count > 0)
      return best.call(this, signatures, values, types, result, mustMatchAll);
    const before = answers.get(key);
    if (before) for (const signature of before) result.add(signature);
    else {
      best.call(this, signatures, values, types, result, mustMatchAll);
      answers.set(key, itemsOf(result));
    }
  };

  /** Undefined where one is no scalar, or stands for all columns. */
  function typesOf(values: ItemList, types: ItemList, mustMatchAll: boolean): string | undefined {
    let key = String(mustMatchAll);
    for (let index = 0; index < types.Count; index++) {
      const kind = scalars.get(types.getItem(index));
      if (kind === undefined || (values.getItem(index) as SyntaxNode).Kind === StarExpression) return undefined;
      key += ` ${kind}`;
    }
    return key;
  }
}
