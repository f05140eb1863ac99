import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isFresh } from "../../release/fresh.ts";
import { executableName, TARGETS, type Target } from "../../release/targets.ts";

export const root = join(import.meta.dirname, "..", "..");
export const bun = join(root, "node_modules", ".bin", "bun");
const folder = join(root, "dist", "release-test");

/** A release of the sources as they stand, not packed; made anew only where they have changed. */
export function releaseFolder(): string {
  if (isFresh(root, join(folder, "SHA256SUMS"))) return folder;
  build("--out", folder, "--pack", "none");
  return folder;
}

/** Runs what `npm run release` runs; returns what it printed. */
export function build(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(bun, [join(root, "release", "main.ts"), ...args], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return stdout;
}

const { version } = Object(JSON.parse(readFileSync(join(root, "package.json"), "utf8")));
export const VERSION: string = version;

function targetOf(name: string): Target {
  const target = TARGETS.find((each) => each.name === name);
  assert.ok(target, name);
  return target;
}

/** The path of the executable for a target. */
export function executableOf(name: string): string {
  return join(releaseFolder(), executableName(version, targetOf(name)));
}
