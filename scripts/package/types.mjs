// The types, as compilers and linters of packages see them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { npm, run } from "./children.mjs";
import { toolFile } from "./tools.mjs";

/** The last release of each major version, and the oldest that is promised. */
export const typescripts = ["5.4.5", "5.9.3", "6.0.3", "7.0.2"];

/** How a program's imports may be resolved where "exports" is known. */
const resolutions = [
  ["node16", "node16"],
  ["nodenext", "nodenext"],
  ["esnext", "bundler"],
];

/** Every TypeScript program under Node has these; the app has them after its tree was measured. */
export async function installNodeTypes(app) {
  const { devDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
  const types = `@types/node@${devDependencies["@types/node"]}`;
  await npm(["install", "--ignore-scripts", "--save-dev", types], { cwd: app });
}

/** Compiles the app's programs, and every declaration that they lead to. */
export async function checkTypes(version, app) {
  const tsc = await toolFile("typescript", version, "tsc");
  const seen = [];
  for (const [module, moduleResolution] of resolutions) {
    const programs = ["api.ts"];
    if (moduleResolution === "nodenext" && knowsRequireOfModules(version)) programs.push("require.cts");
    const flags = { module, moduleResolution, target: "es2022", types: "node", skipLibCheck: "false", pretty: "false" };
    const options = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
    const args = [tsc, "--noEmit", "--strict", ...options, ...programs];
    const { status, stdout, stderr } = await run(process.execPath, args, {
      cwd: app,
      timeoutMs: 300_000,
      mayFail: true,
    });
    const errors = stdout.split("\n").filter((line) => /\berror TS\d+:/.test(line));
    assert.ok(status === 0 || errors.length > 0, `tsc ended with ${status}\n${stdout}${stderr}`);
    // The declarations of other packages are not ours to mend.
    const ours = errors.filter((line) =>
      /^(\w+\.c?ts\(|node_modules\/millrace\/|error )/.test(line.replaceAll("\\", "/")),
    );
    assert.deepEqual(ours, [], `errors under ${moduleResolution}`);
    const how = programs.length > 1 ? `${moduleResolution} with require()` : moduleResolution;
    seen.push(errors.length === 0 ? how : `${how} (${errors.length} errors of others)`);
  }
  return seen.join(", ");
}

/** That CommonJS may require() an ECMAScript module, as Node has let it since 20.19, is known from TypeScript 5.8 on. */
function knowsRequireOfModules(version) {
  const [major, minor] = version.split(".").map(Number);
  return major > 5 || minor >= 8;
}

/**
 * "Are the types wrong?", for users whose resolution knows "exports". One of its rules is older than Node 20.19: that CommonJS
 * cannot require() an ECMAScript module. The runtimes and compilers here do.
 */
export async function checkWithAttw(tarball) {
  const attw = await toolFile("@arethetypeswrong/cli", "0.18.5", "attw");
  const rules = ["--profile", "node16", "--ignore-rules", "cjs-resolves-to-esm"];
  const { stdout } = await run(process.execPath, [attw, tarball, ...rules, "--no-color", "--no-emoji"]);
  // A package without types would be well, too.
  assert.match(stdout, /node16 \(from ESM\) │ OK \(ESM\) +│ OK \(ESM\) /);
  return rules.join(" ");
}

export async function checkWithPublint(tarball) {
  const publint = await toolFile("publint", "0.3.25");
  const { stdout } = await run(process.execPath, [publint, "run", tarball, "--strict"]);
  return stdout.trim().split("\n").at(-1);
}
