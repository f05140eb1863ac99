/**
 * Builds dist/nettrace, the executable for this machine. `--if-needed` does nothing where it is newer than its sources;
 * `--quiet` prints errors only.
 */
import { statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { commitOf } from "./release/commit.ts";
import { buildExecutable } from "./release/executable.ts";
import { hostTarget } from "./release/targets.ts";

const root = import.meta.dirname;
const outfile = join(root, "dist", "nettrace");
const SOURCES = ["core", "plugins", "cli", "package.json", "package-lock.json", "build.ts", "release"];

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
  const target = hostTarget();
  if (target === undefined)
    throw new Error(`Cannot build for ${process.platform}-${process.arch}: no release is made for it`);
  await buildExecutable({ root, target, runtime: process.execPath, outfile, commit: commitOf(root) ?? "unknown" });
}

const flags = new Set(process.argv.slice(2));
if (!flags.has("--if-needed") || !(await isFresh())) {
  await build();
  const megabytes = (statSync(outfile).size / 1e6).toFixed(0);
  if (!flags.has("--quiet")) console.log(`dist/nettrace: ${megabytes} MB for ${process.platform}-${process.arch}`);
}
