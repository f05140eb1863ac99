import { readFileSync, realpathSync } from "node:fs";
import { dirname, extname } from "node:path";
import * as core from "../../core/mod.ts";

/** What a plugin imports from; it is this very program, whatever is installed beside the plugin. */
const OWN_NAME = "nettrace";
let isNamed = false;

/**
 * Every file that importing this one would run, itself first: what it names in `import` and `require`, and so on. What
 * cannot be found is left for the import to tell. Throws where a file cannot be parsed.
 */
export async function filesOf(entry: string): Promise<readonly string[]> {
  const { Transpiler, resolveSync } = await runtime();
  const files = new Set([entry]);
  for (const file of files) {
    const loader = LOADERS[extname(file)];
    if (loader === undefined) continue;
    for (const { path } of new Transpiler({ loader }).scanImports(readFileSync(file, "utf8"))) {
      if (path === OWN_NAME) continue;
      let found: string;
      try {
        found = resolveSync(path, dirname(file));
      } catch {
        // A package may ask for another that is only sometimes there.
        continue;
      }
      // The runtime's own modules have no path.
      if (found.startsWith("/")) files.add(realpathSync(found));
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

/** Runs a file, in which the bare name `nettrace` is the core of this very process, and returns its exports. */
export async function importFile(file: string): Promise<Readonly<Record<string, unknown>>> {
  const { plugin } = await runtime();
  if (!isNamed) {
    const { forgetTranspilerCache } = await import("./transpiler-cache.ts");
    forgetTranspilerCache();
    plugin({
      name: OWN_NAME,
      setup: (build) => void build.module(OWN_NAME, () => ({ exports: { ...core }, loader: "object" })),
    });
    isNamed = true;
  }
  return import(file);
}

/** Only Bun can give a bare name to code that is loaded later. */
async function runtime(): Promise<typeof import("bun")> {
  if (!("bun" in process.versions)) throw new core.UsageError("Cannot load a plugin: only the executable and Bun can");
  return import("bun");
}
