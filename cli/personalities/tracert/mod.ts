import { printable } from "../../printable.ts";
import type { Personality } from "../mod.ts";
import { readTracertOptions, TracertExit } from "./options.ts";
import { runTracert } from "./run.ts";

/** Windows' tracert. */
export const tracert: Personality = async (argv, context, call) => {
  try {
    return await runTracert(readTracertOptions(argv, call.family), context);
  } catch (error) {
    if (!(error instanceof TracertExit)) throw error;
    context.stdout.write(error.message.split("\n").map(printable).join("\n"));
    return error.exitCode;
  }
};
