import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

// docs/api.md is written by `npm run docs:api`, with a compiler that is not installed for the tests. Here its structure is
// held to the code: an entry with a sentence for each exported name, and no other.

const surfaces = {
  millrace: "src/index.ts",
  "millrace/connector": "src/connector.ts",
  "millrace/emulator": "src/emulator/index.ts",
  "millrace/kusto": "src/kusto.ts",
  "millrace/telemetry": "src/telemetry/index.ts",
  "millrace/testing": "src/testing/index.ts",
};

function exportedNames(file: string): string[] {
  const text = readFileSync(file, "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
  const lists = [...text.matchAll(/^export (?:type )?\{([^}]*)\} from "[^"]+";$/gm)];
  // Whatever is not of this form would be overlooked.
  assert.equal(lists.length, text.match(/\bexport\b/g)?.length, `${file} exports lists of names only`);
  return lists.flatMap(([, names]) =>
    names!
      .split(",")
      .map((name) => name.trim().replace(/^type /, ""))
      .filter((name) => name !== ""),
  );
}

interface Entry {
  readonly name: string;
  readonly text: string;
}

/** The entries of a section `## millrace`, by their headings. */
function entriesOf(page: string, section: string): Entry[] {
  const body = page.split(/^## /m).find((part) => part.startsWith(`${section}\n`));
  assert.ok(body, `docs/api.md has a section ${section}`);
  return body
    .split(/^### /m)
    .slice(1)
    .map((entry) => ({ name: entry.slice(0, entry.indexOf("\n")), text: entry.slice(entry.indexOf("\n")) }));
}

const page = readFileSync("docs/api.md", "utf8");

for (const [section, file] of Object.entries(surfaces)) {
  test(`the API reference has an entry for each name of ${section}, and no other`, () => {
    const names = exportedNames(file);
    assert.ok(names.length > (section === "millrace/testing" ? 3 : 10), `${names.length} names found`);
    assert.deepEqual(
      entriesOf(page, section)
        .map((entry) => entry.name)
        .sort(),
      [...names].sort(),
      "npm run docs:api",
    );
  });

  test(`each entry of ${section} begins with a sentence`, () => {
    const silent = entriesOf(page, section).filter(({ text }) => {
      const prose = text.replace(/```[\s\S]*?```/, "").trimStart();
      return !/^[A-Z`"'(A][^\n]{10}/.test(prose) || /^(Throws|Returns) /.test(prose);
    });
    assert.deepEqual(
      silent.map((entry) => entry.name),
      [],
    );
  });
}
