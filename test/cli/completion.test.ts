import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { cli } from "./run-cli.ts";
import { hasProgram, hasTerminal, startShell } from "./terminal-session.ts";

// The shells themselves are asked: bash always, zsh and fish where they are installed.

const shells = ["bash", "zsh", "fish"] as const;
const folder = mkdtempSync(join(tmpdir(), "millrace-completion-"));
const scriptOf = (shell: string) => join(folder, `script.${shell}`);
after(() => rmSync(folder, { recursive: true }));

/** The options and commands that the help of each command shows; the program's own are below "". */
const shown = new Map<string, { options: string[]; commands: string[] }>();

before(async () => {
  for (const name of ["some.csv", "other file.ndjson"]) writeFileSync(join(folder, name), "a\n1\n");
  mkdirSync(join(folder, "own folder"));
  for (const shell of shells) {
    const { code, out, err } = await cli(["completion", shell]);
    assert.equal(code, 0, err);
    writeFileSync(scriptOf(shell), out);
  }
  await readHelp([]);
});

async function readHelp(path: readonly string[]): Promise<void> {
  const { out } = await cli([...path, "--help"]);
  const options = [...out.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, name]) => name!);
  const list = /^Commands:\n((?: .*\n)+)/m.exec(out)?.[1] ?? "";
  const commands = [...list.matchAll(/^ {2}([\w-]+)/gm)].map(([, name]) => name!);
  assert.ok(options.includes("--help"), out);
  shown.set(path.join(" "), { options, commands });
  for (const command of commands) if (command !== "help") await readHelp([...path, command]);
}

/** What a shell should offer after `--`: the options of the help, and the program's --verbose. */
const optionsAt = (path: string) => {
  const { options } = shown.get(path)!;
  return [...new Set([...options, "--verbose"])].sort();
};

/** Lines with a tab where completion is asked for, and the words that should come of them. */
const lines: readonly (readonly [typed: string, words: readonly string[]])[] = [
  ["ing\t", ["ingest"]],
  ["--verb\t ing\t", ["--verbose", "ingest"]],
  ["ingest --tab\t", ["ingest", "--table"]],
  ["ingest --verb\t", ["ingest", "--verbose"]],
  ["ingest --format nd\t", ["ingest", "--format", "ndjson"]],
  ["ingest --format=nd\t", ["ingest", "--format", "ndjson"]],
  ["ingest --tag a b --guarantee ex\t", ["ingest", "--tag", "a", "b", "--guarantee", "exactly-once"]],
  ["ingest so\t", ["ingest", "some.csv"]],
  ["ingest some.csv oth\t", ["ingest", "some.csv", "other file.ndjson"]],
  ["ingest --schema oth\t", ["ingest", "--schema", "other file.ndjson"]],
  ["bench --file some.csv oth\t", ["bench", "--file", "some.csv", "other file.ndjson"]],
  // A folder, though a file begins with the same letter.
  ["ingest --state o\t", ["ingest", "--state", "own folder"]],
  ["ingest --state=o\t", ["ingest", "--state", "own folder"]],
  ["log ins\t --st\t", ["log", "inspect", "--state"]],
  ["help em\t", ["help", "emulator"]],
  ["completion f\t", ["completion", "fish"]],
  // Nothing is offered: no file for a name, no option of another command, no option after --.
  ["ingest --table so\t", ["ingest", "--table", "so"]],
  ["query so\t", ["query", "so"]],
  ["schema --gzi\t", ["schema", "--gzi"]],
  ["ingest -- --tab\t", ["ingest", "--", "--tab"]],
];

/** `--table=T`, which zsh writes, and `--table T` are one; a folder has a slash in some shells, and a lone option an `=`. */
const plain = (words: readonly string[]) =>
  words
    .flatMap((word) => (/^--[\w-]+=/.test(word) ? [word.split("=")[0]!, word.slice(word.indexOf("=") + 1)] : [word]))
    .map((word) => word.replace(/\/$/, ""))
    .filter((word) => word !== "");

const setups = {
  bash: { shell: "bash --norc --noprofile -i", lines: [`source ${scriptOf("bash")}`] },
  zsh: {
    shell: "zsh -f -i",
    lines: ["autoload -U compinit; compinit -D -u", "unsetopt automenu; LISTMAX=9999", `source ${scriptOf("zsh")}`],
  },
};
const withoutTerminal = hasTerminal() ? false : "no terminal: needs the script of util-linux";
const without = (shell: string) => (hasProgram(shell) ? false : `no ${shell}: apt-get install ${shell}`);

