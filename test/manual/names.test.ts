import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { commands } from "../../src/cli/program.ts";
import { eventNames } from "../../src/events.ts";
import { defaults } from "../../src/options.ts";
import { undeliveredCode } from "../../src/sink/process-end.ts";
import { KustoConnectionOptions, KustoWriteOptions } from "../../src/write-sink.ts";
import { codeOf, documents, proseOf, sectionOf, tablesOf } from "./documents.ts";

// Error codes, options and events: what the code has is in the manual, and what the manual names is in the code.

const read = (path: string) => readFileSync(path, "utf8");
const sources = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => ({ name, text: read(join("src", name)) }));

/** The body of an exported interface or union, without comments. */
function declarationOf(name: string): string {
  const start = new RegExp(`^export (?:interface|type) ${name}\\b[^\\n]*\\n`, "m");
  const found = sources.filter(({ text }) => start.test(text));
  assert.equal(found.length, 1, `${name} is declared once: ${found.map((source) => source.name)}`);
  const { text } = found[0]!;
  const match = start.exec(text)!;
  const body = text.slice(match.index + match[0].length);
  const end = match[0].includes("interface") ? /^\}/m : /;$/m;
  return withoutComments(body.slice(0, end.exec(body)!.index + 1));
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
}

/** The names of an interface's own members. */
function membersOf(name: string): string[] {
  const names = [...declarationOf(name).matchAll(/^ {2}(?:readonly )?(?:"([^"]+)"|(\w+))\??:/gm)];
  assert.ok(names.length > 0, `${name} has members`);
  return names.map(([, quoted, bare]) => quoted ?? bare!);
}

function assertSame(found: Iterable<string>, expected: Iterable<string>, where: string): void {
  assert.deepEqual([...new Set(found)].sort(), [...new Set(expected)].sort(), where);
}

/** The names in the first column of a section's tables. */
function firstColumnOf(document: string, heading: string): string[] {
  const names = tablesOf(sectionOf(document, heading)).flatMap(({ rows }) => rows.flatMap(([cell]) => codeOf(cell!)));
  assert.ok(names.length > 0, `${document}: ${heading} has a table of names`);
  return names;
}

/** An entry of the API reference. */
const entryOf = (name: string) => sectionOf("docs/api.md", `### ${name}`);
const listedIn = (entry: string) =>
  [...entry.matchAll(/^- `(?:readonly )?(?:"([^"]+)"|(\w+)\??:)/gm)].map(([, quoted, bare]) => quoted ?? bare!);

const codes = [...declarationOf("MillraceCode").matchAll(/"([A-Z_]+)"/g)].map(([, code]) => code!);

test("error codes: the README's table and the reference have the code's, and no other", () => {
  assert.ok(codes.length > 15, `${codes.length} codes found`);
  assertSame(firstColumnOf("README.md", "## Errors"), codes, "README.md, Errors");
  assertSame(listedIn(entryOf("MillraceCode")), codes, "docs/api.md, MillraceCode: npm run docs:api");
});

test("error codes: each is thrown somewhere", () => {
  const code = sources.filter(({ name }) => name !== "errors.ts").map(({ text }) => withoutComments(text));
  assert.deepEqual(
    codes.filter((name) => !code.some((text) => text.includes(`"${name}"`))),
    [],
  );
});

test("error codes: what looks like one in a document is one", () => {
  /** Names of others in the same spelling. */
  const others = new Set([
    ...["AT_LEAST_ONCE", "AZURE_CLIENT_ID", "MILLRACE_APP_KEY", "MILLRACE_TOKEN"],
    ...["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "NODE_EXTRA_CA_CERTS"],
    ...["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID", "DEPTH_ZERO_SELF_SIGNED_CERT", "ERR_TLS_CERT_ALTNAME_INVALID"],
    ...["SELF_SIGNED_CERT_IN_CHAIN", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
    undeliveredCode, // of a process warning
    "IN_DOUBT", // a state of an epoch
  ]);
  for (const document of documents) {
    const found = codeOf(proseOf(read(document))).filter((name) => /^[A-Z]+(_[A-Z]+)+$/.test(name));
    for (const name of found)
      assert.ok(codes.includes(name) || others.has(name), `${document} names ${name}, which is no error code`);
  }
});

const optionNames = [...Object.keys(defaults), "preset"];
const kustoOptionNames = [...membersOf("KustoOptions"), ...membersOf("KustoIngestionOptions")];

test("options of open(): the README's table, the defaults and the types have the same ones", () => {
  assertSame(firstColumnOf("README.md", "## Options of `open()`"), optionNames, "README.md, Options of open()");
  assertSame([...membersOf("SinkOptions"), ...membersOf("WriteOptions")], optionNames, "src/options.ts");
});

test("options of kusto(): each is in the README, and its table has no other", () => {
  const known = kustoOptionNames;
  const section = sectionOf("README.md", "## Options of `kusto()`");
  const named = new Set([...codeOf(section).flatMap((code) => code.match(/\b[a-z]\w*\b/g) ?? [])]);
  assert.deepEqual(
    known.filter((name) => !named.has(name)),
    [],
  );
  const inTable = firstColumnOf("README.md", "## Options of `kusto()`").map((code) => code.replace(/:.*$/, ""));
  assert.deepEqual(
    inTable.filter((name) => !known.includes(name)),
    [],
  );
});

test("options of startEmulator(): the table of its manual has the type's", () => {
  assertSame(
    firstColumnOf("docs/emulator.md", "## Options"),
    membersOf("EmulatorOptions"),
    "docs/emulator.md, Options",
  );
});

test("the reference has the members of every interface of options", () => {
  const names = [...read("docs/api.md").matchAll(/^### (\w*Options)$/gm)].map(([, name]) => name!);
  const interfaces = names.filter((name) => /^interface /m.test(entryOf(name)));
  assert.ok(interfaces.length >= 10, `${interfaces.length} interfaces of options found`);
  for (const name of interfaces)
    assertSame(listedIn(entryOf(name)), membersOf(name), `docs/api.md, ${name}: npm run docs:api`);
});

test("events: the README, the reference and the types have the same channels, and each is published", () => {
  const channels = (markdown: string) => codeOf(markdown).filter((code) => /^millrace:[a-z:-]+$/.test(code));
  assertSame(channels(sectionOf("README.md", "## Events")), eventNames, "README.md, Events");
  assertSame(membersOf("EventMap"), eventNames, "src/events.ts");
  assertSame(listedIn(entryOf("EventMap")), eventNames, "docs/api.md, EventMap: npm run docs:api");
  const code = sources.filter(({ name }) => name !== "events.ts").map(({ text }) => withoutComments(text));
  assert.deepEqual(
    eventNames.filter((name) => !code.some((text) => text.includes(`"${name}"`))),
    [],
  );
  for (const document of documents)
    for (const name of channels(proseOf(read(document))))
      assert.ok((eventNames as readonly string[]).includes(name), `${document} names the event ${name}`);
});

/** Columns of tables, wherever they stand, that hold names of the code; by their heading. */
const columns: Readonly<Record<string, { readonly names: readonly string[]; readonly takes: RegExp }>> = {
  "`open()` or `kusto()`": { names: [...optionNames, ...kustoOptionNames], takes: /^(\w+)$/ },
  "`kusto({ ... })`": { names: kustoOptionNames, takes: /^(\w+)$/ },
  "TypeScript: the builder": {
    names: [KustoConnectionOptions.builder(), KustoWriteOptions.builder()].flatMap(methodsOf),
    takes: /^(\w+)\(/,
  },
};

function methodsOf(builder: object): string[] {
  return Object.getOwnPropertyNames(Object.getPrototypeOf(builder)).filter((name) => /^(set|with)/.test(name));
}

const tables = documents.flatMap((document) => tablesOf(read(document)).map((table) => ({ document, ...table })));

for (const [heading, { names, takes }] of Object.entries(columns))
  test(`columns headed ${heading} name what the code has`, () => {
    let seen = 0;
    for (const { document, header, rows } of tables) {
      const at = header.indexOf(heading);
      for (const row of at < 0 ? [] : rows)
        for (const code of codeOf(row[at]!)) {
          const name = takes.exec(code)?.[1];
          if (name === undefined) continue;
          seen++;
          assert.ok(names.includes(name), `${document}: ${heading} has no ${name}`);
        }
    }
    assert.ok(seen > 10, `${seen} names found`);
  });

test("the Flink manual has every method of the builders and every option of the connector", () => {
  const named = codeOf(proseOf(read("docs/migrating-from-flink.md")));
  const methods = columns["TypeScript: the builder"]!.names;
  assert.ok(methods.length > 15, `${methods.length} methods found`);
  assert.deepEqual(
    methods.filter((name) => !named.some((code) => code.startsWith(`${name}(`))),
    [],
  );
  assert.deepEqual(
    [...membersOf("WriteOptions"), ...membersOf("KustoIngestionOptions")].filter((name) => !named.includes(name)),
    [],
  );
});

test("the manual of the SDK has every option of kusto()", () => {
  const named = codeOf(proseOf(read("docs/migrating-from-azure-kusto-ingest.md")));
  assert.deepEqual(
    kustoOptionNames.filter((name) => !named.includes(name)),
    [],
  );
});

test("commands: the README's list and the command line have the same ones", () => {
  const listed = [...sectionOf("README.md", "## Command line").matchAll(/^millrace ([a-z-]+)/gm)].map(
    ([, name]) => name!,
  );
  const made = commands.map((make) => make(() => {}).name());
  assert.deepEqual([...new Set(listed)].sort(), made.sort());
});

test("options of commands: each that a document gives to a command is one of its", () => {
  let seen = 0;
  const all = commands.map((make) => make(() => {}));
  for (const document of documents)
    for (const [, name, rest] of read(document).matchAll(/\bmillrace ([a-z-]+)((?: [^`|\n]*)?)/g)) {
      const command = all.find((one) => one.name() === name);
      if (!command) continue;
      const known = [command, ...command.commands].flatMap((one) => one.options.map(({ long }) => long));
      for (const [option] of rest!.matchAll(/(?<= )--[a-z-]+/g)) {
        seen++;
        assert.ok([...known, "--help", "--verbose"].includes(option), `${document}: millrace ${name} has no ${option}`);
      }
    }
  assert.ok(seen > 20, `${seen} options found`);
});

test("where a table has an option and a default beside it, the default is the code's", () => {
  let seen = 0;
  for (const { document, header, rows } of tables) {
    const at = header.indexOf("default");
    if (at < 1) continue;
    for (const row of rows) {
      const names = codeOf(row[at - 1]!);
      const name = names[0];
      if (names.length !== 1 || !(name! in defaults) || row[at] === "" || document.endsWith("emulator.md")) continue;
      seen++;
      assert.equal(row[at], shown(defaults[name as keyof typeof defaults]), `${document}: ${name}`);
    }
  }
  assert.ok(seen > 30, `${seen} defaults found`);
});

/** A default as a table shows it. */
function shown(value: unknown): string {
  if (typeof value === "number") return String(value).replace(/\B(?=(\d{3})+$)/g, " ");
  if (typeof value === "string") return `\`"${value}"\``;
  return value === undefined || (Array.isArray(value) && value.length === 0) ? "none" : String(value);
}
