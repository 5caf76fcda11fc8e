// The processes of the package's tests. Each is bounded in time, and each ends with all that it has started.
import { spawn } from "node:child_process";

const isWindows = process.platform === "win32";
const running = new Set();
/** Of what a child says; enough for the end of any report. */
const outputLimit = 1 << 20;

/**
 * Runs a program to its end, and gives what it said. A status that is not 0, or a time that ran out, is an error that ends in
 * the child's last words; with `mayFail` the status is for the caller to judge.
 */
export function run(command, args, { cwd, env = plainEnvironment(), timeoutMs = 120_000, mayFail = false } = {}) {
  return new Promise((done, failed) => {
    const child = spawn(command, args, {
      cwd,
      env,
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own, which can be ended as a whole. Windows has none, and runs npm's scripts by the shell only.
      detached: !isWindows,
      shell: isWindows && /^npm$|\.cmd$/.test(command),
    });
    running.add(child);
    const said = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"])
      child[name].setEncoding("utf8").on("data", (text) => {
        said[name] = (said[name] + text).slice(-outputLimit);
      });
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      end(child);
    }, timeoutMs);
    child.on("error", failed);
    // What is left of its group holds the pipes open, and "close" would wait for it.
    child.on("exit", () => end(child));
    child.on("close", (status, signal) => {
      clearTimeout(timer);
      running.delete(child);
      if (!isLate && (status === 0 || (mayFail && status !== null))) return done({ status, ...said });
      const how = isLate ? `did not end within ${timeoutMs / 1000} s` : `ended with ${signal ?? status}`;
      const words = `${said.stdout}\n${said.stderr}`.trim().slice(-4_000);
      failed(new Error(`${[command, ...args].join(" ")} ${how}\n${words}`));
    });
  });
}

/** Ends whatever still runs. */
export function endAll() {
  for (const child of running) end(child);
}

function end(child) {
  if (child.pid === undefined) return;
  try {
    if (isWindows) child.kill("SIGKILL");
    else process.kill(-child.pid, "SIGKILL");
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

/** Tidies up before Ctrl-C or SIGTERM ends this process. */
export function whenStopped(tidy) {
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ])
    process.once(signal, () => {
      tidy();
      process.exit(code);
    });
}

/** Nothing of the tester's own environment may decide, and no runtime shall call home. */
export function plainEnvironment() {
  const { PATH, HOME, TMPDIR, TEMP, SystemRoot } = process.env;
  return { ...{ PATH, HOME, TMPDIR, TEMP, SystemRoot }, DENO_NO_UPDATE_CHECK: "1", DO_NOT_TRACK: "1", NO_COLOR: "1" };
}

/** npm, as the tester has set it up, but not as a part of the `npm run` that runs this. */
export function npm(args, { cwd, timeoutMs = 300_000 }) {
  const ofTheRun =
    /^npm_(package|lifecycle|command|config_(local_prefix|prefix|global_prefix))|^NODE_OPTIONS$|^INIT_CWD$/;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ofTheRun.test(name)));
  const quiet = { npm_config_audit: "false", npm_config_fund: "false", npm_config_update_notifier: "false" };
  return run("npm", args, { cwd, timeoutMs, env: { ...env, ...quiet } });
}
