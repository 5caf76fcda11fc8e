import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import * as events from "../src/events.ts";
import { defaults } from "../src/options.ts";
import { blocksOf, documents } from "./manual/documents.ts";

// The manual is compiled, its links lead somewhere, and its tables name what the code has.

/** Languages that are compiled, with the file's extension; JavaScript by what its types can be told from. */
const compiledLanguages: Readonly<Record<string, string>> = { ts: "ts", js: "js", mjs: "mjs" };
/** Languages that are not: each is here on purpose, so that a slip of the fence takes no block out of the compiler's sight. */
const otherLanguages = ["", "sh", "text", "json", "java", "python", "kql"];

test("every TypeScript and JavaScript block of the manual compiles", () => {
  const folder = "build/readme";
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  // The blocks of docs/bundling.md are files of whole projects, which are built and run: scripts/test-bundlers.mjs.
  const blocks = documents
    .filter((document) => document !== join("docs", "bundling.md"))
    .flatMap(blocksOf)
    .filter(({ language }) => language in compiledLanguages);
  assert.ok(blocks.length >= 5, `${blocks.length} blocks found`);
  for (const [i, { document, language, code }] of blocks.entries()) {
    const name = `${document.replace(/\W/g, "-")}-${i}.${compiledLanguages[language]}`;
    writeFileSync(join(folder, name), `${code}\nexport {};\n`);
  }
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      extends: "../../tsconfig.json",
      compilerOptions: {
        noUnusedLocals: false,
        allowJs: true,
        checkJs: true,
        lib: ["es2023", "es2024.string", "esnext.disposable"],
        paths: {
          millrace: ["../../src/index.ts"],
          "millrace/connector": ["../../src/connector.ts"],
          "millrace/emulator": ["../../src/emulator/index.ts"],
          "millrace/kusto": ["../../src/kusto.ts"],
          "millrace/telemetry": ["../../src/telemetry/index.ts"],
          "millrace/testing": ["../../src/testing/index.ts"],
        },
      },
      include: Object.values(compiledLanguages).map((extension) => `*.${extension}`),
    }),
  );
  const compiled = spawnSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", folder], { encoding: "utf8" });
  assert.equal(compiled.status, 0, compiled.stdout + compiled.stderr);
});

test("every other block of the manual is of a language that is named here, and JSON can be read", () => {
  for (const { document, language, code } of documents.flatMap(blocksOf)) {
    if (language in compiledLanguages) continue;
    // Signatures of the reference: written from the declarations, and no programs.
    if (document === join("docs", "api.md") && language === "typescript") continue;
    assert.ok(otherLanguages.includes(language), `${document} has a block of ${language}`);
    if (language === "json") assert.doesNotThrow(() => JSON.parse(code), `${document}: ${code}`);
  }
});

test("every link inside the project leads to a file", () => {
  for (const document of documents)
    for (const [, target] of readFileSync(document, "utf8").matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g))
      assert.ok(existsSync(join(dirname(document), target!)), `${document} links to ${target}`);
});

const readme = readFileSync("README.md", "utf8");

test("the manual names every option, error code and event", () => {
  const codes = [...readFileSync("src/errors.ts", "utf8").matchAll(/^ {2}\| "([A-Z_]+)"/gm)].map((match) => match[1]!);
  assert.ok(codes.length > 15, `${codes.length} codes found`);
  for (const name of [...Object.keys(defaults), "preset", ...codes, ...events.eventNames])
    assert.ok(readme.includes(`\`${name}\``), `${name} is not in README.md`);
});

test("the manual's table of defaults is the code's", () => {
  const group = new Intl.NumberFormat("fr-FR");
  for (const [name, value] of Object.entries(defaults)) {
    if (typeof value !== "number") continue;
    const row = readme.split("\n").find((line) => line.startsWith("| `") && line.includes(`\`${name}\``));
    const shown = group.format(value).replace(/\s/g, " ");
    assert.ok(row?.includes(shown), `${name} is ${shown} in the code; the manual says: ${row}`);
  }
});
