import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { documents, proseOf } from "./documents.ts";

// Every link inside the project leads to a file that is there, and to a heading that the file has.

/** Links and images, of any form that GitHub shows: `[a](b)`, `[a]: b`, `<a href="b">`. Code is no link. */
function linksOf(markdown: string): string[] {
  const text = proseOf(markdown).replace(/(`+)[^`]+?\1/g, (code) => (/\]\(/.test(code) ? "" : "code"));
  return [
    ...[...text.matchAll(/\]\(\s*<?([^)\s>]*)>?(?:\s+["'][^"'\n]*["'])?\s*\)/g)].map(([, target]) => target!),
    ...[...text.matchAll(/^ {0,3}\[[^\]\n]+\]:\s*<?([^\s>]+)/gm)].map(([, target]) => target!),
    ...[...text.matchAll(/<(?:a|img)\b[^>]*?\b(?:href|src)="([^"]*)"/g)].map(([, target]) => target!),
  ];
}

/** The anchors of a document, by GitHub's rule: the words in lower case joined by hyphens, and a number where one is taken. */
function anchorsOf(markdown: string): Set<string> {
  const text = proseOf(markdown);
  const anchors = new Set([...text.matchAll(/<a\b[^>]*?\b(?:id|name)="([^"]+)"/g)].map(([, name]) => name!));
  for (const [, heading] of text.matchAll(/^#{1,6} +(.+?)(?: +#+)?[ \t]*$/gm)) {
    const slug = heading!
      .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, "")
      .replaceAll(" ", "-");
    let anchor = slug;
    for (let i = 1; anchors.has(anchor); i++) anchor = `${slug}-${i}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** Why a link of the document leads nowhere; undefined where it does, or leads out of the project. */
function objection(
  document: string,
  link: string,
  read = (path: string) => readFileSync(path, "utf8"),
): string | undefined {
  if (/^[a-z][a-z+.-]*:/i.test(link)) return undefined;
  if (link === "") return "an empty link";
  const hash = link.indexOf("#");
  const [path, anchor] = hash < 0 ? [link, undefined] : [link.slice(0, hash), link.slice(hash + 1)];
  if (path.startsWith("/")) return "a link from the root of the server";
  const target = path === "" ? document : normalize(join(dirname(document), decodeURIComponent(path)));
  if (target.startsWith("..")) return "it leads out of the repository";
  if (!existsSync(target)) return `there is no ${target}`;
  if (anchor === undefined) return undefined;
  if (statSync(target).isDirectory() || !target.endsWith(".md")) return `${target} has no headings`;
  return anchorsOf(read(target)).has(decodeURIComponent(anchor)) ? undefined : `${target} has no heading #${anchor}`;
}

for (const document of documents)
  test(`every link of ${document} leads somewhere`, () => {
    const broken = linksOf(readFileSync(document, "utf8")).flatMap((link) => {
      const why = objection(document, link);
      return why ? [`${link}: ${why}`] : [];
    });
    assert.deepEqual(broken, []);
  });

test("every document is reached from the README", () => {
  const reached = new Set<string>();
  const open = ["README.md"];
  for (let document = open.pop(); document !== undefined; document = open.pop()) {
    if (reached.has(document) || !document.endsWith(".md") || !existsSync(document)) continue;
    reached.add(document);
    for (const link of linksOf(readFileSync(document, "utf8")))
      if (!/^[a-z][a-z+.-]*:/i.test(link)) open.push(normalize(join(dirname(document), link.replace(/#.*$/, ""))));
  }
  assert.deepEqual(
    documents.filter((document) => document !== "CHANGELOG.md" && !reached.has(document)),
    [],
  );
});

test("the check finds links, and finds what is wrong with them", () => {
  const markdown = [
    "# One `thing`, & [another](README.md)",
    "## Two words",
    "## Two words",
    "## open({ ... })",
    "```ts",
    "# no heading",
    "[no](link.md)",
    "```",
    "[a](README.md#limits), ![b](b.png 'x'), `[no](code.md)`, [`x`](#two-words-1) and [d][ref]",
    "",
    "[ref]: docs/none.md",
    '<a href="docs/">e</a><a id="own"></a>',
  ].join("\n");
  assert.deepEqual(linksOf(markdown).sort(), [
    "#two-words-1",
    "README.md",
    "README.md#limits",
    "b.png",
    "docs/",
    "docs/none.md",
  ]);
  assert.deepEqual([...anchorsOf(markdown)].sort(), [
    "one-thing--another",
    "open--",
    "own",
    "two-words",
    "two-words-1",
  ]);
  const why = (link: string) => objection("docs/x.md", link, () => markdown);
  assert.equal(why("https://example.org/none#x"), undefined);
  assert.equal(why("../README.md#two-words-1"), undefined);
  assert.match(why("../README.md#two-words-2")!, /no heading #two-words-2/);
  assert.match(why("../README.md#no-heading")!, /no heading/);
  assert.match(why("none.md")!, /there is no docs\/none\.md/);
  assert.match(why("../../README.md")!, /out of the repository/);
  assert.match(why("../LICENSE#mit")!, /no headings/);
});

test("an anchor keeps letters, numbers, hyphens and underscores, and nothing else", () => {
  // Worked out by hand from GitHub's rule.
  const known = {
    "What's new?": "whats-new",
    "Node.js 20 & Deno": "nodejs-20--deno",
    "snake_case and kebab-case": "snake_case-and-kebab-case",
    "`code` in **bold**": "code-in-bold",
    "Größe, in Bytes": "größe-in-bytes",
    "1.0.0 / 2026-01-01": "100--2026-01-01",
  };
  for (const [heading, id] of Object.entries(known)) assert.deepEqual([...anchorsOf(`## ${heading}`)], [id]);
});

test("docs/README.md leads to every document of docs/", () => {
  const linked = linksOf(readFileSync("docs/README.md", "utf8")).map((target) => join("docs", target));
  assert.deepEqual(
    documents.filter(
      (document) => document.startsWith("docs/") && document !== "docs/README.md" && !linked.includes(document),
    ),
    [],
  );
});
