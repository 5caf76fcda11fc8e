// Writes docs/api.md from the doc comments of the public surface:
//   npm run docs:api [-- --check]     --check writes nothing and fails where the file is not what it would write
// It reads the declarations in dist/, as a user's editor does. TypeScript 7 has no API to read them with, so TypeScript 5
// comes from npm, into build/api-docs/; nothing else needs it.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const output = "docs/api.md";
const entryPoints = [
  { name: "millrace", file: "dist/index.d.ts" },
  { name: "millrace/kusto", file: "dist/kusto.d.ts" },
  { name: "millrace/emulator", file: "dist/emulator/index.d.ts" },
  { name: "millrace/connector", file: "dist/connector.d.ts" },
  { name: "millrace/telemetry", file: "dist/telemetry/index.d.ts" },
  { name: "millrace/testing", file: "dist/testing/index.d.ts" },
];

const ts = compiler("5.9.3");
const program = ts.createProgram(
  entryPoints.map(({ file }) => file),
  { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2023, types: ["node"], skipLibCheck: true },
);
const checker = program.getTypeChecker();

const kindOrder = ["Functions", "Classes", "Values", "Types"];
const modules = entryPoints.map(({ name, file }) => ({ name, entries: entriesOf(program.getSourceFile(file)) }));

/** GitHub's anchors: lower case, and a number behind each that was there before. */
const anchors = new Map();
const taken = new Map();
for (const heading of headingsInOrder()) {
  const slug = heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
  const before = taken.get(slug) ?? 0;
  taken.set(slug, before + 1);
  if (!anchors.has(heading)) anchors.set(heading, before === 0 ? slug : `${slug}-${before}`);
}

const text = page();
if (!process.argv.includes("--check")) writeFileSync(output, text);
else if (!existsSync(output) || readFileSync(output, "utf8") !== text) {
  console.error(`${output} is not what the doc comments say: npm run docs:api`);
  process.exit(1);
}
const unnamed = namesNotExported();
if (unnamed.length > 0) console.error(`Used by the public surface and not exported: ${unnamed.join(", ")}`);

function compiler(version) {
  const folder = resolve("build/api-docs");
  const manifest = join(folder, "node_modules/typescript/package.json");
  if (!existsSync(manifest) || JSON.parse(readFileSync(manifest, "utf8")).version !== version) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
    const args = ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error", `typescript@${version}`];
    const { status, error } = spawnSync("npm", args, { cwd: folder, stdio: ["ignore", 2, 2] });
    if (error || status !== 0) throw error ?? new Error(`npm ${args.join(" ")} ended with ${status}`);
  }
  return createRequire(join(folder, "package.json"))("typescript");
}

function entriesOf(source) {
  const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(source));
  return exported
    .map((symbol) => {
      const isType = symbol.declarations.some(
        (d) => ts.isExportSpecifier(d) && (d.isTypeOnly || d.parent.parent.isTypeOnly),
      );
      const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
      return { name: symbol.name, isType, target, kind: kindOf(target, isType) };
    })
    .sort((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1));
}

function kindOf({ flags }, isType) {
  if (flags & ts.SymbolFlags.Function) return "Functions";
  if (flags & ts.SymbolFlags.Class) return isType ? "Types" : "Classes";
  return flags & ts.SymbolFlags.Variable ? "Values" : "Types";
}

function byKind(entries) {
  return kindOrder
    .map((kind) => ({ kind, of: entries.filter((entry) => entry.kind === kind) }))
    .filter(({ of }) => of.length > 0);
}

function headingsInOrder() {
  return [
    "API",
    ...modules.flatMap(({ name, entries }) => [name, ...byKind(entries).flatMap(({ of }) => of.map((e) => e.name))]),
  ];
}

function page() {
  const lines = [
    "# API",
    "",
    "Every name that the package exports, from its doc comments: this file is written by `npm run docs:api`. How the parts work",
    "together is in the [README](../README.md) and in the other [documents](README.md).",
    "",
  ];
  for (const { name, entries } of modules) {
    lines.push(`## ${name}`, "");
    for (const { kind, of } of byKind(entries))
      lines.push(`${kind}: ${of.map((entry) => link(entry.name)).join(", ")}.`, "");
    for (const { of } of byKind(entries))
      for (const entry of of) lines.push(`### ${entry.name}`, "", ...described(entry), "");
  }
  return `${lines
    .join("\n")
    .replace(/\n{3,}/g, "\n\n")
    .trimEnd()}\n`;
}

function link(name, shown = `\`${name}\``) {
  return anchors.has(name) ? `[${shown}](#${anchors.get(name)})` : shown;
}

