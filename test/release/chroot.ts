/** A root directory with next to nothing in it, to start an executable in. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { PATH } from "../lab/access.ts";
import { type Ran, temporary } from "./tools.ts";

/** Mounts live in a mount namespace that ends with the command: nothing can be left mounted. */
const ENTER = `mount -t proc proc "$0/proc" && exec chroot "$0" "$@"`;

export interface Chroot extends Disposable {
  /** Copies a file of this machine to a path in there; links are followed. */
  place(from: string, to: string): void;
  run(...command: readonly string[]): Ran;
}

export function createChroot(): Chroot {
  const directory = temporary();
  mkdirSync(join(directory.path, "proc"));
  return {
    place(from, to) {
      const path = join(directory.path, to);
      mkdirSync(dirname(path), { recursive: true });
      copyFileSync(realpathSync(from), path);
      chmodSync(path, 0o755);
    },
    run(...command) {
      const args = ["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, directory.path, ...command];
      const { status, stdout, stderr, error } = spawnSync("unshare", args, { encoding: "utf8", env: { PATH } });
      assert.equal(error, undefined);
      return { code: status, stdout, stderr };
    },
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}

/** The same four things of every executable that starts: what it is, where it runs, and a probe sent by the C library. */
export function assertItRuns(
  run: (...args: readonly string[]) => Ran,
  target: string,
  libc: RegExp,
  options: readonly string[] = [],
): void {
  const version = run("--version", "--verbose");
  assert.equal(version.code, 0, version.stderr);
  assert.match(version.stdout, /^nettrace \d+\.\d+\.\d+\ncommit +[0-9a-f]{40}(-dirty)?\nruntime +Bun \d/);
  assert.match(version.stdout, new RegExp(`^target +${target}$`, "m"));
  assert.match(version.stdout, libc);
  const trace = run("trace", "127.0.0.1", "-P", "tcp-connect:1", "-n", "--format", "json", ...options);
  assert.equal(trace.code, 0, trace.stderr);
  const { trace: shown = JSON.parse(trace.stdout) } = Object(JSON.parse(trace.stdout));
  assert.equal(shown.outcome, "reached", trace.stdout);
}
