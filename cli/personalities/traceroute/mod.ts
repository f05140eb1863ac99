import { printable } from "../../printable.ts";
import type { Personality } from "../mod.ts";
import { TracerouteExit } from "./exit.ts";
import { HELP } from "./help.ts";
import { readOptions } from "./options.ts";
import { runTraceroute } from "./run.ts";

/** Butskoy's traceroute 2.1, the one of Linux distributions. */
export const traceroute: Personality = async (argv, context, call) => {
  try {
    if (argv.length === 0) throw new TracerouteExit(HELP.trimEnd(), 0);
    return await runTraceroute(readOptions(argv, call.family), context);
  } catch (error) {
    if (!(error instanceof TracerouteExit)) throw error;
    context.stderr.write(`${error.message.split("\n").map(printable).join("\n")}\n`);
    return error.exitCode;
  }
};
