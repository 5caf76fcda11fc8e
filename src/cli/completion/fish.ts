import { type CompletedCommand, type CompletedOption, commandsBelow, type Value } from "./model.ts";

/** Within single quotes fish takes `\'` and `\\` only. */
const quoted = (text: string) => `'${text.replace(/[\\']/g, "\\$&")}'`;

/** The script for fish: one line for each thing that can be completed. */
export function fishScript(program: CompletedCommand): string {
  const all = commandsBelow(program);
  const groups = all.filter(({ commands }) => commands.length > 0).map(({ path }) => quoted(path.join(" ")));
  return `# Completion of millrace for fish: millrace completion fish | source, in ~/.config/fish/config.fish
# True where the command line has this command; its arguments and options may follow.
function __millrace_at
    set -l words (commandline -opc)
    set -e words[1]
    set -l command
    for word in $words
        string match -q -- '-*' $word; and continue
        # Only these have commands below them.
        contains -- "$command" ${groups.join(" ")}; or break
        set command (string trim -- "$command $word")
    end
    test "$command" = "$argv[1]"
end
complete -c millrace -f
${all.flatMap(linesOf).join("\n")}
`;
}

function linesOf({ path, commands, options, argument }: CompletedCommand): string[] {
  const start = `complete -c millrace -n ${quoted(`__millrace_at ${quoted(path.join(" "))}`)}`;
  return [
    ...commands.map((child) => `${start} -a ${quoted(child.path.at(-1)!)} -d ${quoted(child.description)}`),
    ...(commands.length === 0 && argument !== undefined ? [`${start} ${argumentFlags(argument)}`] : []),
    ...options.map((option) => `${start} ${optionFlags(option)}`),
  ];
}

function argumentFlags(value: Value): string {
  return value.kind === "file" ? "-F" : `-f ${candidates(value)}`.trimEnd();
}

function optionFlags({ names, description, value, isOptional }: CompletedOption): string {
  const flags = names.map((name) => (name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  return [...flags, ...valueFlags(value, isOptional), `-d ${quoted(description)}`].join(" ");
}

function valueFlags(value: Value | undefined, isOptional: boolean): string[] {
  // An optional value is no reason to wait for one.
  if (value === undefined || isOptional) return [];
  return value.kind === "file" ? ["-r -F"] : ["-x", candidates(value)].filter((flag) => flag !== "");
}

function candidates(value: Value): string {
  if (value.kind === "folder") return "-a '(__fish_complete_directories)'";
  return value.kind === "choice" ? `-a ${quoted(value.choices.join(" "))}` : "";
}
