import { readFileSync, realpathSync } from "node:fs";
import { dirname, extname, isAbsolute } from "node:path";
import * as core from "../../core/mod.ts";
import { OWN_NAME, type PluginFile, TESTING_NAME, UntrustedError } from "./modules.ts";
import { distrust } from "./trust.ts";

let isNamed = false;

/** Looks at all that the file would run before any of it runs. */
export async function importPlugin(plugin: PluginFile): Promise<Readonly<Record<string, unknown>>> {
  const { file, who, isAsked, onTrusted } = plugin;
  const runtime = await import("bun");
  for (const each of filesOf(file, runtime)) {
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
  return import(file);
}

/**
 * Every file that importing this one would run, itself first: what it names in `import` and `require`, and so on. What
 * cannot be found is left for the import to tell. Throws where a file cannot be parsed.
 */
function filesOf(entry: string, { Transpiler, resolveSync }: typeof import("bun")): readonly string[] {
  const files = new Set([entry]);
  for (const file of files) {
    const loader = LOADERS[extname(file)];
    if (loader === undefined) continue;
    for (const { path } of new Transpiler({ loader }).scanImports(readFileSync(file, "utf8"))) {
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
