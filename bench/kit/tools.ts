import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { findTool, PATH } from "../../test/lab/access.ts";

export const EXECUTABLE = fileURLToPath(new URL("../../dist/nettrace", import.meta.url));

/** Every tool that nettrace is measured beside, by its program's name, and how it tells its version. */
const PEERS: Readonly<Record<string, readonly string[]>> = {
  traceroute: ["--version"],
  mtr: ["--version"],
  tcptraceroute: ["-h"],
  scamper: ["-v"],
  "dublin-traceroute": ["--version"],
  tracepath: ["-V"],
  trip: ["--version"],
  nexttrace: ["--version"],
};

/** What is installed here: name and version, in the tool's own words. */
function installedTools(): { readonly found: ReadonlyMap<string, string>; readonly missing: readonly string[] } {
  const found = new Map<string, string>();
  const missing: string[] = [];
  for (const [name, argv] of Object.entries(PEERS)) {
    const file = findTool(name);
    if (file === undefined) missing.push(name);
    else found.set(name, versionIn(file, argv));
  }
  return { found, missing };
}

function versionIn(file: string, argv: readonly string[]): string {
  const { stdout, stderr } = spawnSync(file, argv, { encoding: "utf8", env: { ...process.env, PATH }, timeout: 5000 });
  return /\d+(?:\.\d+)*(?:[a-z]+\d*)?/.exec(`${stdout}${stderr}`.replace(/^WARNING[\s\S]*?\n\n/, ""))?.[0] ?? "unknown";
}

function nettraceVersion(): string {
  return versionIn(EXECUTABLE, ["--version"]);
}

/** Whether this build has such a command. */
export function hasCommand(name: string): boolean {
  const { stdout } = spawnSync(EXECUTABLE, ["--help"], { encoding: "utf8" });
  return new RegExp(`^\\s+(?:nettrace )?${name}\\b`, "m").test(stdout);
}

/** One line: the tools and their versions, and those that are not here. */
export function shownTools(): string {
  const { found, missing } = installedTools();
  const list = [["nettrace", nettraceVersion()], ...found].map(([name, version]) => `${name} ${version}`).join(", ");
  return `${list}.${missing.length > 0 ? ` Not installed here: ${missing.join(", ")}.` : ""}`;
}
