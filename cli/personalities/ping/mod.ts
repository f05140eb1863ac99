import { UsageError } from "../../../core/mod.ts";
import type { Personality } from "../mod.ts";
import { PingExit } from "./exit.ts";
import { HELP, USAGE, versionText } from "./help.ts";
import { readCommand } from "./options.ts";
import { runPing } from "./run.ts";

/** iputils' ping, of 2022-11-26. */
export const ping: Personality = async (argv, context, call) => {
  const { calledAs } = call;
  try {
    // iputils asks for the user too, whatever his capabilities.
    const command = readCommand(argv, call, process.getuid?.() === 0);
    switch (command.type) {
      case "version":
        context.stdout.write(versionText());
        return 0;
      case "help":
        context.stdout.write(HELP);
        return 0;
      case "usage":
        context.stderr.write(USAGE);
        return 2;
      case "ping":
        return await runPing(command.options, context, calledAs);
    }
  } catch (error) {
    if (error instanceof PingExit) {
      context.stderr.write(`${calledAs}: ${error.message}\n`);
      return error.exitCode;
    }
    if (error instanceof UsageError) {
      context.stderr.write(`${calledAs}: ${error.message}\n`);
      return 2;
    }
    throw error;
  }
};
