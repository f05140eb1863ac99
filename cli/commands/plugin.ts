import { existsSync, writeFileSync } from "node:fs";
import { type PluginMode, UsageError } from "../../core/mod.ts";
import type { CommandContext } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { echo } from "../host.ts";
import { judge, listFolder, PLUGIN_NAME, pluginFolder } from "../plugins/folder.ts";
import { isPluginKind, pluginTemplate, testTemplate } from "../plugins/templates.ts";
import { whoAmI } from "../plugins/trust.ts";
import { printable } from "../printable.ts";

/** `nettrace plugin list`: looks at files, and runs none of them. */
export async function runPluginList(context: CommandContext): Promise<number> {
  const who = whoAmI(context.env);
  const folder = pluginFolder(context.env, who);
  const { plugins } = await context.protocols();
  const found = listFolder(folder);
  const builtIn = plugins.map(({ name, summary = "", modes = [] }) => ({
    name,
    state: "built in",
    detail: [summary, modes.map(modeText).join(", ")].filter((part) => part !== "").join("; "),
  }));
  const own = found.map(({ name, path }) => {
    if (plugins.some((plugin) => plugin.name === name)) {
      return { name, state: "refused", detail: `${path}: a built-in plugin has that name` };
    }
    const judged = judge(path, who, false);
    return "refused" in judged
      ? { name, state: "refused", detail: `${path}: ${judged.refused}` }
      : { name, state: "trusted", detail: judged.file };
  });
  const rows = [...builtIn, ...own];
  const width = Math.max(...rows.map(({ name }) => name.length));
  for (const { name, state, detail } of rows) {
    context.stdout.write(`${name.padEnd(width)}  ${state.padEnd(8)}  ${printable(detail)}\n`);
  }
  context.stdout.write(`${own.length === 0 ? "no plugins of your own in" : "your own are in"} ${printable(folder)}\n`);
  return EXIT.reached;
}

const NEEDS: Readonly<Record<PluginMode["needs"], string>> = {
  raw: "needs root or CAP_NET_RAW",
  ping: "needs a group in net.ipv4.ping_group_range",
  none: "needs no privilege",
  nothing: "needs nothing",
};

function modeText({ name, needs }: PluginMode): string {
  return `${name} ${NEEDS[needs]}`;
}

export interface PluginNewArguments {
  readonly name: string;
  readonly kind?: string | undefined;
}

/** `nettrace plugin new NAME`: writes a plugin and its test, and never over a file that is there. */
export function runPluginNew(context: CommandContext, { name, kind = "udp" }: PluginNewArguments): number {
  if (!isPluginKind(kind)) throw new UsageError(`Cannot use --kind ${echo(kind) || '""'}: it must be raw, udp or tcp`);
  if (!PLUGIN_NAME.test(name) || name.length > 32) {
    throw new UsageError(
      `Cannot make the plugin ${echo(name) || '""'}: a name is kebab-case, such as dns or tcp-ack, of at most 32 characters`,
    );
  }
  for (const path of [`${name}.ts`, `${name}.test.ts`]) {
    if (existsSync(path)) throw new UsageError(`Cannot write ${path}: there is one already`);
  }
  write(`${name}.ts`, pluginTemplate(name, kind));
  write(`${name}.test.ts`, testTemplate(name, kind));
  context.stdout.write(
    `${name}.ts       the plugin: nettrace trace example.com --plugin ./${name}.ts -P ${name}\n` +
      `${name}.test.ts  its test; runs where the package nettrace is installed; without: nettrace plugin check ./${name}.ts\n`,
  );
  return EXIT.reached;
}

/** Written by nobody else, whatever the umask: else the plugin would be refused. */
const MODE = 0o644;

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: "wx", mode: MODE });
  } catch (error) {
    const { code, message } = Object(error);
    const why = code === "EEXIST" ? "there is one already" : String(message);
    throw new UsageError(`Cannot write ${path}: ${why}`);
  }
}
