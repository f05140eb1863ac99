/** The runtime that an executable is made of: npm's own package of it, of the same version as the Bun that builds. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Target } from "./targets.ts";

/**
 * The path of the unchanged runtime of a target, unpacked into a folder of the caller's. Its package is asked of npm once
 * and kept below node_modules/.cache; it is used only if it has the checksum of package-lock.json. Throws an Error
 * where there is no such package, no network for the first time, or a wrong checksum.
 */
export function unpackRuntime(root: string, { runtimePackage, os }: Target, into: string): string {
  const archive = packedRuntime(root, runtimePackage);
  mkdirSync(into, { recursive: true });
  run("tar", ["-xzf", archive, "-C", into, "--strip-components=1"]);
  return join(into, "bin", os === "windows" ? "bun.exe" : "bun");
}

function packedRuntime(root: string, name: string): string {
  const { version, integrity } = locked(root, name);
  if (version !== Bun.version) {
    throw new Error(`Cannot build with ${name} ${version}: the Bun that builds is ${Bun.version}`);
  }
  const cache = join(root, "node_modules", ".cache", "nettrace-release");
  const file = `${name.replace("@", "").replace("/", "-")}-${version}.tgz`;
  const archive = join(cache, file);
  if (!existsSync(archive)) {
    const partial = join(cache, `partial-${process.pid}`);
    mkdirSync(partial, { recursive: true });
    try {
      run("npm", ["pack", "--silent", "--pack-destination", partial, `${name}@${version}`]);
      renameSync(join(partial, file), archive);
    } finally {
      rmSync(partial, { recursive: true, force: true });
    }
  }
  const found = `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}`;
  if (found !== integrity) throw new Error(`Cannot use ${archive}: it has not the checksum of package-lock.json`);
  return archive;
}

/** The version and the checksum of the runtime of a target, as package-lock.json has them. */
export function locked(root: string, name: string): { readonly version: string; readonly integrity: string } {
  const { packages } = Object(JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")));
  const { version, integrity } = Object(Object(packages)[`node_modules/${name}`]);
  if (typeof version === "string" && typeof integrity === "string") return { version, integrity };
  throw new Error(`Cannot find ${name} in package-lock.json: npm install writes it there`);
}

/** Runs a program to its end and returns what it printed. Throws an Error with its stderr where it fails. */
export function run(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd = process.cwd(),
): string {
  const { status, stdout, stderr, error } = spawnSync(file, args, {
    cwd,
    encoding: "utf8",
    env: { ...process.env, ...env },
    maxBuffer: 1 << 26,
  });
  if (error !== undefined) throw new Error(`Cannot run ${file}: ${error.message}`);
  if (status !== 0) throw new Error(`Cannot run ${file} ${args.join(" ")}: ${stderr.trim() || `status ${status}`}`);
  return stdout;
}
