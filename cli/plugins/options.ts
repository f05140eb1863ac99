import { type PluginOption, type PluginValues, type ProtocolPlugin, type Rung, UsageError } from "../../core/mod.ts";
import { echo } from "../host.ts";
import { attributeOf } from "../option-attribute.ts";
import { printable } from "../printable.ts";
import type { LoadedPlugin } from "./load.ts";

/** Values of plugins' own options, by the plugin's name; only what was given. */
export type ValuesByPlugin = ReadonlyMap<string, PluginValues>;

/** Adds the options of the plugins that are loaded: `--dns.qname <string>`; `--dns.tcp` and `--no-dns.tcp`. */
export function addPluginOptions(command: { option(flags: string): unknown }, loaded: readonly LoadedPlugin[]): void {
  for (const { plugin, option } of allOptions(loaded)) {
    const flags = flagsOf(plugin, option);
    command.option(flags);
    if (option.type === "boolean") command.option(flags.replace("--", "--no-"));
  }
}

/** Throws UsageError for a value of the wrong type. */
export function readPluginOptions(
  loaded: readonly LoadedPlugin[],
  typed: Readonly<Record<string, unknown>>,
): ValuesByPlugin {
  const values = new Map<string, PluginValues>();
  for (const { plugin, option } of allOptions(loaded)) {
    const value = typed[attributeOf(`--${plugin.name}.${option.name}`)];
    if (value === undefined) continue;
    values.set(plugin.name, { ...values.get(plugin.name), [option.name]: typedValue(plugin, option, value) });
  }
  return values;
}

/** The rungs with the values of their plugins' options. Throws UsageError where a value would go unused. */
export function withPluginOptions(rungs: readonly Rung[], values: ValuesByPlugin): readonly Rung[] {
  for (const name of values.keys()) {
    if (rungs.some(({ plugin }) => plugin.name === name)) continue;
    throw new UsageError(`Cannot use the options of ${name}: it is not among the protocols to try`);
  }
  return rungs.map((rung) => {
    const options = values.get(rung.plugin.name);
    return options === undefined ? rung : { ...rung, options };
  });
}

/** What `--help` says of the plugins that are loaded, after its own text. */
export function pluginHelp(loaded: readonly LoadedPlugin[]): string {
  return loaded
    .map(({ plugin, file }) => {
      const head = `\n${plugin.name}${plugin.summary === undefined ? "" : `: ${printable(plugin.summary)}`}\n  from ${printable(file)}\n`;
      return head + (plugin.options ?? []).map((option) => optionHelp(plugin, option)).join("");
    })
    .join("");
}

function optionHelp(plugin: ProtocolPlugin, option: PluginOption): string {
  const flags = `      ${flagsOf(plugin, option).replace(/<(.*)>/, (_, type: string) => type.toUpperCase())}`;
  const preset = option.default === undefined ? "" : ` (${option.default})`;
  const gap = flags.length < 27 ? flags.padEnd(28) : `${flags}  `;
  return `${gap}${printable(option.description + preset)}\n`;
}

function allOptions(loaded: readonly LoadedPlugin[]): { plugin: ProtocolPlugin; option: PluginOption }[] {
  return loaded.flatMap(({ plugin }) => (plugin.options ?? []).map((option) => ({ plugin, option })));
}

function flagsOf(plugin: ProtocolPlugin, { name, type }: PluginOption): string {
  return `--${plugin.name}.${name}${type === "boolean" ? "" : ` <${type}>`}`;
}

function typedValue(plugin: ProtocolPlugin, option: PluginOption, value: unknown): string | number | boolean {
  if (typeof value === "boolean" || option.type === "string") return typeof value === "boolean" ? value : String(value);
  const text = String(value);
  if (/^-?\d{1,15}(\.\d{1,15})?$/.test(text)) return Number(text);
  throw new UsageError(`Cannot use --${plugin.name}.${option.name} ${echo(text) || '""'}: it must be a number`);
}