for (const shell of ["bash", "zsh"] as const)
  test(`${shell} completes commands, options, choices, files and folders`, {
    skip: without(shell) || withoutTerminal,
  }, async () => {
    const session = await startShell(setups[shell].shell, { cwd: folder, setup: setups[shell].lines });
    try {
      for (const [typed, words] of lines) {
        const answer = await session.type(`millrace ${typed}`);
        assert.deepEqual(plain(answer.words), words, `${JSON.stringify(typed)}: ${answer.shown}`);
      }
    } finally {
      await session.close();
    }
  });

test("zsh offers every option and command that the help shows", {
  skip: without("zsh") || withoutTerminal,
}, async () => {
  const session = await startShell(setups.zsh.shell, { cwd: folder, setup: setups.zsh.lines });
  try {
    for (const [path, { commands }] of shown) {
      const options = await session.type(`millrace ${path} --\t`);
      const offered = [...options.shown.matchAll(/^(--[\w-]+)(?= )/gm)].map(([, name]) => name!);
      assert.deepEqual(offered.sort(), optionsAt(path), `${path}: ${options.shown}`);
      if (commands.length === 0) continue;
      const listed = await session.type(`millrace ${path} \t`);
      assert.deepEqual(
        [...listed.shown.matchAll(/^([a-z][\w-]*) +-- /gm)].map(([, name]) => name!).sort(),
        [...commands].sort(),
      );
    }
  } finally {
    await session.close();
  }
});

/** What the script's function offers for the last of these words. */
function bashOffers(words: readonly string[]): string[] {
  const { stdout, stderr, status } = spawnSync(
    "bash",
    [
      ...["--norc", "--noprofile", "-c"],
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is bash.
      'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _millrace; printf "%s\\n" "${COMPREPLY[@]}"',
      ...["bash", scriptOf("bash"), "millrace", ...words],
    ],
    { encoding: "utf8" },
  );
  assert.equal(status, 0, stderr);
  assert.equal(stderr, "");
  return stdout.split("\n").filter((line) => line !== "");
}

test("bash offers every option and command that the help shows", { skip: without("bash") }, () => {
  for (const [path, { commands }] of shown) {
    const words = path.split(" ").filter((word) => word !== "");
    assert.deepEqual(bashOffers([...words, "--"]).sort(), optionsAt(path), path);
    if (commands.length > 0) assert.deepEqual(bashOffers([...words, ""]).sort(), [...commands].sort(), path);
  }
  // Where = parts no words.
  assert.deepEqual(bashOffers(["ingest", "--format=nd"]), ["--format=ndjson"]);
  assert.deepEqual(bashOffers(["ingest", "--gzip-level", ""]), ["1", "2"]);
});

/** Each candidate without its description. */
function fishOffers(line: string): string[] {
  const { stdout, stderr, status } = spawnSync(
    "fish",
    ["--no-config", "-c", "source $argv[1]; complete -C $argv[2]", scriptOf("fish"), `millrace ${line}`],
    { cwd: folder, env: { PATH: process.env.PATH, HOME: folder, LC_ALL: "C.UTF-8" }, encoding: "utf8" },
  );
  assert.equal(status, 0, stderr);
  assert.equal(stderr, "");
  return stdout
    .split("\n")
    .filter((text) => text !== "")
    .map((text) => text.split("\t")[0]!);
}

test("fish completes commands, options, choices, files and folders", { skip: without("fish") }, () => {
  for (const [typed, words] of lines) {
    const tabs = typed.split("\t").slice(0, -1);
    const line = plain(words).slice(0, tabs.length > 1 ? -1 : undefined);
    // It is asked for the last word: the words before it are as they should have been completed.
    const last = tabs.at(-1)!.split(" ").at(-1)!;
    const before = tabs.length > 1 ? `${line.join(" ")} ` : tabs.at(-1)!.slice(0, tabs.at(-1)!.length - last.length);
    const offered = fishOffers(`${before}${last}`);
    const isNothing = words.at(-1) === last;
    const expected = last.includes("=") ? `${last.split("=")[0]}=${words.at(-1)}` : words.at(-1)!;
    assert.deepEqual(plain(offered), isNothing ? [] : plain([expected]), JSON.stringify(typed));
  }
});

test("fish offers every option and command that the help shows", { skip: without("fish") }, () => {
  for (const [path, { commands }] of shown) {
    assert.deepEqual(fishOffers(`${path} --`.trimStart()).sort(), optionsAt(path), path);
    if (commands.length > 0) assert.deepEqual(fishOffers(`${path} `.trimStart()).sort(), [...commands].sort(), path);
  }
});

test("a shell that is not known is refused, with those that are", async () => {
  const { code, err } = await cli(["completion", "tcsh"]);
  assert.equal(code, 2);
  assert.match(err, /Allowed choices are bash, zsh, fish/);
});
