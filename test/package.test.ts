import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";
import { build } from "esbuild";

// What is published, as far as it can be told without a network. `npm run test:package` installs it.

const manifest = JSON.parse(readFileSync("package.json", "utf8"));
const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));

/** Of dist/, by ending; the page of the emulator is for browsers and nothing of it is imported. */
function distFiles(ending: string): string[] {
  assert.ok(existsSync("dist/index.js"), "There is no dist/: npm run build first.");
  return readdirSync("dist", { recursive: true })
    .map((name) => `dist/${String(name).replaceAll("\\", "/")}`)
    .filter((name) => name.endsWith(ending) && !name.includes("/http/page/"));
}

test("package.json says what users rely on", () => {
  assert.equal(manifest.type, "module");
  assert.deepEqual(manifest.engines, { node: ">=20.19" });
  assert.deepEqual(manifest.bin, { millrace: "dist/cli/main.js" });
  assert.deepEqual(manifest.files, ["dist", "README.md", "CHANGELOG.md", "LICENSE"]);
  assert.deepEqual(manifest.publishConfig, { access: "public", provenance: true });
  assert.deepEqual(manifest.exports, {
    ".": { types: "./dist/index.d.ts", default: "./dist/index.js" },
    "./connector": { types: "./dist/connector.d.ts", default: "./dist/connector.js" },
    "./emulator": { types: "./dist/emulator/index.d.ts", default: "./dist/emulator/index.js" },
    "./kusto": { types: "./dist/kusto.d.ts", default: "./dist/kusto.js" },
    "./telemetry": { types: "./dist/telemetry/index.d.ts", default: "./dist/telemetry/index.js" },
    "./testing": { types: "./dist/testing/index.d.ts", default: "./dist/testing/index.js" },
    "./package.json": "./package.json",
  });
});

test("a runtime dependency is a decision, and is written down here", () => {
  assert.deepEqual(Object.keys(manifest.dependencies), [
    "@azure/core-rest-pipeline",
    "@azure/identity",
    "@azure/storage-blob",
    "@azure/storage-queue",
    "azure-kusto-data",
    "azure-kusto-ingest",
    "commander",
    "fflate",
  ]);
  const peers = ["@duckdb/node-api", "@kusto/language-service-next", "azurite"];
  assert.deepEqual(Object.keys(manifest.peerDependencies), peers);
  for (const name of peers) {
    assert.deepEqual(manifest.peerDependenciesMeta[name], { optional: true }, name);
    assert.equal(manifest.peerDependencies[name], `^${manifest.devDependencies[name]}`, name);
  }
  for (const name of ["bundleDependencies", "bundledDependencies", "optionalDependencies", "overrides"])
    assert.ok(!(name in manifest), name);
});

