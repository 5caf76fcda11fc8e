import type { Command } from "commander";
import { withoutQuery } from "../errors.ts";

/** A word of a command line as a POSIX shell takes it; control characters as bash, zsh and ksh do. */
export function shellWord(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  if (/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/.test(word))
    return `$'${[...word].map((c) => (/[\u0020-\u007e\u00a0-\u2027\u202f-\u2065\u206a-\u{10ffff}]/u.test(c) ? c.replace(/['\\]/, "\\$&") : bytesOf(c))).join("")}'`;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

function bytesOf(character: string): string {
  return [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
}

/** The command again with the options that it was given, for other files. */
export function commandFor(command: Command, files: readonly string[]): string {
  const words = [
    "millrace",
    command.name(),
    ...files.map((file) => (file.startsWith("-") && file !== "-" ? `./${file}` : file)),
  ];
  for (const owner of [command, command.parent])
    for (const option of owner?.options ?? []) {
      const name = option.attributeName();
      if (owner!.getOptionValueSource(name) !== "cli" || option.long === undefined) continue;
      words.push(option.long, ...wordsOf(owner!.getOptionValue(name)));
    }
  return words.map(shellWord).join(" ");
}

function wordsOf(value: unknown): readonly string[] {
  if (typeof value === "boolean") return [];
  // A secret has no place in an argument, but a URL may bring one along.
  return (Array.isArray(value) ? value : [value])
    .map(String)
    .map((text) => (/^https?:/i.test(text) ? withoutQuery(text) : text));
}
