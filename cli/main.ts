#!/usr/bin/env node
/** The composition root: the real streams, signals, clock and sockets, put together. */
import { runCommandLine } from "./app.ts";
import type { CommandContext } from "./context.ts";
import { EXIT } from "./exit-codes.ts";
import type { RunNeeds } from "./privileges/needs.ts";
import type { Privileges } from "./privileges/resign.ts";
import { onProcessInput, onProcessInterrupt, onProcessStatus, processOutput } from "./process.ts";

const stdout = processOutput("stdout");
const stderr = processOutput("stderr");

let privileges: Privileges | undefined;

async function resign(needs: RunNeeds): Promise<void> {
  if (process.platform !== "linux") return;
  const { createPrivileges } = await import("./privileges/resign.ts");
  privileges ??= createPrivileges(stderr, process.env);
  await privileges.resign(needs);
}

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
    const sockets = privileges?.sockets;
    return openSystemNetwork(sockets === undefined ? options : { ...options, sockets });
  },
  // Only the executable: all of it is loaded already, while modules in files would have to be another user's to read.
  ...(isExecutable() && { resign, opened: (path: string) => privileges?.opened(path) }),
  ...("bun" in process.versions && { self: ownCommand() }),
  lasts: compileAsUsual,
  now: () => new Date(),
  onInterrupt: onProcessInterrupt,
  onStatus: onProcessStatus,
  onInput: onProcessInput,
};

/** The executable is built to put it off (release/executable.ts). */
function compileAsUsual(): void {
  const { Bun: runtime } = globalThis as { readonly Bun?: { readonly unsafe: { setJITPolicy(scale: number): void } } };
  if (isExecutable()) runtime?.unsafe.setJITPolicy(1);
}

/** The executable alone, or the runtime with its first file. */
function ownCommand(): readonly string[] {
  return isExecutable() ? [process.execPath] : [process.execPath, process.argv[1] ?? ""];
}

function isExecutable(): boolean {
  return process.argv[1]?.startsWith("/$bunfs/") === true;
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
  privileges?.sockets?.closeTaps();
  const failure = await stdout.flush();
  if (failure !== undefined) {
    stderr.write(`nettrace: Cannot write the output: ${failure}\n`);
    exitCode = EXIT.output;
  }
  await stderr.flush();
  // Lookups that never end would keep the process alive.
  process.exit(exitCode);
}

// Awaited: a module that is evaluated while work is left has the runtime collect garbage first, for a millisecond or more.
await main();
