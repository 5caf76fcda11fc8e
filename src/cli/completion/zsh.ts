import { type CompletedCommand, type CompletedOption, commandsBelow, type Value } from "./model.ts";

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** In a specification of _arguments and _describe a colon and brackets have a meaning. */
const escaped = (text: string) => text.replace(/[\\[\]:]/g, "\\$&");

/** The script for zsh: one function for each command. It is loaded from a folder of fpath as well as by eval. */
export function zshScript(program: CompletedCommand): string {
  const functions = commandsBelow(program).map((command) => `${functionName(command)}() {\n${bodyOf(command)}\n}\n`);
  return `#compdef millrace
# Completion of millrace for zsh: eval "$(millrace completion zsh)" in ~/.zshrc, after compinit
${functions.join("")}
if [[ $funcstack[1] == _millrace ]]; then
  _millrace "$@"
else
  compdef _millrace millrace
fi
`;
}

const functionName = ({ path }: CompletedCommand) =>
  ["_millrace", ...path.map((word) => word.replace(/\W/g, "_"))].join("__");

function bodyOf(command: CompletedCommand): string {
  const { commands, argument, options } = command;
  const specs = options.map(optionSpec);
  if (commands.length === 0) {
    const operands = argument === undefined ? [] : [quoted(`*:${argument.kind}:${action(argument)}`)];
    return `  _arguments -S ${[...specs, ...operands].join(" \\\n    ")}`;
  }
  const choices = commands.map((child) => quoted(`${escaped(child.path.at(-1)!)}:${escaped(child.description)}`));
  const cases = commands.map((child) => `        ${quoted(child.path.at(-1)!)}) ${functionName(child)} ;;`);
  return `  local context state state_descr line
  typeset -A opt_args
  _arguments -C ${[...specs, "'1: :->command'", "'*:: :->arguments'"].join(" \\\n    ")}
  case $state in
    command)
      local -a commands=(
        ${choices.join("\n        ")}
      )
      _describe -t commands command commands
      ;;
    arguments)
      case $line[1] in
${cases.join("\n")}
      esac
      ;;
  esac`;
}

function optionSpec({ names, description, value, isOptional, isVariadic }: CompletedOption): string {
  const text = `[${escaped(description)}]`;
  // "=": the value is the next word, or stands behind an equals sign; "::": it may be left out.
  const argument = value && `${isOptional ? "::" : ":"}${value.kind}:${action(value)}`;
  const spec = (name: string) => `${name}${value && name.startsWith("--") ? "=" : ""}${text}${argument ?? ""}`;
  if (isVariadic) return names.map((name) => quoted(`*${spec(name)}`)).join(" ");
  if (names.length === 1) return quoted(spec(names[0]!));
  return names.map((name) => quoted(`(${names.join(" ")})${spec(name)}`)).join(" ");
}

function action(value: Value): string {
  if (value.kind === "file") return "_files";
  if (value.kind === "folder") return "_files -/";
  return value.kind === "choice" ? `(${value.choices.join(" ")})` : " ";
}
