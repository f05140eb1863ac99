/**
 * Builds dist/nettrace, the executable for this machine. `--if-needed` does nothing where it is newer than its sources;
 * `--quiet` prints errors only.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { commitOf } from "./release/commit.ts";
import { buildExecutable } from "./release/executable.ts";
import { isFresh } from "./release/fresh.ts";
import { hostTarget } from "./release/targets.ts";

const root = import.meta.dirname;
const outfile = join(root, "dist", "nettrace");

async function build(): Promise<void> {
  const target = hostTarget();
  if (target === undefined)
    throw new Error(`Cannot build for ${process.platform}-${process.arch}: no release is made for it`);
  await buildExecutable({ root, target, runtime: process.execPath, outfile, commit: commitOf(root) ?? "unknown" });
}

const flags = new Set(process.argv.slice(2));
if (!flags.has("--if-needed") || !isFresh(root, outfile)) {
  await build();
  const megabytes = (statSync(outfile).size / 1e6).toFixed(0);
  if (!flags.has("--quiet")) console.log(`dist/nettrace: ${megabytes} MB for ${process.platform}-${process.arch}`);
}