test("what the emulator's page bundles is published with its licence", () => {
  const text = readFileSync("dist/emulator/http/page/chart-library.js", "utf8");
  const declared = readFileSync("src/emulator/http/page/chart-library.d.ts", "utf8");
  const names = [...new Set([...declared.matchAll(/from "([^/"]+)/g)].map(([, name]) => name!))];
  assert.deepEqual(names, ["chart.js", "d3-time"]);
  for (const name of [...names, "@kurkle/color", "d3-array"]) {
    const licence = readdirSync(`node_modules/${name}`).find((file) => file.startsWith("LICENSE"))!;
    assert.ok(text.includes(readFileSync(`node_modules/${name}/${licence}`, "utf8").trim()), name);
    assert.ok(text.includes(`\n${name} ${lock.packages[`node_modules/${name}`].version}, `), name);
  }
  // What is bundled needs nothing at run time, and nothing that the page's content security policy forbids.
  assert.doesNotMatch(text, /\bimport\b\s*[{*"(]|\beval\(|new Function|innerHTML|document\.write/);
  for (const name of names) assert.ok(name in manifest.devDependencies, name);
});

test("nothing runs when it is installed", () => {
  for (const name of ["preinstall", "install", "postinstall", "prepare"]) assert.ok(!(name in manifest.scripts), name);
  const withScripts = Object.entries<{ dev?: boolean; hasInstallScript?: boolean }>(lock.packages)
    .filter(([, { dev, hasInstallScript }]) => hasInstallScript && !dev)
    .map(([path]) => path);
  assert.deepEqual(withScripts, []);
});

test("development dependencies have exact versions, those of the lock file", () => {
  for (const [name, version] of Object.entries<string>(manifest.devDependencies)) {
    assert.match(version, /^\d+\.\d+\.\d+(-[\w.]+)?$/, name);
    assert.equal(lock.packages[`node_modules/${name}`]?.version, version, name);
  }
});

test("every file that exports and bin name is there after a build", () => {
  const named = [...Object.values(manifest.exports).flatMap((entry) => Object.values(entry as object))]
    .filter((path) => String(path).startsWith("./"))
    .concat(Object.values(manifest.bin));
  assert.ok(named.length >= 5, `${named.length} files named`);
  for (const path of named) assert.ok(existsSync(path), `${path}: npm run build`);
  assert.match(readFileSync(manifest.bin.millrace, "utf8"), /^#!\/usr\/bin\/env node\n/);
});

/** A node: name, or a package that users have or are told to install. */
function isDeclared(specifier: string): boolean {
  if (isBuiltin(specifier)) return true;
  const name = specifier.startsWith("@") ? specifier.split("/").slice(0, 2).join("/") : specifier.split("/")[0]!;
  return name in manifest.dependencies || name in manifest.peerDependencies;
}

test("dist can be required, imports only what is declared, and each declared dependency", async () => {
  const outside = new Set<string>();
  // As CommonJS, esbuild refuses a top-level await, and names it.
  for (const entry of distFiles(".js")) {
    if (entry === "dist/cli/main.js") continue;
    const { metafile } = await build({
      entryPoints: [entry],
      bundle: true,
      packages: "external",
      external: ["./*", "../*"],
      platform: "node",
      format: "cjs",
      write: false,
      metafile: true,
      logLevel: "silent",
    });
    for (const { imports } of Object.values(metafile.outputs))
      for (const { path } of imports) if (!path.startsWith(".")) outside.add(path);
  }
  for (const entry of distFiles(".d.ts"))
    for (const [, path] of readFileSync(entry, "utf8").matchAll(/(?:from |import\()"([@a-z][^"]*)"/g))
      outside.add(path!);
  // What is loaded from where it lies, by createRequire or import.meta.resolve.
  for (const entry of distFiles(".js").filter((name) => !name.includes("generated")))
    for (const [, path] of readFileSync(entry, "utf8").matchAll(/(?:\brequire|\.resolve)\("([@a-z][^"]*)"\)/g))
      outside.add(path!);
  assert.deepEqual(
    [...outside].filter((name) => !isDeclared(name)),
    [],
  );
  for (const name of [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)])
    assert.ok(
      [...outside].some((path) => path === name || path.startsWith(`${name}/`)),
      `${name} is declared, and never imported`,
    );
});

test("a bundle of the package holds nothing of its tests", async () => {
  for (const entry of ["dist/index.js", "dist/emulator/index.js", "dist/cli/main.js"]) {
    const { metafile } = await build({
      ...{ entryPoints: [entry], bundle: true, packages: "external", platform: "node", format: "esm" },
      ...{ metafile: true, write: false, outdir: "nowhere", logLevel: "silent" },
    });
    const inputs = Object.keys(metafile.inputs);
    assert.ok(inputs.length > 10, `${inputs.length} files found from ${entry}`);
    assert.deepEqual(
      inputs.filter((path) => path.startsWith("dist/testing/")),
      [],
      entry,
    );
    const outside = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
    assert.ok(!outside.includes("node:test"), `${entry} imports node:test`);
  }
});

test("the types that users see need no optional package", () => {
  const found: string[] = [];
  const least = { "dist/index.d.ts": 10, "dist/emulator/index.d.ts": 10, "dist/testing/index.d.ts": 5 };
  for (const [entry, files] of Object.entries(least)) {
    const cameFrom = new Map<string, string>([[entry, ""]]);
    // Files that are added on the way are walked too.
    for (const file of cameFrom.keys())
      for (const [, path] of readFileSync(file, "utf8").matchAll(/(?:from |import\()"([^"]+)"/g)) {
        const declaration = join(dirname(file), path!)
          .replaceAll("\\", "/")
          .replace(/\.[jt]s$/, ".d.ts");
        if (path!.startsWith(".") && !cameFrom.has(declaration)) cameFrom.set(declaration, file);
        const isPeer = Object.keys(manifest.peerDependencies).some((name) => `${path}/`.startsWith(`${name}/`));
        if (isPeer) found.push(`${path} in ${file}, by ${cameFrom.get(file)}`);
      }
    assert.ok(cameFrom.size > files, `${cameFrom.size} files found from ${entry}`);
  }
  assert.deepEqual(found, []);
});

test("typed arrays have no type argument in what users see: TypeScript before 5.7 would refuse it", () => {
  const generic = /\b(?:(?:Big)?(?:Ui|I)nt|Float)\d+(?:Clamped)?Array<|\bDataView</;
  const found = distFiles(".d.ts").filter((file) => generic.test(readFileSync(file, "utf8")));
  assert.deepEqual(found, []);
});

test("every runtime dependency has a permissive licence", () => {
  const { status, stderr } = licences(".");
  assert.equal(status, 0, stderr);
});

test("a licence that is unknown, missing or asks for more is refused by name", () => {
  const folder = mkdtempSync(join(tmpdir(), "millrace-licences-"));
  try {
    const cases: Record<string, [licence: unknown, isTaken: boolean]> = {
      plain: ["MIT", true],
      either: ["(GPL-2.0-only OR MIT)", true],
      both: ["(MIT AND Zlib)", true],
      nested: ["MIT AND (ISC OR LGPL-3.0-only)", true],
      object: [{ type: "BSD-3-Clause" }, true],
      copyleft: ["GPL-3.0-or-later", false],
      alsoCopyleft: ["MIT AND LGPL-3.0-only", false],
      exception: ["Apache-2.0 WITH LLVM-exception", false],
      custom: ["SEE LICENSE IN LICENSE.txt", false],
      open: ["(MIT", false],
      missing: [undefined, false],
    };
    const packages = Object.keys(cases).map((name) => [`node_modules/${name}`, {}]);
    const skipped = [
      ["", {}],
      ["node_modules/absent", { dev: true }],
    ];
    writeFileSync(
      join(folder, "package-lock.json"),
      JSON.stringify({ packages: Object.fromEntries([...skipped, ...packages]) }),
    );
    for (const [name, [license]] of Object.entries(cases)) {
      mkdirSync(join(folder, "node_modules", name), { recursive: true });
      writeFileSync(
        join(folder, "node_modules", name, "package.json"),
        JSON.stringify({ name, version: "1.0.0", license }),
      );
    }
    const { status, stdout } = licences(folder);
    assert.equal(status, 1);
    const refused = Object.keys(cases).filter((name) => !cases[name]![1]);
    assert.deepEqual(JSON.parse(stdout).refused, refused);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

function licences(cwd: string) {
  const script = resolve("scripts/licences.mjs");
  return spawnSync(process.execPath, [script, "--json"], { cwd, encoding: "utf8" });
}

const workflows = ".github/workflows";

test("workflows pin actions by their major version, may write nothing, and run scripts that exist", () => {
  for (const file of readdirSync(workflows)) {
    const text = readFileSync(join(workflows, file), "utf8");
    assert.match(text, /^permissions:\n {2}contents: read$/m, file);
    for (const [, action] of text.matchAll(/uses: *(\S+)/g)) assert.match(action!, /^[\w-]+\/[\w-]+@v\d+$/, file);
    for (const [, script] of text.matchAll(/npm run ([\w:]+)/g))
      assert.ok(script! in manifest.scripts, `${file}: ${script}`);
    assert.doesNotMatch(text, /: write-all|contents: write/, file);
  }
  const release = readFileSync(join(workflows, "release.yml"), "utf8");
  assert.match(release, /id-token: write/);
  assert.match(release, /npm publish --provenance --access public/);
});
