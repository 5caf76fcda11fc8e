/** What an editor shows of a text while it is written: colours, problems and completions, all by Kusto's own parser. */
export interface Annotations {
  readonly spans: readonly Span[];
  readonly problems: readonly Problem[];
}

/** A part of the text and its kind by the parser's name: `Keyword`, `Table`, `StringLiteral`. */
export type Span = readonly [start: number, length: number, kind: string];

export interface Problem {
  readonly start: number;
  readonly length: number;
  readonly severity: "Error" | "Warning" | "Suggestion" | "Information";
  readonly message: string;
}

export interface Completions {
  /** What of the text an item replaces. */
  readonly start: number;
  readonly length: number;
  /** The best first, at most fifty. */
  readonly items: readonly CompletionItem[];
}

export interface CompletionItem {
  readonly label: string;
  /** What it begins with: the name without its arguments. */
  readonly word: string;
  readonly kind: string;
  /** What is written before the caret and behind it. */
  readonly before: string;
  readonly after: string;
}

/** What we use of the parser's service for editors. */
export interface EditorLanguage {
  readonly Editor: {
    readonly KustoCodeService: { readonly $ctor1: new (text: string, globals: unknown) => CodeService };
    readonly ClassificationKind: Readonly<Record<string, unknown>>;
    readonly CompletionKind: Readonly<Record<string, unknown>>;
  };
}

interface CodeService {
  GetClassifications(start: number, length: number): { readonly Classifications: List<Classified> };
  GetCompletionItems(at: number): {
    readonly EditStart: number;
    readonly EditLength: number;
    readonly Items: List<Offered>;
  };
}

interface List<T> {
  readonly Count: number;
  getItem(index: number): T;
}

interface Classified {
  readonly Start: number;
  readonly Length: number;
  readonly Kind: number;
}

interface Offered {
  readonly DisplayText: string;
  readonly MatchText: string;
  readonly BeforeText: string;
  readonly AfterText: string;
  readonly Kind: number;
}

const mostOffered = 50;

export interface EditorService {
  spans(text: string, globals: unknown): Span[];
  completions(text: string, at: number, globals: unknown): Completions;
}

export function editorService({ Editor }: EditorLanguage): EditorService {
  const spanKinds = namesOf(Editor.ClassificationKind);
  const itemKinds = namesOf(Editor.CompletionKind);
  const open = (text: string, globals: unknown) => new Editor.KustoCodeService.$ctor1(text, globals);
  return {
    spans: (text, globals) =>
      listed(open(text, globals).GetClassifications(0, text.length).Classifications).map(({ Start, Length, Kind }) => [
        Start,
        Length,
        spanKinds.get(Kind) ?? "PlainText",
      ]),
    completions(text, at, globals) {
      const { EditStart, EditLength, Items } = open(text, globals).GetCompletionItems(at);
      const begun = text.slice(EditStart, at).toLowerCase();
      // Those that begin as the word does come before those of which a part does; within each, the parser's order.
      const begins = ({ MatchText }: Offered) => MatchText.toLowerCase().startsWith(begun);
      const holds = ({ MatchText }: Offered) =>
        /[_-]/.test(MatchText) && partsOf(MatchText).some((each) => each.startsWith(begun));
      const all = listed(Items);
      const items = [...all.filter(begins), ...all.filter((item) => !begins(item) && holds(item))]
        .slice(0, mostOffered)
        .map(({ DisplayText, MatchText, BeforeText, AfterText, Kind }) => ({
          label: DisplayText,
          word: MatchText,
          kind: itemKinds.get(Kind) ?? "Unknown",
          before: BeforeText,
          after: AfterText,
        }));
      return { start: EditStart, length: EditLength, items };
    },
  };
}

const partsOf = (name: string) => name.toLowerCase().split(/[_-]/);

const listed = <T>(list: List<T>): T[] => Array.from({ length: list.Count }, (_, index) => list.getItem(index));

function namesOf(kinds: Readonly<Record<string, unknown>>): Map<number, string> {
  return new Map(
    Object.entries(kinds).flatMap(([name, value]): [number, string][] =>
      typeof value === "number" ? [[value, name]] : [],
    ),
  );
}
