import { type CompletedCommand, type CompletedOption, commandsBelow, type Value } from "./model.ts";

/** `'` ends the text, `\'` is one, `'` begins it again. */
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * The script for bash, from 3.2 on (macOS) and without the package bash-completion. File names are left to readline, which
 * knows `~`, quotes and spaces; where none is wanted, readline's are switched off (bash 3.2 cannot: it offers them).
 */
export function bashScript(program: CompletedCommand): string {
  const all = commandsBelow(program);
  return `# Completion of millrace for bash: eval "$(millrace completion bash)" in ~/.bashrc
_millrace() {
  local word= command= option= rest= operands= offered= prefix= i
  local current=\${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    # Readline gives --name=value as three words.
    [[ $word == '=' ]] && continue
    if [[ -n $operands ]]; then continue; fi
    if [[ $word == '--' ]]; then operands=1 option= rest=; continue; fi
    if [[ $word == -* ]]; then
      option= rest=
      _millrace_takes "$command" "$word"
      continue
    fi
    if [[ -n $option ]]; then
      [[ -n $rest ]] || option=
      continue
    fi
    case "$command/$word" in
${lines(all.filter(({ path }) => path.length > 0).map(({ path }) => `      ${quoted(keyOf(path))}) command=${quoted(keyOf(path))} ;;`))}
    esac
  done
  if [[ $current == '=' ]]; then current=; fi
  if [[ -z $operands && $current == --*=* ]]; then
    # Where COMP_WORDBREAKS has no =.
    prefix=\${current%%=*}= current=\${current#*=}
    _millrace_takes "$command" "\${prefix%=}"
  elif [[ -z $operands && $current == -* ]]; then
    case $command in
${lines(all.map(({ path, options }) => `      ${quoted(keyOf(path))}) offered=${quoted(namesOf(options))} ;;`))}
    esac
    _millrace_offer
    return
  fi
  if [[ -n $option ]]; then
    case "$command $option" in
${lines(all.flatMap(({ path, options }) => options.flatMap((option) => valueLines(keyOf(path), option))))}
      *) _millrace_offer ;;
    esac
    return
  fi
  case $command in
${lines(all.map((command) => `    ${quoted(keyOf(command.path))}) ${argumentAction(command)} ;;`))}
  esac
}
# Sets the option whose value the next word is, and rest where it takes all words up to the next option.
_millrace_takes() {
  case "$1 $2" in
${lines(all.flatMap(({ path, options }) => options.flatMap((option) => takesLines(keyOf(path), option))))}
  esac
}
_millrace_offer() {
  compopt +o default 2>/dev/null
  local IFS=$' \\n'
  COMPREPLY=($(compgen -P "$prefix" -W "$offered" -- "$current"))
}
_millrace_folders() {
  compopt +o default -o dirnames 2>/dev/null
}
complete -o default -F _millrace millrace
`;
}

const lines = (texts: readonly string[]) => texts.join("\n");

/** The path with a slash before each word, as the script builds it: `/log/inspect`. */
const keyOf = (path: readonly string[]) => path.map((word) => `/${word}`).join("");

const namesOf = (options: readonly CompletedOption[]) => options.flatMap(({ names }) => names).join(" ");

const patternOf = (key: string, names: readonly string[]) => names.map((name) => quoted(`${key} ${name}`)).join("|");

function takesLines(key: string, { names, value, isVariadic }: CompletedOption): string[] {
  if (value === undefined) return [];
  return [`    ${patternOf(key, names)}) option=$2${isVariadic ? " rest=1" : ""} ;;`];
}

function valueLines(key: string, { names, value }: CompletedOption): string[] {
  if (value === undefined || value.kind === "text") return [];
  return [`      ${patternOf(key, names)}) ${action(value)} ;;`];
}

function action(value: Value | undefined): string {
  if (value?.kind === "file") return ":";
  if (value?.kind === "folder") return "_millrace_folders";
  if (value?.kind === "choice") return `offered=${quoted(value.choices.join(" "))}; _millrace_offer`;
  return "_millrace_offer";
}

function argumentAction({ commands, argument }: CompletedCommand): string {
  if (commands.length === 0) return action(argument);
  return action({ kind: "choice", choices: commands.map(({ path }) => path.at(-1)!) });
}
