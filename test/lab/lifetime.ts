import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { PATH, stateDirectory } from "./access.ts";

/**
 * Names tell whose a thing is: `ntl<pid>-<n>-<short name>` for namespaces, `ntl<pid>-<n>` for directories. What a killed
 * run leaves behind is so known by its dead owner.
 */
const NAME = /^ntl(\d+)-\d+(-|$)/;
const NETNS = "/run/netns";

const live = new Set<() => void>();
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Calls `destroy` once: when the returned function is called or, at the latest, when this process ends by exit,
 * exception or signal. Only SIGKILL gets past it: see `sweep`.
 */
export function untilTheEnd(destroy: () => void): () => void {
  const once = (): void => {
    if (!live.delete(once)) return;
    if (live.size === 0) unhook();
    destroy();
  };
  if (live.size === 0) hook();
  live.add(once);
  return once;
}

function hook(): void {
  process.on("exit", destroyAll);
  for (const signal of SIGNALS) process.on(signal, onSignal);
}

function unhook(): void {
  process.off("exit", destroyAll);
  for (const signal of SIGNALS) process.off(signal, onSignal);
}

function destroyAll(): void {
  for (const destroy of [...live]) destroy();
}

function onSignal(signal: NodeJS.Signals): void {
  destroyAll();
  // Whoever else listens decides how the process ends; if nobody does, the signal's own effect is due.
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
}

/** Ends everything that still runs in the namespaces, then removes them. Never throws: it also runs while others fail. */
export function removeNamespaces(names: readonly string[]): void {
  const existing = (): string[] => names.filter((name) => existsSync(join(NETNS, name)));
  const pids = ip(existing().map((name) => `netns pids ${name}`));
  for (const pid of pids.split(/\s+/).filter(Boolean).map(Number)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself meanwhile.
    }
  }
  // Asked again: an `ip netns add` that was just being killed may have finished one more.
  ip(existing().map((name) => `netns del ${name}`));
}

function ip(lines: readonly string[]): string {
  if (lines.length === 0) return "";
  const input = `${lines.join("\n")}\n`;
  return spawnSync("ip", ["-force", "-batch", "-"], { input, encoding: "utf8", env: { PATH } }).stdout ?? "";
}

/** Removes the namespaces and directories of runs whose process is gone. Returns the names of what was removed. */
export function sweep(): readonly string[] {
  const namespaces = (existsSync(NETNS) ? readdirSync(NETNS) : []).filter(isOrphan);
  removeNamespaces(namespaces);
  const directories = readdirSync(stateDirectory()).filter(isOrphan);
  for (const name of directories) rmSync(join(stateDirectory(), name), { recursive: true, force: true });
  return [...namespaces, ...directories];
}

function isOrphan(name: string): boolean {
  const pid = Number(NAME.exec(name)?.[1]);
  return Number.isInteger(pid) && !existsSync(`/proc/${pid}`);
}
