import type { Kind } from "../../../../schema/kinds.ts";
import type { Scalar } from "../../relation.ts";
import { converted } from "../convert.ts";
import { type Call, calledSql, type Functions, literalText, long, type ScalarFunction, text } from "./call.ts";

/** `extract(regex, group, source, [typeof(t)])`: what the group caught, empty where nothing matches. */
const extract: ScalarFunction = ({ args: [pattern, group, source], result }) => {
  const caught = `regexp_extract(${text(source)}, ${text(pattern)}, CAST(${long(group!)} AS INTEGER))`;
  return converted({ sql: caught, kind: "string" }, result as Kind);
};

/** `extract_all(regex, [groups,] source)`: of one group a list, of several a list of lists. */
const extractAll: ScalarFunction = ({ args }: Call) => {
  const pattern = literalText(args[0]);
  if (pattern === undefined) return undefined;
  const source = text(args.at(-1));
  const wanted = args.length === 3 ? chosenGroups(args[1]!, pattern) : allGroups(groupNames(pattern).length);
  if (!wanted) return undefined;
  const all = wanted.map((group) => `regexp_extract_all(${source}, ${text(args[0])}, ${group})`);
  const item = (list: string) => `CAST(to_json(${list}[i + 1]) AS VARCHAR)`;
  const one = all.length === 1 ? item(all[0]!) : `'[' || ${all.map(item).join(" || ',' || ")} || ']'`;
  const list = `list_transform(range(len(${all[0]!})), lambda i: ${one})`;
  return `CASE WHEN len(${all[0]!}) > 0 THEN '[' || array_to_string(${list}, ',') || ']' END`;
};

/** The names of a pattern's groups, in their order; of those without one, nothing. */
function groupNames(pattern: string): (string | undefined)[] {
  const bare = pattern.replaceAll(/\\./g, "").replaceAll(/\[\^?\]?[^\]]*\]/g, "");
  return [...bare.matchAll(/\((?:(?!\?)|\?P?<([A-Za-z]\w*)>)/g)].map((found) => found[1]);
}

const allGroups = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

/** Groups by number or by name. */
function chosenGroups(value: Scalar, pattern: string): number[] | undefined {
  const json = literalText(value);
  const groups: unknown = json === undefined ? undefined : JSON.parse(json);
  if (!Array.isArray(groups)) return undefined;
  const names = groupNames(pattern);
  const numbers = groups.map((group) => (typeof group === "string" ? names.indexOf(group) + 1 : Number(group)));
  return numbers.every((number) => number >= 1 && number <= names.length) ? numbers : undefined;
}

const replaceRegex: ScalarFunction = ({ args: [source, pattern, rewrite] }) =>
  `regexp_replace(${text(source)}, ${text(pattern)}, ${text(rewrite)}, 'g')`;

const trimStart = (source: string, pattern: string) => `regexp_replace(${source}, '^(?:' || ${pattern} || ')+', '')`;
const trimEnd = (source: string, pattern: string) => `regexp_replace(${source}, '(?:' || ${pattern} || ')+$', '')`;

const countOf: ScalarFunction = ({ args: [source, search, kind], result }) => {
  if (kind && literalText(kind)?.toLowerCase() === "regex")
    return `CAST(len(regexp_extract_all(${text(source)}, ${text(search)})) AS BIGINT)`;
  return calledSql("countof", [source!, search!], result);
};

const indexOfRegex: ScalarFunction = ({ args: [source, pattern, ...rest] }) => {
  if (rest.length > 0) return undefined;
  const found = `regexp_extract(${text(source)}, ${text(pattern)})`;
  return `CASE WHEN regexp_matches(${text(source)}, ${text(pattern)}) THEN CAST(instr(${text(source)}, ${found}) - 1 AS BIGINT) ELSE -1 END`;
};

/** Functions over texts that take a regular expression: Kusto's and DuckDB's are both RE2's. */
export const patterns: Functions = {
  countof: countOf,
  extract,
  extract_all: extractAll,
  extractall: extractAll,
  indexof_regex: indexOfRegex,
  regex_quote: ({ args }) => `regexp_escape(${text(args[0])})`,
  replace: ({ args: [pattern, rewrite, source] }) =>
    `regexp_replace(${text(source)}, ${text(pattern)}, ${text(rewrite)}, 'g')`,
  replace_regex: replaceRegex,
  trim: ({ args: [pattern, source] }) => trimEnd(trimStart(text(source), text(pattern)), text(pattern)),
  trim_end: ({ args: [pattern, source] }) => trimEnd(text(source), text(pattern)),
  trim_start: ({ args: [pattern, source] }) => trimStart(text(source), text(pattern)),
};
