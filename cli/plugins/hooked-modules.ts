import * as loader from "node:module";
import { extname } from "node:path";
import { pathToFileURL } from "node:url";
import * as core from "../../core/mod.ts";
import { ASKED, createHooks, FOUND, type HookSettings, type Hooks, UNTRUSTED } from "./module-hooks.ts";
import { type PluginFile, UntrustedError } from "./modules.ts";
import { distrust, type Who } from "./trust.ts";

/** Through this key of the global object a plugin's `nettrace` finds the core. */
const OWN_KEY = "nettrace.core";
let isHooked = false;

/** Looks at each file just before it runs: on Node and Deno, whose loader takes hooks. */
export async function importPlugin(plugin: PluginFile): Promise<Readonly<Record<string, unknown>>> {
  const { file, who, isAsked, onTrusted } = plugin;
  if (/^\.[cm]?ts$/.test(extname(file)) && !runsTypeScript()) {
    const why = `Node ${process.versions.node} runs no TypeScript: use Node 22.18 or later, the executable, or a .js file`;
    throw new core.UsageError(`Cannot load the plugin ${file}: ${why}`);
  }
  const offence = distrust(file, who, isAsked);
  if (offence !== undefined) throw new UntrustedError(offence);
  if (!isHooked) {
    hook(who);
    isHooked = true;
  }
  onTrusted();
  try {
    return await import(`${isAsked ? ASKED : FOUND}${pathToFileURL(file)}`);
  } catch (error) {
    const { message } = Object(error);
    const at = typeof message === "string" ? message.indexOf(UNTRUSTED) : -1;
    throw at < 0 ? error : new UntrustedError(message.slice(at + UNTRUSTED.length));
  }
}

/** Node strips types since 22.18 and 23.6; Deno always could. */
function runsTypeScript(): boolean {
  return "Deno" in globalThis || Boolean(Reflect.get(process.features, "typescript"));
}

function hook(who: Who): void {
  Reflect.set(globalThis, Symbol.for(OWN_KEY), core);
  const names = Object.keys(core).join(", ");
  const ownSource = `export const { ${names} } = globalThis[Symbol.for(${JSON.stringify(OWN_KEY)})];\n`;
  // Node before 22.15 has only hooks that run in a thread of their own, which `require` knows nothing of.
  const registerHooks: ((hooks: Hooks) => unknown) | undefined = Reflect.get(loader, "registerHooks");
  const seesRequire = registerHooks !== undefined;
  const settings: HookSettings = { who, ownSource, seesRequire };
  if (seesRequire) registerHooks(createHooks(settings));
  else loader.register("./module-hooks.js", { parentURL: import.meta.url, data: settings });
}
