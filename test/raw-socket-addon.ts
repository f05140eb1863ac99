/** The optional peer raw-socket, compiled here once for the Node that is there. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };

/** The node_modules that has it, or why none has. */
export type RawSocketAddon = { readonly modules: string } | { readonly why: string };

/**
 * Compiles at the first call, which takes some seconds, and needs npm's registry or cache, a compiler, Python and Node's
 * headers. A namespace has no way to a registry: whoever goes into one asks before.
 */
export function rawSocketAddon(): RawSocketAddon {
  const abi = spawnSync("node", ["-p", "process.versions.modules"], { encoding: "utf8" }).stdout?.trim() ?? "";
  const directory = join(import.meta.dirname, "..", "node_modules", ".cache", `nettrace-raw-socket-${abi}`);
  const modules = join(directory, "node_modules");
  const isThere = (): boolean => existsSync(join(modules, "raw-socket", "build", "Release", "raw.node"));
  if (isThere()) return { modules };
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "package.json"), '{ "private": true }\n');
  const wanted = `raw-socket@${manifest.peerDependencies["raw-socket"]}`;
  const { stdout, stderr, error } = spawnSync("npm", ["install", "--no-audit", "--no-fund", wanted], {
    cwd: directory,
    encoding: "utf8",
  });
  if (isThere()) return { modules };
  const said = `${stdout ?? ""}${stderr ?? ""}${error?.message ?? ""}`.trim().split("\n").slice(-3).join(" ");
  return { why: `npm cannot compile raw-socket: ${said}` };
}
