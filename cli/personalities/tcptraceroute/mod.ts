import { printable } from "../../printable.ts";
import type { Personality } from "../mod.ts";
import { readTcpOptions, TcptracerouteExit } from "./options.ts";
import { runTcptraceroute } from "./run.ts";
import { aboutText, usageText } from "./usage.ts";

/** Toren's tcptraceroute 1.5, which Debian has under that name. */
export const tcptraceroute: Personality = async (argv, context, call) => {
  try {
    return await runTcptraceroute(readTcpOptions(argv, usageText(call), aboutText()), context, call.family);
  } catch (error) {
    if (!(error instanceof TcptracerouteExit)) throw error;
    context.stdout.write(error.stdout);
    context.stderr.write(error.message.split("\n").map(printable).join("\n"));
    return error.exitCode;
  }
};
