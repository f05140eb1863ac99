import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** What executables are made from. */
const SOURCES = ["core", "plugins", "cli", "package.json", "package-lock.json", "build.ts", "release"];

/** Whether a file is there and newer than all that it is made from. */
export function isFresh(root: string, file: string): boolean {
  const made = statSync(file, { throwIfNoEntry: false });
  return made !== undefined && SOURCES.every((source) => newestMs(join(root, source)) < made.mtimeMs);
}

function newestMs(path: string): number {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newestMs(join(path, name))));
}
