// The runtimes that the suites run under beside the one at hand. Their binaries come from npm, into build/runtimes/.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";

const platform = process.platform === "win32" ? "win" : process.platform;
const exe = process.platform === "win32" ? ".exe" : "";

/** Where npm finds a runtime, and where its binary then lies: folders, of which `*` is whichever npm chose for this machine. */
function packageOf(name) {
  if (name === "deno") return { spec: "deno@2", place: ["@deno", "*", `deno${exe}`] };
  if (name === "bun") return { spec: "bun@1", place: ["@oven", "*", "bin", `bun${exe}`] };
  const node = `node-${platform}-${process.arch}`;
  return { spec: `${node}@${name}`, place: [node, "bin", `node${exe}`] };
}

/**
 * The binary of a major version of Node ("20"), of "deno" or of "bun", installed where it is missing; `rm -r build/runtimes`
 * gets newer ones. No script of a package is run: the binary is that of the platform's own package.
 */
export function runtimeBinary(name) {
  const { spec, place } = packageOf(name);
  const folder = join("build", "runtimes", name);
  const found = () => expand(join(folder, "node_modules"), place).find(existsSync);
  const there = found();
  if (there) return there;
  mkdirSync(folder, { recursive: true });
  console.error(`installing ${spec} into ${folder}`);
  const options = ["--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"];
  // The shell finds npm.cmd on Windows; everywhere else it would only be in the way.
  const npm = spawnSync("npm", ["install", ...options, "--prefix", folder, spec], {
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
  if (npm.error) throw npm.error;
  const binary = found();
  if (npm.status === 0 && binary) return binary;
  throw new Error(`npm install ${spec} ended with ${npm.status} and ${binary ?? "no binary"}`);
}

/** How a program is started: the binary and the options before the program's name. */
export function runtimeCommand(name) {
  const binary = resolve(runtimeBinary(name));
  // Neither resolves anything that npm has not installed; --no-npm would also hide the package itself from its own name.
  if (name === "deno") return [binary, "run", "--allow-all", "--no-lock", "--node-modules-dir=manual", "--quiet"];
  if (name === "bun") return [binary, "run", "--no-install"];
  return [binary];
}

function expand(folder, [first, ...rest]) {
  if (first === undefined) return [folder];
  const names = first !== "*" ? [first] : existsSync(folder) ? readdirSync(folder) : [];
  return names.flatMap((name) => expand(join(folder, name), rest));
}
