import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { aborted, MillraceError } from "../../errors.ts";
import type { Account } from "./accounts.ts";

/** A running Azurite: the origins of its three services, and the process. */
export interface Azurite {
  readonly blob: string;
  readonly queue: string;
  readonly table: string;
  readonly pid: number;
  /** Resolves when the process is gone, for whatever reason. */
  readonly gone: Promise<void>;
  close(): Promise<void>;
}

/**
 * How often Azurite gives back the memory of blobs that were removed. Its own ten minutes, which it has no option for, and
 * ten more in which it spares what is new, are too long where a million rows come in a minute.
 */
const collectionMs = 15_000;

/** How long it may take to leave. */
const leavingMs = 8_000;

/** How often it writes its lists to disk, where it keeps files; its own five seconds are a long time to lose. */
const savingMs = 500;

/**
 * What the child runs. Its standard input is a pipe that nobody writes to: when the parent goes, even by SIGKILL, the
 * kernel closes the pipe and the child leaves: at once, or having saved its files where it keeps any. So no process stays
 * behind, and no signal handler is needed here. Messages that the former reader had taken are there for the next one.
 */
const childProgram = `
const [path, isDurable, ...args] = JSON.parse(process.env.MILLRACE_AZURITE);
const part = (of) => { try { return require(path.replace("azurite.js", of)); } catch { return {}; } };
part("blob/utils/constants.js").DEFAULT_GC_INTERVAL_MS = ${collectionMs};
part("common/utils/constants.js").DEFAULT_EXTENT_GC_PROTECT_TIME_IN_MS = ${2 * collectionMs};
if (isDurable) {
  const Loki = require(require.resolve("lokijs", { paths: [path] }));
  const enable = Loki.prototype.autosaveEnable;
  Loki.prototype.autosaveEnable = function (...given) {
    this.autosaveInterval = ${savingMs};
    return enable.apply(this, given);
  };
  const Messages = part("queue/persistence/LokiQueueMetadataStore.js").default;
  const init = Messages.prototype.init;
  Messages.prototype.init = async function () {
    await init.call(this);
    const messages = this.db.getCollection(this.MESSAGES_COLLECTION);
    for (const message of messages.find({})) {
      message.timeNextVisible = Math.min(message.timeNextVisible, Date.now());
      messages.update(message);
    }
  };
}
let isLeaving = false;
const leave = () => {
  if (isLeaving) return;
  isLeaving = true;
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  if (!isDurable || !process.emit("SIGTERM")) process.exit(0);
  setTimeout(() => process.exit(1), ${leavingMs}).unref();
};
for (const event of ["end", "close", "error"]) process.stdin.on(event, leave);
process.stdin.resume();
process.argv = [process.execPath, path, ...args];
require(path);
`;

const flags = [
  "--silent",
  "--disableTelemetry",
  "--skipApiVersionCheck",
  ...["blob", "queue", "table"].flatMap((service) => [`--${service}Host`, "127.0.0.1", `--${service}Port`, "0"]),
];

/** It takes 2 s on an idle machine, and took more than 30 on one with seven times as much to do as it had cores. */
const startTimeoutMs = 120_000;

/** Starts Azurite; with a `location`, a directory, it keeps its files there. */
export async function startAzurite(
  accounts: readonly Account[],
  options: { node?: string | undefined; signal?: AbortSignal | undefined; location?: string | undefined } = {},
): Promise<Azurite> {
  const path = createRequire(import.meta.url).resolve("azurite/dist/src/azurite.js");
  const keeping = options.location === undefined ? ["--inMemoryPersistence"] : ["--location", options.location];
  const { NODE_OPTIONS: _notForTheChild, ...env } = process.env;
  const child = spawn(options.node ?? process.execPath, ["-e", childProgram], {
    cwd: tmpdir(),
    stdio: ["pipe", "pipe", "pipe"],
    env: {
      ...env,
      AZURITE_ACCOUNTS: accounts.map(({ name, key }) => `${name}:${key}`).join(";"),
      MILLRACE_AZURITE: JSON.stringify([path, options.location !== undefined, ...keeping, ...flags]),
    },
  });
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()).once("error", () => resolve()));
  const close = () => stop(child, gone);
  try {
    const origins = await listening(child, options.signal);
    return { ...origins, pid: child.pid!, gone, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Waits for the three lines in which Azurite names its ports. */
function listening(child: ChildProcess, signal: AbortSignal | undefined): Promise<Record<Service, string>> {
  return new Promise((resolve, reject) => {
    let said = "";
    const settle = (act: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      act();
    };
    const fail = (why: string) =>
      settle(() => reject(new MillraceError("INTERNAL", `Azurite did not start: ${why}\n${said}`.trim())));
    const onAbort = () => settle(() => reject(aborted(signal!, "starting the emulator")));
    const timer = setTimeout(() => fail(`no word of its ports in ${startTimeoutMs / 1000} s`), startTimeoutMs);
    const hear = (chunk: Buffer) => {
      if (said.length < 10_000) said += chunk;
      const origins = originsIn(said);
      if (origins) settle(() => resolve(origins));
    };
    child.stdout!.on("data", hear);
    child.stderr!.on("data", hear);
    child.once("error", (error) => fail(error.message));
    child.once("exit", (code) => fail(`it ended with code ${code}`));
    if (signal?.aborted) onAbort();
    else signal?.addEventListener("abort", onAbort, { once: true });
  });
}

type Service = "blob" | "queue" | "table";

function originsIn(said: string): Record<Service, string> | undefined {
  const found: Partial<Record<Service, string>> = {};
  for (const [, service, origin] of said.matchAll(/Azurite (\w+) service is successfully listening at (http:\S+)/g))
    found[service!.toLowerCase() as Service] = origin!;
  return found.blob && found.queue && found.table ? (found as Record<Service, string>) : undefined;
}

async function stop(child: ChildProcess, gone: Promise<void>): Promise<void> {
  child.stdin?.destroy();
  const timer = setTimeout(() => child.kill("SIGKILL"), leavingMs + 1_000);
  await gone;
  clearTimeout(timer);
}
