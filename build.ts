/**
 * Builds dist/nettrace, the executable for this machine. `--if-needed` does nothing where it is newer than its sources;
 * `--quiet` prints errors only.
 */
import { rmSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { BunPlugin } from "bun";

const root = import.meta.dirname;
const outfile = join(root, "dist", "nettrace");
const SOURCES = ["core", "plugins", "cli", "package.json", "package-lock.json", "build.ts"];

async function newestMs(path: string): Promise<number> {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  const names = await readdir(path);
  return Math.max(stat.mtimeMs, ...(await Promise.all(names.map((name) => newestMs(join(path, name))))));
}

async function isFresh(): Promise<boolean> {
  const built = statSync(outfile, { throwIfNoEntry: false });
  if (built === undefined) return false;
  const newest = await Promise.all(SOURCES.map((source) => newestMs(join(root, source))));
  return built.mtimeMs > Math.max(...newest);
}

/** Modules of packages that stand for others in the executable. */
const STAND_INS: Readonly<Record<string, string>> = {
  // Ink imports them where DEV=true was set, which it never is here; they are not installed.
  "react-devtools-core": "export default {}",
  // The same widths from the runtime's own code: half of what ink takes for a frame goes into them.
  "string-width": "export default (text, options) => Bun.stringWidth(text, options)",
};

const standIns: BunPlugin = {
  name: "stand-ins",
  setup(builder) {
    const filter = new RegExp(`^(${Object.keys(STAND_INS).join("|")})$`);
    builder.onResolve({ filter }, ({ path }) => ({ path, namespace: "stand-in" }));
    builder.onLoad({ filter, namespace: "stand-in" }, ({ path }) => ({
      contents: STAND_INS[path] ?? "",
      loader: "js",
    }));
  },
};

async function build(): Promise<void> {
  rmSync(outfile, { force: true });
  await Bun.build({
    entrypoints: [join(root, "cli", "main.ts")],
    target: "bun",
    minify: { syntax: true, whitespace: true },
    // Compiled ahead of time it starts in half the time.
    bytecode: true,
    format: "esm",
    // What is imported when it is called for lies apart, and costs those nothing that never call for it.
    splitting: true,
    define: {
      // React's development build is slow and remembers every render; a DEV=true of the user's is no wish for ink's tools.
      "process.env.NODE_ENV": '"production"',
      "process.env.DEV": '"false"',
    },
    plugins: [standIns],
    // For Node only (core/ffi/node.ts, core/socket/raw-socket): nothing here asks for them.
    external: ["koffi", "raw-socket"],
    // The executable runs where anybody may have left files: nothing of the working directory is read or run.
    compile: {
      outfile,
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      // Of the packages that a plugin imports only: nothing in the executable is resolved when it runs.
      autoloadPackageJson: true,
    },
  });
}

const flags = new Set(process.argv.slice(2));
if (!flags.has("--if-needed") || !(await isFresh())) {
  await build();
  const megabytes = (statSync(outfile).size / 1e6).toFixed(0);
  if (!flags.has("--quiet")) console.log(`dist/nettrace: ${megabytes} MB for ${process.platform}-${process.arch}`);
}
