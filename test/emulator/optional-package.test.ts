import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  installLine,
  loadOptionalPackage,
  optionalPackages,
  requireOptionalPackages,
} from "../../src/emulator/optional-package.ts";
import { documents } from "../manual/documents.ts";

const notFound = (name: string) =>
  Object.assign(new Error(`Cannot find module '${name}'`), { code: "MODULE_NOT_FOUND" });

/** A resolver of an installation that lacks these packages. */
const lacking = (names: readonly string[]) => (name: string) => {
  if (names.includes(name)) throw notFound(name);
  return `/node_modules/${name}`;
};

test("all packages that are missing are named in one error, with one line that installs them", () => {
  for (const missing of [...optionalPackages.map((name) => [name]), optionalPackages.slice(1), [...optionalPackages]])
    assert.throws(
      () => requireOptionalPackages(lacking(missing)),
      (error: Error & { code?: string; context?: object }) => {
        assert.equal(error.code, "MISSING_PACKAGE");
        assert.ok(error.message.includes(`(${missing.join(", ")})`), error.message);
        assert.ok(error.message.endsWith(`: ${installLine}`), error.message);
        assert.deepEqual(error.context, { package: missing.join(", ") });
        return true;
      },
    );
  requireOptionalPackages(lacking([]));
  requireOptionalPackages();
});

test("an installed package that lacks a part of its own is called incomplete, with the part; other errors pass", async () => {
  await assert.rejects(
    loadOptionalPackage("@duckdb/node-api", () => {
      throw notFound("@duckdb/node-bindings-linux-x64/duckdb.node");
    }),
    /package @duckdb\/node-api is incomplete: Cannot find module '@duckdb\/node-bindings-linux-x64/,
  );
  const other = new Error("GLIBC_2.34 not found");
  const load = loadOptionalPackage("@duckdb/node-api", () => Promise.reject(other));
  await assert.rejects(load, (error) => error === other);
  assert.throws(
    () =>
      requireOptionalPackages(() => {
        throw other;
      }),
    (error) => error === other,
  );
});

test("package.json and every document name the same packages as the error", () => {
  const { peerDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
  assert.deepEqual(Object.keys(peerDependencies).sort(), [...optionalPackages].sort());
  const list = optionalPackages.join(" ");
  const lines = documents.flatMap((document) =>
    [...readFileSync(document, "utf8").matchAll(/npm (?:install|i) [^`\n]*/g)]
      .map(([line]) => line)
      .filter((line) => optionalPackages.some((name) => line.includes(name)))
      .map((line) => ({ document, line })),
  );
  assert.ok(lines.length >= 3, `${lines.length} lines found`);
  for (const { document, line } of lines)
    assert.ok([installLine, `npm install millrace ${list}`].includes(line), `${document}: ${line}`);
});
