import type { Endpoint } from "./address.ts";
import { PluginError } from "./errors.ts";
import type { Network } from "./network.ts";
import type { PluginOption, ProbeOptions, ProbeSession, ProtocolPlugin } from "./plugin.ts";

/** MAJOR.MINOR of what a plugin may rely on: the contracts and all that `core/mod.ts` exports. */
export const PLUGIN_API = "1.2";

/** The type of an option's value by the word in `PluginOption.type`. */
export interface OptionTypes {
  readonly string: string;
  readonly number: number;
  readonly boolean: boolean;
}

/** The values of options by name: certain where there is a default. */
export type OptionValues<Options extends readonly PluginOption[]> = {
  readonly [Each in Options[number] as Each["name"]]:
    | OptionTypes[Each["type"]]
    | (Each extends { readonly default: string | number | boolean } ? never : undefined);
};

/** A plugin as it is written: `open` is given the values of the options that it declares. */
export interface PluginDefinition<Options extends readonly PluginOption[]> extends Omit<ProtocolPlugin, "open"> {
  readonly options?: Options;
  /** As `ProtocolPlugin.open`. */
  open(
    network: Network,
    target: Endpoint,
    options: ProbeOptions & { readonly plugin: OptionValues<Options> },
  ): ProbeSession;
}

/** The plugin itself, checked. Throws PluginError where it is none, or needs another API than this. */
export function definePlugin<const Options extends readonly PluginOption[] = readonly []>(
  plugin: PluginDefinition<Options>,
): ProtocolPlugin {
  return checkPlugin(plugin);
}

const KEBAB = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const LONGEST_NAME = 32;
const LONGEST_LINE = 100;
const NEEDS: ReadonlySet<unknown> = new Set(["raw", "ping", "none", "nothing"]);
const TYPES: ReadonlySet<unknown> = new Set(["string", "number", "boolean"]);

/** The same for anything at all, such as what a file exports. */
export function checkPlugin(value: unknown): ProtocolPlugin {
  const refuse: Refuse = (why) => {
    const name = isRecord(value) && isName(value["name"]) ? ` ${value["name"]}` : "";
    throw new PluginError(`Cannot use the plugin${name}: ${why}`);
  };
  if (!isRecord(value)) refuse("it is no object with name and open");
  const { name, api, summary, defaultPort, options, modes, rawProtocols, open, many } = value;
  // First: another version of the API may know another shape.
  if (api !== undefined) checkApi(api, refuse);
  if (!isName(name)) refuse("its name is not kebab-case, such as dns or tcp-ack, of at most 32 characters");
  if (typeof open !== "function") refuse("it has no function open");
  if (many !== undefined && typeof many !== "function") refuse("its many is no function");
  if (summary !== undefined && !isLine(summary)) refuse("its summary is not one line of at most 100 characters");
  if (defaultPort !== undefined && !isPort(defaultPort)) {
    refuse("its defaultPort is not a whole number from 1 to 65535");
  }
  if (options !== undefined) checkOptions(options, refuse);
  if (modes !== undefined) checkModes(modes, refuse);
  if (rawProtocols !== undefined && !(Array.isArray(rawProtocols) && rawProtocols.every(isProtocol))) {
    refuse("its rawProtocols are not whole numbers from 0 to 255");
  }
  return value as unknown as ProtocolPlugin;
}

type Refuse = (why: string) => never;

function checkApi(api: unknown, refuse: Refuse): void {
  const ranges = typeof api === "string" ? api.split("||").map((each) => /^\s*\^(\d+)(?:\.(\d+))?\s*$/.exec(each)) : [];
  if (ranges.length === 0 || ranges.includes(null)) refuse(`its api is no range such as "^${PLUGIN_API}"`);
  const [major = 0, minor = 0] = PLUGIN_API.split(".").map(Number);
  const fits = ranges.some((range) => Number(range?.[1]) === major && Number(range?.[2] ?? 0) <= minor);
  if (!fits) refuse(`it needs the plugin API ${api}, and this nettrace has ${PLUGIN_API}`);
}

function checkOptions(options: unknown, refuse: Refuse): void {
  if (!Array.isArray(options)) refuse("its options are no array");
  const names = new Set<unknown>();
  for (const option of options) {
    if (!isRecord(option) || !isName(option["name"])) refuse("an option's name is not kebab-case");
    const { name, type, description, default: preset } = option;
    if (names.has(name)) refuse(`it has two options ${name}`);
    names.add(name);
    if (!isLine(description)) refuse(`option ${name} has no description of one line`);
    if (!TYPES.has(type)) refuse(`option ${name} has none of the types string, number, boolean`);
    if (preset !== undefined && typeof preset !== type) refuse(`option ${name} has a default that is no ${type}`);
  }
}

function checkModes(modes: unknown, refuse: Refuse): void {
  if (!Array.isArray(modes)) refuse("its modes are no array");
  for (const mode of modes) {
    const isMode = isRecord(mode) && isLine(mode["name"]) && NEEDS.has(mode["needs"]);
    if (!isMode) refuse('a mode is not { name, needs: "raw" | "ping" | "none" | "nothing" }');
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value.length <= LONGEST_NAME && KEBAB.test(value);
}

function isLine(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= LONGEST_LINE && !/[\x00-\x1f\x7f]/.test(value);
}

function isProtocol(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 255;
}

function isPort(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 65_535;
}
