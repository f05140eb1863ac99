#!/usr/bin/env node
/** The composition root: the real streams, signals, clock and sockets, put together. */
import { runCommandLine } from "./app.ts";
import type { CommandContext } from "./context.ts";
import { EXIT } from "./exit-codes.ts";
import { onProcessInput, onProcessInterrupt, onProcessStatus, processOutput } from "./process.ts";

const stdout = processOutput("stdout");
const stderr = processOutput("stderr");

const context: CommandContext = {
  stdout,
  stderr,
  env: process.env,
  async protocols() {
    const { builtInPlugins, defaultOrder, tcpReach } = await import("../plugins/mod.ts");
    return { plugins: [...builtInPlugins, tcpReach], order: defaultOrder, last: tcpReach.name };
  },
  async openNetwork(options) {
    const { openSystemNetwork } = await import("../core/mod.ts");
    return openSystemNetwork(options);
  },
  ...("bun" in process.versions && { self: ownCommand() }),
  now: () => new Date(),
  onInterrupt: onProcessInterrupt,
  onStatus: onProcessStatus,
  onInput: onProcessInput,
};

/** The executable alone, or the runtime with its first file. */
function ownCommand(): readonly string[] {
  const [, file = ""] = process.argv;
  return file.startsWith("/$bunfs/") ? [process.execPath] : [process.execPath, file];
}

/** What happens outside of every await must not show a stack trace either. */
const lastResort = (error: unknown): void => {
  const text = error instanceof Error ? error.message : String(error);
  stderr.write(
    `nettrace: Cannot go on: ${text.replace(/[^\x20-\x7e]+/g, " ")} (a fault of nettrace: please report it)\n`,
  );
  void stderr.flush().then(() => process.exit(EXIT.fault));
};
process.on("uncaughtException", lastResort);
process.on("unhandledRejection", lastResort);

async function main(): Promise<void> {
  let exitCode = await runCommandLine(process.argv.slice(2), context, process.argv0);
  const failure = await stdout.flush();
  if (failure !== undefined) {
    stderr.write(`nettrace: Cannot write the output: ${failure}\n`);
    exitCode = EXIT.output;
  }
  await stderr.flush();
  // Lookups that never end would keep the process alive.
  process.exit(exitCode);
}

void main();
