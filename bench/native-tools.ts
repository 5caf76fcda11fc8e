import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The packers of Debian's packages libdeflate-tools, isal and gzip, at their fastest level, and libdeflate at the one that is its default. */
export const nativeTools: readonly (readonly string[])[] = [
  ["libdeflate-gzip", "-1"],
  ["libdeflate-gzip", "-6"],
  ["igzip", "-1"],
  ["gzip", "-1"],
];

export interface NativeTool {
  readonly name: string;
  /** What it makes of the bytes, as it stands. */
  readonly packed: Uint8Array;
  /** User time for the bytes once, in milliseconds. */
  userTime(): number;
}

/** What a tool is given to read, so that starting it and the clock's steps do not count. */
const inputBytes = { short: 8_000_000, full: 64_000_000 };

/**
 * The tools that this machine has, each with the bytes in a file, over and over: deflate looks back 32 KiB, so it does not
 * see that they repeat. Their time is user time, which does not count reading the file.
 */
export function toolsFor(bytes: Uint8Array, isShort: boolean): { tools: NativeTool[]; dispose(): void } {
  const present = nativeTools.filter(([command]) => spawnSync(command!, ["--version"]).error === undefined);
  if (present.length === 0 || bytes.length < 65_536 || spawnSync("bash", ["--version"]).error) {
    return { tools: [], dispose() {} };
  }
  const folder = mkdtempSync(join(tmpdir(), "millrace-bench-"));
  const once = join(folder, "once");
  writeFileSync(once, bytes);
  const repeats = Math.ceil(inputBytes[isShort ? "short" : "full"] / bytes.length);
  const many = join(folder, "many");
  const file = openSync(many, "w");
  for (let i = 0; i < repeats; i++) writeSync(file, bytes);
  closeSync(file);
  const tools = present.map(
    ([command, level]): NativeTool => ({
      name: `${command} ${level}`,
      packed: packedBy(command!, level!, once),
      userTime: () => userMilliseconds(command!, level!, many) / repeats,
    }),
  );
  return { tools, dispose: () => rmSync(folder, { recursive: true, force: true }) };
}

function packedBy(command: string, level: string, file: string): Uint8Array {
  const { stdout, status, stderr } = spawnSync(command, [level, "-c", file], { maxBuffer: 1024 ** 3 });
  if (status !== 0) throw new Error(`${command} ${level} failed: ${stderr}`);
  return stdout;
}

function userMilliseconds(command: string, level: string, file: string): number {
  // Of the shell's ways to tell the time of a child, bash's is the one with milliseconds.
  const script = 'TIMEFORMAT=%3U; time "$0" "$1" -c "$2" > /dev/null';
  const { status, stderr } = spawnSync("bash", ["-c", script, command, level, file], { encoding: "utf8" });
  const seconds = Number(stderr.trim().replace(",", "."));
  if (status !== 0 || !(seconds > 0)) throw new Error(`${command} ${level} failed: ${stderr}`);
  return seconds * 1_000;
}
