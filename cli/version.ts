import { existsSync, readFileSync } from "node:fs";
import { VERSION_LINE } from "./help.ts";

/** Put in by the build, as texts; absent where the sources are run. */
declare const NETTRACE_COMMIT: string | undefined;
declare const NETTRACE_TARGET: string | undefined;

/** What `--version --verbose` says: what this program is and what it runs on. What cannot be known is "unknown". */
export function verboseVersion(): string {
  const commit = typeof NETTRACE_COMMIT === "string" ? NETTRACE_COMMIT : "unknown";
  const target = typeof NETTRACE_TARGET === "string" ? NETTRACE_TARGET : "unknown";
  const rows = { commit, runtime: runtimeText(), target, libc: libcText() };
  const lines = Object.entries(rows).map(([name, value]) => `${name.padEnd(7)}  ${value}\n`);
  return `${VERSION_LINE}\n${lines.join("")}`;
}

/** Bun, Deno or Node, with its version. */
export function runtimeText(): string {
  const { bun, deno, node } = process.versions;
  if (bun !== undefined) return `Bun ${bun}`;
  if (deno !== undefined) return `Deno ${deno}`;
  return `Node ${node}`;
}

/** The C library that is mapped into this process, whatever the target was meant for. */
export function libcText(): string {
  if (process.platform !== "linux" || !existsSync("/proc/self/maps")) return "unknown";
  const maps = readFileSync("/proc/self/maps", "utf8");
  if (/\/(ld-musl-[^/\s]+|libc\.musl-[^/\s]+)$/m.test(maps)) return "musl";
  if (!/\/libc(\.so\.6|-2\.\d+\.so)$/m.test(maps)) return "unknown";
  // Deno's report names a version that is not this host's.
  if (process.versions["deno"] !== undefined) return "glibc";
  const version = Object(Object(process.report?.getReport())["header"])["glibcVersionRuntime"];
  return typeof version === "string" && version !== "" ? `glibc ${version}` : "glibc";
}
