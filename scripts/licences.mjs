// Lists the licence of every package that an install of Millrace brings along or that is bundled into the emulator's page, by
// package-lock.json and what lies in node_modules: `npm run licences`, with --json as one line. Fails on a licence that is unknown or asks for more than a notice.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { bundledPackages, runtimePackages } from "./runtime-packages.mjs";

/** SPDX names of licences that ask for no more than that their text is passed on. */
const permissive = new Set([
  ...["0BSD", "Apache-2.0", "BlueOak-1.0.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0"],
  ...["Python-2.0", "Unlicense", "Zlib"],
]);

const found = [...runtimePackages(), ...bundledPackages()].map(([path]) => described(path));
const refused = found.filter(({ licence }) => !isPermissive(licence));

if (process.argv.includes("--json"))
  console.log(JSON.stringify({ ok: refused.length === 0, packages: found, refused: refused.map(({ name }) => name) }));
else for (const line of listed(found)) console.log(line);
for (const { name, version, licence } of refused)
  console.error(`${name}@${version}: ${licence || "no licence is named"}: not known as permissive`);
if (refused.length > 0) process.exitCode = 1;

function described(path) {
  const file = join(path, "package.json");
  if (!existsSync(file)) throw new Error(`${path} is not installed: npm ci first.`);
  const { name, version, license, licenses } = JSON.parse(readFileSync(file, "utf8"));
  // Old packages have an object, or a list of them, of which any may be chosen.
  const all = [license ?? licenses ?? []].flat().map((one) => one.type ?? one);
  return { name, version, licence: all.join(" OR ") };
}

function listed(all) {
  const groups = new Map();
  for (const one of all) groups.set(one.licence, [...(groups.get(one.licence) ?? []), one]);
  return [...groups]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([licence, list]) => {
      const names = list.map(({ name, version }) => `${name}@${version}`);
      return `${licence} (${names.length}): ${[...new Set(names)].sort().join(", ")}`;
    });
}

/** An SPDX expression of AND, OR and parentheses; anything else in it (WITH, "SEE LICENSE IN") is not permissive. */
function isPermissive(expression) {
  const tokens = expression.match(/[()]|[^\s()]+/g) ?? [];
  const isTaken = either();
  return isTaken && tokens.length === 0;

  function either() {
    return sides("OR", both).includes(true);
  }
  function both() {
    return sides("AND", one).every(Boolean);
  }
  /** All of them are read, whatever the first one says. */
  function sides(operator, side) {
    const read = [side()];
    while (tokens[0] === operator) {
      tokens.shift();
      read.push(side());
    }
    return read;
  }
  function one() {
    const token = tokens.shift();
    if (token !== "(") return permissive.has(token);
    const inner = either();
    return tokens.shift() === ")" && inner;
  }
}
