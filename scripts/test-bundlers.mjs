// Does what docs/bundling.md says, each recipe in a folder of its own, with the packed package: `npm run test:bundlers`. The
// records go to an emulator that the package's command line runs. Bundlers come from npm, in the versions that the document names.
// With --linked nothing is packed or fetched: the package is this checkout (npm run build first), and bundlers are its own.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { endAll, npm, whenStopped } from "./package/children.mjs";
import { startEmulatorProcess } from "./package/emulator-process.mjs";
import { emulatorPackages } from "./package/missing.mjs";
import { expectRows, follow, recipes } from "./package/recipes.mjs";
import { startResults } from "./package/results.mjs";
import { pack } from "./package/tarball.mjs";

const { values } = parseArgs({
  options: { only: { type: "string", multiple: true, default: [] }, linked: { type: "boolean", default: false } },
});
const wanted = recipes().filter(
  ({ title }) =>
    values.only.length === 0 || values.only.some((part) => title.toLowerCase().includes(part.toLowerCase())),
);
const results = startResults();
const { check } = results;
const home = realpathSync(mkdtempSync(join(tmpdir(), "millrace-bundlers-")));
let emulator;

function remove() {
  emulator?.kill();
  endAll();
  rmSync(home, { recursive: true, force: true, maxRetries: 3 });
}
whenStopped(remove);

const base = join(home, "base");

/** Packs and installs the package; starts an emulator by the command line that npm has linked. */
async function installed() {
  const tarball = await pack(home);
  const own = join(home, "emulator");
  for (const folder of [base, own]) {
    mkdirSync(folder);
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "app", private: true }));
    await npm(["install", tarball.path, ...(folder === own ? emulatorPackages : [])], { cwd: folder });
  }
  return startEmulatorProcess([join(own, "node_modules", ".bin", "millrace")], own);
}

/** The package and the packages that its tests use anyway, where a folder's programs find them. */
async function linked() {
  mkdirSync(join(base, "node_modules"), { recursive: true });
  symlinkSync(resolve("."), join(base, "node_modules", "millrace"));
  symlinkSync(resolve("node_modules", "esbuild"), join(base, "node_modules", "esbuild"));
  return startEmulatorProcess([process.execPath, resolve("dist", "cli", "main.js")], home);
}

const isInstall = (line) => line.startsWith("npm install ");

try {
  await check(values.linked ? "an emulator of this checkout" : "npm pack, npm install, and an emulator", async () => {
    emulator = await (values.linked ? linked() : installed());
    return emulator.url;
  });
  for (const [i, recipe] of (emulator ? wanted : []).entries())
    await check(recipe.title, async () => {
      // Below the folder of the package, so that it is found, with a package.json of its own.
      const folder = join(base, `recipe-${i}`);
      mkdirSync(folder);
      writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "app", private: true }));
      const table = `Recipe_${i}`;
      const isDone = (line) => values.linked && isInstall(line);
      await follow(recipe, folder, { cluster: emulator.url, table, bare: join(home, `bare-${i}`), isDone });
      await expectRows(emulator.url, table, 1_000);
      return "1000 rows have landed";
    });
} catch (error) {
  await check("the rest", () => {
    throw error;
  });
} finally {
  await emulator?.close();
  remove();
}
if (wanted.length === 0) console.error(`No recipe is called ${values.only.join(", ")}.`);
process.exitCode = results.print() && wanted.length > 0 ? 0 : 1;
