import { checkPlugin, PluginError, type ProtocolPlugin, UsageError } from "../../core/mod.ts";
import type { CommandContext } from "../context.ts";
import { echo } from "../host.ts";
import { printable } from "../printable.ts";
import { createSight, lookAhead } from "./ahead.ts";
import { PLUGIN_NAME, pluginFolder } from "./folder.ts";
import { importPlugin, type PluginFile, UntrustedError } from "./modules.ts";
import type { WantedPlugins } from "./named.ts";
import { whoAmI } from "./trust.ts";

/** A plugin that came from a file. */
export interface LoadedPlugin {
  readonly plugin: ProtocolPlugin;
  /** Absolute, without symbolic links. */
  readonly file: string;
  /** What else the file exports: `nettrace plugin check` looks for a service. */
  readonly exports: Readonly<Record<string, unknown>>;
}

/**
 * Loads what a command line names, in the order named. `resign`: called once it is known which files are trusted, before any
 * is read. Throws UsageError for the first that cannot be loaded.
 */
export async function loadPlugins(
  wanted: WantedPlugins,
  context: CommandContext,
  resign?: () => Promise<void>,
): Promise<readonly LoadedPlugin[]> {
  const who = whoAmI(context.env);
  const folder = pluginFolder(context.env, who);
  const sight = resign === undefined ? createSight(folder, who) : lookAhead(wanted, folder, who);
  await resign?.();
  const { plugins: builtIn } = await context.protocols();
  const loaded: LoadedPlugin[] = [];

  const load = async (file: string, isAsked: boolean): Promise<LoadedPlugin> => {
    const before = loaded.find((each) => each.file === file);
    if (before !== undefined) return before;
    const found = await runFile({ file, who, isAsked, opened: sight.opened(file) }, context);
    const { plugin } = found;
    if (builtIn.some(({ name }) => name === plugin.name)) {
      throw refusal(file, `its name ${plugin.name} is that of a built-in one`);
    }
    const twin = loaded.find((each) => each.plugin.name === plugin.name);
    if (twin !== undefined) throw refusal(file, `its name ${plugin.name} is that of ${twin.file} too`);
    loaded.push(found);
    return found;
  };

  const loadByName = async (name: string): Promise<boolean> => {
    const found = sight.find(name);
    if (found === undefined) return false;
    const judged = sight.judge(found.path, false);
    if ("refused" in judged) throw refusal(found.path, judged.refused);
    const { plugin, file } = await load(judged.file, false);
    if (plugin.name !== name) throw refusal(file, `the plugin in it is called ${plugin.name}, not ${name}`);
    return true;
  };

  for (const given of wanted.given) {
    if (PLUGIN_NAME.test(given)) {
      if (await loadByName(given)) continue;
      throw refusal(given, `there is none in ${folder} (a file is named by its path, as in ./${given}.ts)`);
    }
    const judged = sight.judge(given, true);
    if ("refused" in judged) throw refusal(given, judged.refused);
    await load(judged.file, true);
  }
  for (const name of wanted.protocols) {
    const isKnown = [...builtIn, ...loaded.map(({ plugin }) => plugin)].some((each) => each.name === name);
    // A name that is nowhere is told by the command, which knows all there are.
    if (!isKnown && PLUGIN_NAME.test(name)) await loadByName(name);
  }
  return loaded;
}

/** Said on Windows. */
const UNCHECKED = " (who else may change it is not checked here)";

async function runFile(
  { file, who, isAsked, opened }: Omit<PluginFile, "onTrusted">,
  context: CommandContext,
): Promise<LoadedPlugin> {
  const onTrusted = (): void => {
    const isRoot = who.sudoUid !== undefined && process.geteuid?.() === 0;
    const asWhom = isRoot ? " as root" : who.profile !== undefined ? UNCHECKED : "";
    context.stderr.write(`nettrace: loads the plugin ${printable(file)}${asWhom}\n`);
  };
  try {
    const exports = await importPlugin({ file, who, isAsked, opened, onTrusted });
    if (exports["default"] === undefined) throw refusal(file, "it has no default export");
    return { plugin: checkPlugin(exports["default"]), file, exports };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw refusal(file, error instanceof UntrustedError ? error.message : wordsOf(error));
  }
}

function refusal(path: string, why: string): UsageError {
  return new UsageError(`Cannot load the plugin ${path === "" ? '""' : echoPath(path)}: ${why}`);
}

/** Long enough for a path. */
function echoPath(path: string): string {
  return path.length > 300 ? echo(path) : path;
}

/** Errors of the runtime's parser have a position, or stand in a list. */
function wordsOf(error: unknown): string {
  if (error instanceof PluginError) return error.message.replace(/^Cannot use the plugin(?: \S+)?: /, "");
  const first: unknown = error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
  const { position, message } = Object(first);
  const text = typeof message === "string" && message !== "" ? message : String(first);
  const { line, column } = Object(position);
  if (typeof line === "number") return `line ${line}, column ${column}: ${text}`;
  const name = first instanceof Error ? first.name : "";
  return /^(ResolveMessage|SyntaxError)$/.test(name) ? text : `it failed while it was loaded: ${text}`;
}
