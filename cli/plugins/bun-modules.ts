import { accessSync, constants, readFileSync, realpathSync } from "node:fs";
import { dirname, extname, isAbsolute } from "node:path";
import * as core from "../../core/mod.ts";
import { OUT_OF_REACH } from "./ahead.ts";
import { OWN_NAME, type PluginFile, TESTING_NAME, UntrustedError } from "./modules.ts";
import { distrust } from "./trust.ts";

let isNamed = false;

/** Looks at all that the file would run before any of it runs. */
export async function importPlugin(plugin: PluginFile): Promise<Readonly<Record<string, unknown>>> {
  const { file, who, isAsked, opened, onTrusted } = plugin;
  const runtime = await import("bun");
  const text = opened === undefined || isReadable(file) ? undefined : readFileSync(opened, "utf8");
  for (const each of filesOf(file, text, runtime)) {
    // It was looked at while that was possible.
    if (each === file && text !== undefined) continue;
    const offence = distrust(each, who, isAsked);
    if (offence !== undefined) throw new UntrustedError(offence);
  }
  onTrusted();
  if (!isNamed) {
    const { forgetTranspilerCache } = await import("./transpiler-cache.ts");
    forgetTranspilerCache();
    runtime.plugin({
      name: OWN_NAME,
      setup: (build) => {
        build.module(OWN_NAME, () => ({ exports: { ...core }, loader: "object" }));
        build.module(TESTING_NAME, async () => {
          const testing = await import("../../core/testing.ts");
          return { exports: { ...testing }, loader: "object" };
        });
      },
    });
    isNamed = true;
  }
  if (text === undefined) return import(file);
  // A module without a place: it can import packages of the runtime's and nettrace, and no file beside it.
  const name = `${OWN_NAME}-plugin:${file}`;
  runtime.plugin({
    name,
    setup: (build) => {
      build.module(name, () => ({ contents: text, loader: LOADERS[extname(file)] ?? "js" }));
    },
  });
  try {
    return await import(name);
  } catch (error) {
    const { message } = Object(error);
    // It named a file beside it.
    const isBeside = /^Cannot find module ['"]\.{0,2}\//.test(String(message));
    throw isBeside ? new core.UsageError(`Cannot load the plugin ${file}: ${message} (${OUT_OF_REACH})`) : error;
  }
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Every file that importing this one would run, itself first: what it names in `import` and `require`, and so on. What
 * cannot be found is left for the import to tell. `text`: what is in the first. Throws where a file cannot be parsed.
 */
function filesOf(
  entry: string,
  text: string | undefined,
  { Transpiler, resolveSync }: typeof import("bun"),
): readonly string[] {
  const files = new Set([entry]);
  for (const file of files) {
    const loader = LOADERS[extname(file)];
    if (loader === undefined) continue;
    for (const { path } of new Transpiler({ loader }).scanImports(
      (file === entry ? text : undefined) ?? readFileSync(file, "utf8"),
    )) {
      if (path === OWN_NAME || path === TESTING_NAME) continue;
      let found: string;
      try {
        found = resolveSync(path, dirname(file));
      } catch {
        // A package may ask for another that is only sometimes there.
        continue;
      }
      // The runtime's own modules have no path.
      if (isAbsolute(found)) files.add(realpathSync(found));
    }
  }
  return [...files];
}

const LOADERS: Readonly<Record<string, "ts" | "js" | "tsx" | "jsx">> = {
  ".ts": "ts",
  ".mts": "ts",
  ".cts": "ts",
  ".tsx": "tsx",
  ".js": "js",
  ".mjs": "js",
  ".cjs": "js",
  ".jsx": "jsx",
};
