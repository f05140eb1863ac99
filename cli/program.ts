import { Command } from "@commander-js/extra-typings";
import { type Call, defineCommands } from "./grammar.ts";
import { MAIN_HELP, VERSION_LINE } from "./help.ts";

/** The parser of the command line; `wanted`: with the command of that name alone, if there is one. */
export function createProgram(call: Call, wanted?: string): Command {
  const program = new Command("nettrace");
  // Nothing is written and nothing ends the process here: errors are thrown, and told in one line by the caller.
  const writeOut = (text: string): void => call.context.stdout.write(text);
  program.configureOutput({ writeErr: () => {}, writeOut, outputError: () => {} }).exitOverride();
  program.version(VERSION_LINE, "-V, --version").helpCommand(false);
  program.helpInformation = () => MAIN_HELP;
  defineCommands(program, call, wanted);
  return program;
}
