import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What a reader reads, by the paths of the repository. */
export const documents: readonly string[] = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", ...docs()];

function docs(): string[] {
  return readdirSync("docs", { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name));
}

export interface Block {
  readonly document: string;
  /** What stands behind the opening fence: `ts`, `sh`. */
  readonly language: string;
  readonly code: string;
}

const fence = /^[ \t]*```([^\n`]*)\n([\s\S]*?)^[ \t]*```[ \t]*$/gm;

/** The fenced blocks of a document, in their order. */
export function blocksOf(document: string): Block[] {
  return [...readFileSync(document, "utf8").matchAll(fence)].map(([, language, code]) => ({
    document,
    language: language!.trim(),
    code: code!,
  }));
}

/** A document as its reader sees it: without what stands in fences and comments. */
export function proseOf(markdown: string): string {
  return markdown.replace(fence, "").replace(/<!--[\s\S]*?-->/g, "");
}

/** What lies under a heading, up to the next one of its level or above. */
export function sectionOf(document: string, heading: string): string {
  const text = readFileSync(document, "utf8");
  const lines = text.split("\n");
  const start = lines.indexOf(heading);
  if (start < 0) throw new Error(`${document} has no heading "${heading}".`);
  const level = /^#+/.exec(heading)![0].length;
  let isFenced = false;
  const end = lines.findIndex((line, i) => {
    if (line.startsWith("```")) isFenced = !isFenced;
    return i > start && !isFenced && new RegExp(`^#{1,${level}} `).test(line);
  });
  return lines.slice(start + 1, end < 0 ? undefined : end).join("\n");
}

export interface MarkdownTable {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The tables of a text; cells are trimmed. */
export function tablesOf(markdown: string): MarkdownTable[] {
  const tables: { header: string[]; rows: string[][] }[] = [];
  let isInside = false;
  for (const line of proseOf(markdown).split("\n")) {
    const isRow = /^\s*\|.*\|\s*$/.test(line);
    if (!isRow) isInside = false;
    else if (!isInside) {
      tables.push({ header: cellsOf(line), rows: [] });
      isInside = true;
    } else if (!/^\s*\|?\s*:?-{3,}[\s|:-]*$/.test(line)) tables.at(-1)!.rows.push(cellsOf(line));
  }
  return tables;
}

function cellsOf(row: string): string[] {
  return row
    .trim()
    .replace(/^\||\|$/g, "")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());
}

/** What stands in backticks, as it stands there. */
export function codeOf(markdown: string): string[] {
  return [...markdown.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!);
}
