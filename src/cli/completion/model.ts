import type { Argument, Command, Option } from "commander";

/** What may stand at a place of the command line. */
export type Value =
  | { readonly kind: "file" | "folder" | "text" }
  | { readonly kind: "choice"; readonly choices: readonly string[] };

export interface CompletedOption {
  /** `--table`, and its short form where it has one. */
  readonly names: readonly string[];
  readonly description: string;
  /** Undefined: a switch. */
  readonly value: Value | undefined;
  /** The value may be left out. */
  readonly isOptional: boolean;
  /** Takes every word up to the next option. */
  readonly isVariadic: boolean;
}

export interface CompletedCommand {
  /** The words after `millrace`; none for the program itself. */
  readonly path: readonly string[];
  readonly description: string;
  readonly commands: readonly CompletedCommand[];
  readonly options: readonly CompletedOption[];
  /**
   * What a word without a dash is; undefined where there is none. The further values of `--file a b` are such words to zsh and
   * fish, which know only options of one value.
   */
  readonly argument: Value | undefined;
}

/** Everything that the help of a program shows, so a shell offers what the parser takes and no option can be missed. */
export function completedCommand(
  command: Command,
  path: readonly string[] = [],
  inherited: readonly CompletedOption[] = [],
): CompletedCommand {
  const help = command.createHelp();
  const options = help.visibleOptions(command).map(completedOption);
  // --help and --version end the command that has them; the others are taken after a subcommand as well.
  const handedDown = [
    ...inherited,
    ...options.filter(({ names }) => !names.some((name) => /^--(help|version)$/.test(name))),
  ];
  const commands = help.visibleCommands(command).map((child) => {
    if (command.commands.includes(child)) return completedCommand(child, [...path, child.name()], handedDown);
    // `help` is commander's own: its argument is a command.
    const choices = command.commands.map((other) => other.name());
    return { ...completedCommand(child, [...path, child.name()]), argument: { kind: "choice", choices } as const };
  });
  const argument = command.registeredArguments.at(-1);
  const variadic = options.find(({ isVariadic, value }) => isVariadic && value?.kind !== "text")?.value;
  return {
    path,
    description: oneLine(command.description()),
    commands,
    options: [...options, ...inherited],
    argument: argument ? valueNamed(argument.name(), argument.argChoices) : variadic,
  };
}

/** The command and those below it. */
export function commandsBelow(command: CompletedCommand): CompletedCommand[] {
  return [command, ...command.commands.flatMap(commandsBelow)];
}

function completedOption(option: Option): CompletedOption {
  const hasValue = option.required || option.optional;
  return {
    names: [option.short, option.long].filter((name) => name !== undefined),
    description: oneLine(option.description),
    value: hasValue ? valueNamed(placeholderOf(option), option.argChoices) : undefined,
    isOptional: option.optional,
    isVariadic: option.variadic,
  };
}

/** `--schema <file>` -> `file`. */
const placeholderOf = (option: Option) => /[<[]([^>\].]+)/.exec(option.flags)?.[1] ?? "";

/** What the help calls a file is completed as one. */
function valueNamed(placeholder: string, choices: Argument["argChoices"]): Value {
  if (choices !== undefined && choices.length > 0) return { kind: "choice", choices };
  if (/^files?$/.test(placeholder)) return { kind: "file" };
  if (/^(folder|directory)$/.test(placeholder)) return { kind: "folder" };
  return { kind: "text" };
}

const oneLine = (text: string) => text.replace(/\s+/g, " ");
