import type { CommandContext } from "./context.ts";
import { EXIT } from "./exit-codes.ts";
import type { Call } from "./grammar.ts";
import { MAIN_HELP, VERSION_LINE } from "./help.ts";
import { findPersonality, type NamedPersonality } from "./personalities/mod.ts";
import type { LoadedPlugin } from "./plugins/load.ts";
import { namedPlugins } from "./plugins/named.ts";
import { printable } from "./printable.ts";
import { isKeeping, needsOf, withoutKeep } from "./privileges/needs.ts";

/** They go on for as long as they are asked to; a trace is over in a few round trips. */
const LASTING: ReadonlySet<string> = new Set(["live", "replay", "report", "scan"]);

/**
 * Runs a command line (without the program's own name) and returns the exit status. Never rejects, and tells every
 * error in one line. `startedAs`: the name under which the executable was started, which may be that of a tool.
 */
export async function runCommandLine(
  argv: readonly string[],
  context: CommandContext,
  startedAs = "nettrace",
): Promise<number> {
  try {
    const { resign: _, ...keeping } = context;
    const rightful = isKeeping(argv, context.env) ? keeping : context;
    const personality = findPersonality(startedAs);
    if (personality !== undefined) return await runPersonality(personality, argv, rightful);
    return await dispatch(argv, rightful);
  } catch (error) {
    const { message, exitCode } = await explain(error);
    context.stderr.write(`nettrace: ${printable(message.trim().replace(/\s*[\r\n]+\s*/g, " "))}\n`);
    return exitCode;
  }
}

async function dispatch(argv: readonly string[], context: CommandContext): Promise<number> {
  const [first] = argv;
  if (first === undefined) {
    context.stderr.write(MAIN_HELP);
    return EXIT.usage;
  }
  // Without the parser, which takes longer to load than all the rest.
  if (argv.length === 1 && (first === "--version" || first === "-V")) {
    context.stdout.write(`${VERSION_LINE}\n`);
    return EXIT.reached;
  }
  if (argv.length === 2 && argv.includes("--verbose") && (argv.includes("--version") || argv.includes("-V"))) {
    const { verboseVersion } = await import("./version.ts");
    context.stdout.write(verboseVersion());
    return EXIT.reached;
  }
  if (argv.length === 1 && (first === "--help" || first === "-h" || first === "help")) {
    context.stdout.write(MAIN_HELP);
    return EXIT.reached;
  }
  const personality = findPersonality(first);
  if (personality !== undefined) return runPersonality(personality, argv.slice(1), context);
  if (LASTING.has(first)) context.lasts?.();
  const loaded = await loadNamedPlugins(argv, context);
  const needs = needsOf(argv);
  if (needs !== undefined) await context.resign?.(needs);
  let exitCode: number = EXIT.reached;
  const done = (code: number): void => {
    exitCode = code;
  };
  const call = { context: withPlugins(context, loaded), done, loaded };
  const { readPlain } = await import("./plain-command.ts");
  const plain = loaded.length === 0 ? readPlain(argv, call) : undefined;
  if (plain === undefined) await parse(argv, call);
  else await plain.action(...plain.given);
  return exitCode;
}

/** By the whole grammar. */
async function parse(argv: readonly string[], call: Call): Promise<void> {
  const words = argv[0] === "help" ? [...argv.slice(1, 2), "--help"] : [...argv];
  const { createProgram } = await import("./program.ts");
  try {
    await createProgram(call, words[0]).parseAsync(words, { from: "user" });
  } catch (error) {
    const { asUsageError } = await import("./usage.ts");
    const usage = asUsageError(error, argv);
    if (usage !== undefined) throw usage;
  }
}

async function runPersonality(
  { load, call, isLasting }: NamedPersonality,
  argv: readonly string[],
  context: CommandContext,
): Promise<number> {
  if (isLasting) context.lasts?.();
  const personality = await load();
  return personality(withoutKeep(argv), context, call);
}

/** What is needed to load plugins is itself loaded only where a protocol is named that is not built in. */
async function loadNamedPlugins(argv: readonly string[], context: CommandContext): Promise<readonly LoadedPlugin[]> {
  const [command = "", ...rest] = argv;
  if (!["auto", "trace", "report", "live", "scan", "doctor"].includes(command)) return [];
  const wanted = namedPlugins(rest);
  if (wanted.given.length === 0 && wanted.protocols.length === 0) return [];
  const { plugins } = await context.protocols();
  const isBuiltIn = (name: string): boolean => plugins.some((plugin) => plugin.name === name);
  if (wanted.given.length === 0 && wanted.protocols.every(isBuiltIn)) return [];
  const { loadPlugins } = await import("./plugins/load.ts");
  const needs = needsOf(argv);
  if (needs === undefined || context.resign === undefined) return loadPlugins(wanted, context);
  const { askForSockets } = await import("./privileges/ask.ts");
  return loadPlugins(wanted, context, async () => {
    await context.resign?.({ ...needs, atOnce: undefined, protocols: askForSockets(context, wanted) });
  });
}

function withPlugins(context: CommandContext, loaded: readonly LoadedPlugin[]): CommandContext {
  if (loaded.length === 0) return context;
  return {
    ...context,
    async protocols() {
      const { plugins, order } = await context.protocols();
      return { plugins: [...plugins, ...loaded.map(({ plugin }) => plugin)], order };
    },
  };
}

async function explain(error: unknown): Promise<{ readonly message: string; readonly exitCode: number }> {
  const { PrivilegeError, ResolveError, SocketError, UsageError } = await import("../core/mod.ts");
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof UsageError || error instanceof ResolveError) return { message, exitCode: EXIT.usage };
  if (error instanceof SocketError) return { message, exitCode: EXIT.refusedHere };
  if (error instanceof PrivilegeError) {
    return { message: `${message}; --keep-privileges goes on with them`, exitCode: EXIT.privileged };
  }
  // What Deno was not allowed.
  if (error instanceof Error && error.name === "NotCapable") {
    return { message: `Cannot go on: Deno refuses: ${message}`, exitCode: EXIT.usage };
  }
  const fault = `Cannot go on: ${message || "unknown fault"} (a fault of nettrace: please report it)`;
  return { message: fault, exitCode: EXIT.fault };
}