function described({ target, isType }) {
  const [first] = target.declarations;
  if (ts.isFunctionDeclaration(first)) return [...fenced(target.declarations.map(signature)), ...comment(first)];
  if (ts.isClassDeclaration(first) || ts.isInterfaceDeclaration(first)) {
    const members = first.members.filter(
      (member) => isPublic(member) && !(isType && ts.isConstructorDeclaration(member)),
    );
    return [...fenced([header(first)]), ...comment(first), ...members.flatMap(memberLines)];
  }
  const holder = ts.isVariableDeclaration(first) ? first.parent.parent : first;
  const inner = ts.isTypeAliasDeclaration(first) && ts.isUnionTypeNode(first.type) ? unionLines(first.type) : [];
  return [...fenced([signature(holder)]), ...comment(holder), ...inner];
}

/** The parts of a union that have a comment of their own, such as error codes. It stands before the bar, which is of no part. */
function unionLines({ types, pos }) {
  const source = types[0].getSourceFile().text;
  return types.flatMap((type, i) => {
    const before = source.slice(i === 0 ? pos : types[i - 1].end, type.getStart());
    const said = before.match(/\/\*\*[\s\S]*?\*\//g);
    return said ? [`- \`${type.getText()}\`: ${tidy(said.at(-1)).join(" ")}`] : [];
  });
}

function isPublic(member) {
  const flags = ts.getCombinedModifierFlags(member);
  return (
    !(flags & ts.ModifierFlags.Private) &&
    !(member.name && ts.isPrivateIdentifier(member.name)) &&
    !commentOf(member).includes("@internal")
  );
}

function header(node) {
  const text = node.getText();
  const word = ts.isClassDeclaration(node) ? "class" : "interface";
  const end = node.members.length > 0 ? node.members.pos - node.getStart() : text.indexOf("{") + 1;
  return text
    .slice(0, end)
    .replace(/^(export |declare )*(class|interface)/, word)
    .replace(/\s*\{\s*$/, "");
}

/** The declaration without comments, `export` and `declare`. */
function signature(node) {
  return withoutComments(node.getText()).replace(/^(export |declare )+/, "");
}

function withoutComments(text) {
  return text.replace(/^[ \t]*\/\*\*[\s\S]*?\*\/[ \t]*\n/gm, "").replace(/\/\*\*[\s\S]*?\*\/\s*/g, "");
}

function memberLines(member) {
  const shown = withoutComments(member.getText())
    .replace(/;$/, "")
    .replace(/\s*\n\s*/g, " ");
  const said = comment(member);
  if (said.at(-1) === "") said.pop();
  const [first, ...rest] = said;
  return [`- \`${shown}\`${first ? `: ${first}` : ""}`, ...rest.map((line) => (line === "" ? "" : `  ${line}`))];
}

function fenced(declarations) {
  return ["```typescript", ...declarations.map((text) => text.replace(/^ {4}/gm, "  ")), "```", ""];
}

function commentOf(node) {
  return node.jsDoc?.at(-1)?.getText() ?? "";
}

/** A doc comment as Markdown: the text, then what it returns, takes and throws. */
function comment(node) {
  const [text, ...tags] = tidy(commentOf(node))
    .join("\n")
    .split(/\n?^@(?=(?:param|throws|returns)\b)/m);
  const lines = text.trim() === "" ? [] : [...text.trim().split("\n"), ""];
  for (const tag of tags) {
    const [, word, rest] = /^(\w+)\s*([\s\S]*)$/.exec(tag.trim());
    if (word === "param") lines.push(`\`${/^\S+/.exec(rest)[0]}\`: ${rest.replace(/^\S+\s*/, "")}`, "");
    else if (word === "throws") lines.push(`Throws ${rest}`, "");
    else lines.push(`Returns ${rest}`, "");
  }
  return lines;
}

function tidy(comment) {
  return comment
    .replace(/^\/\*\*[ ]?|\s*\*\/$/g, "")
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, "").trimEnd())
    .map((line) =>
      line.replace(/\{@link ([\w.]+)\}/g, (_, name) =>
        link(anchors.has(name) ? name : name.split(".")[0], `\`${name}\``),
      ),
    )
    .filter((line, i, all) => line !== "" || (i > 0 && i < all.length - 1));
}

/** Types of this package that a user meets in a signature and cannot name. */
function namesNotExported() {
  const known = new Set(modules.flatMap(({ entries }) => entries.map(({ target }) => target)));
  const missing = new Set();
  const dist = resolve("dist");
  for (const { entries } of modules)
    for (const { target, isType } of entries)
      for (const declaration of target.declarations)
        ts.forEachChild(declaration, function visit(node) {
          if (ts.isClassElement(node) && (!isPublic(node) || (isType && ts.isConstructorDeclaration(node)))) return;
          if (ts.isTypeReferenceNode(node)) {
            const symbol = checker.getSymbolAtLocation(node.typeName);
            const meant = symbol && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
            const at = meant?.declarations?.[0];
            const isOurs = at && resolve(at.getSourceFile().fileName).startsWith(dist);
            if (isOurs && !ts.isTypeParameterDeclaration(at) && !known.has(meant)) missing.add(meant.name);
          }
          ts.forEachChild(node, visit);
        });
  return [...missing].sort();
}
