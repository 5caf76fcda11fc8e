// What an install of the package brings along: by the lock file that npm has written for the app, and measured on disk.
import assert from "node:assert/strict";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const limits = { packages: 150, bytes: 80e6, ownBytes: 6e6 };

export function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Prints the tree and judges it. */
export function checkTree(app) {
  const { peerDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
  const { packages } = JSON.parse(readFileSync(join(app, "package-lock.json"), "utf8"));
  const paths = Object.keys(packages).filter((path) => path !== "");
  const lines = treeOf(packages, (path) => {
    const bytes = sizeOf(join(app, path), ["node_modules"]);
    return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : megabytes(bytes);
  });
  assert.equal(lines.length, paths.length, "packages in the tree, and in the lock file");
  console.log(lines.join("\n"));

  for (const name of Object.keys(peerDependencies))
    assert.ok(!paths.some((path) => path.endsWith(`node_modules/${name}`)), `${name} is optional, and was installed`);
  const withScripts = paths.filter((path) => packages[path].hasInstallScript);
  assert.deepEqual(withScripts, [], "packages that run something when they are installed");

  const bytes = sizeOf(join(app, "node_modules"));
  const ownBytes = sizeOf(join(app, "node_modules", "millrace", "dist"));
  const found = `${paths.length} packages, ${megabytes(bytes)}, own dist ${megabytes(ownBytes)}`;
  const most = `${limits.packages}, ${megabytes(limits.bytes)}, ${megabytes(limits.ownBytes)}`;
  const isWithin = paths.length <= limits.packages && bytes <= limits.bytes && ownBytes <= limits.ownBytes;
  // A tree of nothing would be within every limit.
  assert.ok(isWithin && paths.length > 1 && ownBytes > 0, `${found}; at most ${most}`);
  return `${found} (at most ${most})`;
}

/** A line for each package that is installed, under the one nearest to the root that needs it. */
function treeOf(packages, sizeText) {
  const children = new Map([["", []]]);
  // Paths that are added on the way are walked too: those nearest to the root come first.
  for (const parent of children.keys())
    for (const name of needsOf(packages[parent])) {
      const path = installedPath(packages, parent, name);
      if (path === undefined || children.has(path)) continue;
      children.set(path, []);
      children.get(parent).push(path);
    }
  const linesUnder = (parent, indent) =>
    children.get(parent).flatMap((path) => {
      const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
      return [`${indent}${name}@${packages[path].version}  ${sizeText(path)}`, ...linesUnder(path, `${indent}  `)];
    });
  return linesUnder("", "");
}

function needsOf({ dependencies, optionalDependencies, peerDependencies }) {
  return Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies }).sort();
}

/** What a package finds by a name: in its own node_modules, or in those of the folders above; undefined where it is optional. */
function installedPath(packages, from, name) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("node_modules/") - 1))) {
    const path = `${folder}${folder === "" ? "" : "/"}node_modules/${name}`;
    if (path in packages) return path;
    if (folder === "") return undefined;
  }
}

function sizeOf(folder, without = []) {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !without.includes(name))
    .map((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? sizeOf(path) : entry.isFile() ? lstatSync(path).size : 0;
    })
    .reduce((sum, size) => sum + size, 0);
}
