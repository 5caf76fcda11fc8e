// The tarball that npm would publish, and what it may hold.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { npm } from "./children.mjs";
import { megabytes } from "./tree.mjs";

/** Packed, as it is fetched; it was 1.3 MB. */
const packedLimit = 2e6;

const besideTheCode = ["CHANGELOG.md", "LICENSE", "README.md", "package.json"];

/** Builds and packs into a folder; the tarball's path and size, and the names in it. */
export async function pack(folder) {
  // The build's own words would be in front of the JSON.
  const options = ["--json", "--foreground-scripts=false", "--pack-destination", folder];
  const { stdout } = await npm(["pack", ...options], { cwd: process.cwd(), timeoutMs: 600_000 });
  const [{ filename, size, files }] = JSON.parse(stdout);
  return { path: join(folder, filename), size, names: files.map(({ path }) => path) };
}

/** Judges what is in the tarball by the files of it that are installed. */
export function checkContents({ size, names }, installed) {
  const built = filesOf("dist").map((name) => `dist/${name}`);
  const expected = [...built, ...besideTheCode].sort();
  const lacking = expected.filter((name) => !names.includes(name));
  assert.deepEqual(lacking, [], "what the tarball lacks");
  assert.deepEqual(names.toSorted(), expected, "what the tarball holds");
  assert.deepEqual(filesOf(installed), names.toSorted(), "what is installed of the tarball");
  const strange = built.filter((name) => !/\.(js|js\.map|d\.ts|html|css|svg)$/.test(name));
  assert.deepEqual(strange, [], "only code, its map, types and the page are built");

  // However a path was written: as it is, in JSON, or in a URL.
  const here = process.cwd();
  const spellings = [here, here.replaceAll("\\", "/"), JSON.stringify(here).slice(1, -1), encodeURI(here)];
  const telling = names.filter((name) => {
    const text = readFileSync(join(installed, name), "latin1");
    return spellings.some((path) => text.includes(path));
  });
  assert.deepEqual(telling, [], `files that name ${resolve(here)}`);
  assert.ok(size <= packedLimit, `${megabytes(size)} packed, of at most ${megabytes(packedLimit)}`);
  return `${names.length} files, ${megabytes(size)} packed`;
}

function filesOf(folder) {
  return readdirSync(folder, { recursive: true })
    .map((name) => String(name).replaceAll("\\", "/"))
    .filter((name) => !name.startsWith("node_modules/") && statSync(join(folder, name)).isFile())
    .sort();
}
