import { Argument, Command } from "commander";
import type { Finish } from "../finish.ts";
import { bashScript } from "./bash.ts";
import { fishScript } from "./fish.ts";
import { type CompletedCommand, completedCommand } from "./model.ts";
import { zshScript } from "./zsh.ts";

const scripts: Readonly<Record<string, (program: CompletedCommand) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

const help = `
Put one of these lines into the shell's start file:
  bash  eval "$(millrace completion bash)"        in ~/.bashrc
  zsh   eval "$(millrace completion zsh)"         in ~/.zshrc, after compinit
  fish  millrace completion fish | source         in ~/.config/fish/config.fish`;

export function completionCommand(_finish: Finish): Command {
  return new Command("completion")
    .description("print the script by which a shell completes commands, options, their choices and file names")
    .addArgument(new Argument("<shell>", "the shell").choices(Object.keys(scripts)))
    .addHelpText("after", help)
    .action((shell: string, _: object, self: Command) => {
      process.stdout.write(scripts[shell]!(completedCommand(self.parent!)));
    });
}
