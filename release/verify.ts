import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commitOf } from "./commit.ts";
import type { Packing } from "./release.ts";
import { run } from "./runtimes.ts";

/**
 * Builds the last commit twice, each time from a clone of its own in a folder of another name, and compares all files.
 * Throws an Error that names those that differ.
 */
export function verify(root: string, targets: readonly string[], packing: Packing): void {
  if (commitOf(root)?.endsWith("-dirty")) console.error("nettrace: what is not committed is not looked at");
  const folders = ["one", "another-and-longer"].map((name) => mkdtempSync(join(tmpdir(), `nettrace-${name}-`)));
  try {
    // Both before the first is built, which takes a while: the commit must be the same.
    for (const folder of folders) clone(root, join(folder, "sources"));
    const [first = "", second = ""] = folders.map((folder) => release(folder, targets, packing));
    const differing = differences(first, second);
    if (differing.length > 0) throw new Error(`Cannot say it is reproducible: ${differing.join(", ")} differ`);
    console.log(`The same bytes in both: ${readdirSync(first).length} files`);
  } finally {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  }
}

function clone(root: string, into: string): void {
  run("git", ["clone", "--quiet", "--shared", root, into]);
  const [from, to] = [join(root, "node_modules"), join(into, "node_modules")];
  // Not a link to them: where they lie, seen from the sources, is in the names of the bundle's pieces.
  try {
    run("cp", ["--archive", "--link", from, to]);
  } catch {
    // On another file system.
    rmSync(to, { recursive: true, force: true });
    run("cp", ["--archive", from, to]);
  }
}

function release(folder: string, targets: readonly string[], packing: Packing): string {
  const into = join(folder, "release");
  const args = ["--out", into, "--only", targets.join(","), "--pack", packing];
  const sources = join(folder, "sources");
  // From there, as `npm run release` does: names of the bundle's pieces depend on where sources lie, seen from here.
  process.stdout.write(run(process.execPath, [join(sources, "release", "main.ts"), ...args], {}, sources));
  return into;
}

/** The names of the files that are not the same in both folders. */
function differences(first: string, second: string): readonly string[] {
  const names = new Set([...readdirSync(first), ...readdirSync(second)]);
  return [...names].sort().filter((name) => {
    try {
      return !readFileSync(join(first, name)).equals(readFileSync(join(second, name)));
    } catch {
      return true;
    }
  });
}
