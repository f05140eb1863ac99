import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

/** Whether labs can be built here, and how. */
export type LabAccess =
  /** This process may build them itself. */
  | { readonly kind: "direct" }
  /** A user namespace that this process may make gives it enough rights: see `enter`. */
  | { readonly kind: "user-namespace" }
  | { readonly kind: "refused"; readonly why: "not-linux" | "missing-tools" | "no-privilege"; readonly detail: string };

/** Tools live in sbin, which is not in everybody's PATH. */
export const PATH = [process.env["PATH"] ?? "", "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"]
  .filter(Boolean)
  .join(delimiter);

const NEEDED = ["ip", "nsenter", "unshare", "setpriv", "mount", "sh", "iptables-restore", "ip6tables-restore"];
const CAP_NET_ADMIN = 12n;
const CAP_SYS_ADMIN = 21n;

/** What a new user namespace is made of. The process id namespace ends with its first process, and all in it. */
const UNSHARE = ["unshare", "--user", "--map-root-user", "--net", "--mount", "--pid", "--fork"] as const;
const UNSHARE_REST = ["--kill-child", "--mount-proc"] as const;

export function labAccess(): LabAccess {
  if (process.platform !== "linux") {
    return { kind: "refused", why: "not-linux", detail: `labs need Linux, this is ${process.platform}` };
  }
  const missing = NEEDED.filter((tool) => findTool(tool) === undefined);
  if (missing.length > 0) return { kind: "refused", why: "missing-tools", detail: `not found: ${missing.join(", ")}` };
  if (hasPrivilege()) return { kind: "direct" };
  const [command = "", ...rest] = unshareArgv(["true"]);
  const trial = spawnSync(command, rest, { encoding: "utf8", env: { ...process.env, PATH } });
  if (trial.status === 0) return { kind: "user-namespace" };
  const said = (trial.stderr ?? "").trim() || (trial.error?.message ?? `exit ${trial.status}`);
  return {
    kind: "refused",
    why: "no-privilege",
    detail: `not root, and no user namespace can be made: ${said}`,
  };
}

export function unshareArgv(command: readonly string[]): readonly string[] {
  return [...UNSHARE, ...UNSHARE_REST, "--", ...command];
}

/** The path of a program, if it is installed. */
export function findTool(name: string): string | undefined {
  return PATH.split(delimiter)
    .map((directory) => join(directory, name))
    .find((path) => existsSync(path));
}

function hasPrivilege(): boolean {
  const held = BigInt(`0x${/^CapEff:\s*(\w+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0"}`);
  return [CAP_NET_ADMIN, CAP_SYS_ADMIN].every((bit) => (held & (1n << bit)) !== 0n) && process.getuid?.() === 0;
}

/** Whether the user nobody (65534) exists for this process: in a user namespace of one user it does not. */
export function hasNobody(): boolean {
  return ["/proc/self/uid_map", "/proc/self/gid_map"].every((file) =>
    readFileSync(file, "utf8")
      .split("\n")
      .map((line) => line.trim().split(/\s+/).map(Number))
      .some(([first = 0, , count = 0]) => 65534 >= first && 65534 < first + count),
  );
}

/**
 * Where labs keep their files. In a user namespace /run is its own, and vanishes with it; /tmp is everybody's, where
 * process ids of different namespaces, by which leftovers are known, would be mixed up.
 */
export function stateDirectory(): string {
  return hasNobody() ? tmpdir() : "/run";
}
