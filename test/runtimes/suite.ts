import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { build } from "esbuild";
import { startEmulator } from "../../src/emulator/index.ts";
import { selfSigned } from "../../src/emulator/security/self-signed.ts";
import { type CaseResult, type World, worldVariable } from "./world.ts";

/** A runtime by its name, and how it starts a program. */
export interface Runtime {
  /** `node-20`, `deno`, `bun`. */
  readonly name: string;
  readonly command: readonly string[];
}

export interface Run {
  /** As the runtime itself says it; empty where it did not come so far. */
  readonly version: string;
  readonly results: readonly CaseResult[];
}

export interface Suite {
  /** Runs the cases in one runtime: all, or those whose name has the text in it. Tells each as it is done. */
  run(runtime: Runtime, only?: string, onCase?: (result: CaseResult) => void): Promise<Run>;
  close(): Promise<void>;
}

/** A run of all cases that takes longer hangs. */
const runTimeoutMs = 900_000;

/**
 * Everything that the runtimes share: two emulators in this process, one of which asks for logins, and the cases bundled into
 * plain JavaScript that finds the built package as a user's program would, by its name.
 */
export async function startSuite(): Promise<Suite> {
  mkdirSync("build", { recursive: true });
  // Within the package, so that `millrace` is found.
  const programs = resolve(mkdtempSync(join("build", "conformance-")));
  const folder = mkdtempSync(join(tmpdir(), "millrace-runtimes-"));
  const removeAll = () => {
    for (const each of [programs, folder]) rmSync(each, { recursive: true, force: true });
  };
  try {
    await bundle(programs);
    const own = await selfSigned();
    const admin = { name: "admin", clusterRole: "AllDatabasesAdmin", managedIdentity: "system" } as const;
    const [emulator, guarded] = await Promise.all([
      startEmulator({ databases: ["runtimes"] }),
      startEmulator({ security: { applications: [{ ...admin, certificate: own.certificate }] } }),
    ]);
    const security = guarded.security!;
    const authority = join(folder, "authority.pem");
    writeFileSync(authority, security.certificate);
    const [{ appId, appKey, principal }] = security.applications as [(typeof security.applications)[0]];
    return {
      run(runtime, only, onCase) {
        const ownFolder = join(folder, runtime.name);
        mkdirSync(ownFolder, { recursive: true });
        const world: World = {
          runtime: runtime.name,
          command: runtime.command,
          programs,
          root: process.cwd(),
          folder: ownFolder,
          cluster: emulator.url,
          database: "runtimes",
          secured: {
            cluster: guarded.url,
            authorityHost: security.authorityHost,
            tenantId: security.tenantId,
            admin: { appId, appKey, principal },
            pem: own.certificate + own.privateKey,
            federatedToken: security.federatedToken(appId),
            bearer: security.token(appId),
            appService: { ...security.managedIdentity.appService },
          },
        };
        return runCases(runtime, world, authority, only, onCase);
      },
      async close() {
        await Promise.all([emulator.close(), guarded.close()]);
        removeAll();
      },
    };
  } catch (error) {
    removeAll();
    throw error;
  }
}

async function bundle(outdir: string): Promise<void> {
  await build({
    entryPoints: ["run-cases", "writer", "lock-holder", "forgetful"].map((name) => `test/runtimes/${name}.ts`),
    outdir,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    // What only the tests need comes along: Deno takes no package that its user has not declared. OpenTelemetry is declared,
    // and a user's program has it from npm beside the package.
    external: ["millrace", "millrace/*", "@opentelemetry/*"],
    tsconfigRaw: "{}", // that of this folder leads to the sources
    sourcemap: "inline",
    logLevel: "error",
  });
}

/** Nothing of the tester's own environment may decide, and no runtime shall call home. */
function environment(world: World, authority: string, only: string | undefined): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, TEMP, SystemRoot } = process.env;
  return {
    ...{ PATH, HOME, TMPDIR, TEMP, SystemRoot },
    NODE_EXTRA_CA_CERTS: authority,
    DENO_CERT: authority,
    DENO_NO_UPDATE_CHECK: "1",
    DO_NOT_TRACK: "1",
    [worldVariable]: JSON.stringify(world),
    ...(only && { MILLRACE_RUNTIME_CASES: only }),
  };
}

async function runCases(
  { name, command: [binary, ...options] }: Runtime,
  world: World,
  authority: string,
  only: string | undefined,
  onCase: ((result: CaseResult) => void) | undefined,
): Promise<Run> {
  const results: CaseResult[] = [];
  let version = "";
  const tell = (result: CaseResult) => {
    results.push(result);
    onCase?.(result);
  };
  const began = performance.now();
  const child = spawn(binary!, [...options, join(world.programs, "run-cases.mjs")], {
    env: environment(world, authority, only),
    stdio: ["ignore", "pipe", "pipe"],
    timeout: runTimeoutMs,
    killSignal: "SIGKILL",
  });
  let err = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err = (err + text).slice(-4_000);
  });
  let stray = "";
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (line.startsWith('{"case":')) tell(JSON.parse(line) as CaseResult);
    else if (line.startsWith('{"version":')) version = (JSON.parse(line) as { version: string }).version;
    else stray = `${stray}${line}\n`.slice(-4_000);
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve([code, signal]));
  });
  const ms = Math.round(performance.now() - began);
  // The library prints nothing, and a runtime that warns has something to say of it.
  if (code !== 0 || err !== "" || stray !== "")
    tell({
      case: `the process of ${name}`,
      outcome: "failed",
      ms,
      why: `ended with ${signal ?? code}\n${stray}${err}`,
    });
  return { version, results };
}
