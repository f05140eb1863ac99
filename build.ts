/**
 * Builds dist/nettrace, the executable for this machine. `--if-needed` does nothing where it is newer than its sources;
 * `--quiet` prints errors only.
 */
import { rmSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

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

async function build(): Promise<void> {
  rmSync(outfile, { force: true });
  await Bun.build({
    entrypoints: [join(root, "cli", "main.ts")],
    target: "bun",
    minify: { syntax: true, whitespace: true },
    // Compiled ahead of time it starts in half the time; bytecode is for CommonJS only.
    bytecode: true,
    format: "cjs",
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
