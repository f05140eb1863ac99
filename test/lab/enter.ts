/**
 * A program: `enter.ts COMMAND…` runs a command where labs can be built: as it is for root, else inside an unprivileged
 * user namespace, with the command's own exit code. Says why and ends with 125 where neither is possible.
 */
import { spawn } from "node:child_process";
import { type LabAccess, labAccess, PATH, unshareArgv } from "./access.ts";

/**
 * In the namespace, `ip netns` needs a /run of its own, in which the files of /etc that are links into /run (as
 * systemd-resolved has them) must exist before they can be mounted over. The shell stays as process 1: a process 1
 * cannot be ended by a signal that it does not handle.
 */
const PREPARE = `set -e
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/netns
for name in resolv.conf hosts nsswitch.conf; do
  file=$(readlink -m /etc/$name)
  case $file in /run/*) mkdir -p "\${file%/*}"; : >"$file" ;; esac
done
ip link set lo up
set +e
"$@"
exit $?`;

/** The command line that runs `command` with the rights to build labs. */
export function entering(access: Exclude<LabAccess, { kind: "refused" }>, command: readonly string[]): string[] {
  if (access.kind === "direct") return [...command];
  return [...unshareArgv(["sh", "-c", PREPARE, "sh", ...command])];
}

/** Runs a command so, sharing this process's input and output. Resolves to its exit code, 128 + n for signal n. */
export function enter(access: Exclude<LabAccess, { kind: "refused" }>, command: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const [file = "", ...rest] = entering(access, command);
    const child = spawn(file, rest, { stdio: "inherit", env: { ...process.env, PATH } });
    // Ctrl-C reaches the command by itself; here it must only not end us before the command has cleaned up.
    const ignore = (): void => undefined;
    const pass = (): boolean => child.kill("SIGTERM");
    const kill = (): boolean => child.kill("SIGKILL");
    process.on("SIGINT", ignore);
    // `unshare` itself disregards SIGTERM, and takes the whole namespace with it when it is killed.
    const onTerm = access.kind === "direct" ? pass : kill;
    process.on("SIGTERM", onTerm);
    const release = (): void => {
      process.off("SIGINT", ignore);
      process.off("SIGTERM", onTerm);
    };
    child.on("error", (error) => {
      release();
      reject(new Error(`Cannot run ${file}: ${error.message}`, { cause: error }));
    });
    child.on("exit", (code, signal) => {
      release();
      resolve(code ?? (signal === "SIGINT" ? 130 : signal === "SIGTERM" ? 143 : 137));
    });
  });
}

if (import.meta.main) {
  const command = process.argv.slice(2);
  const access = labAccess();
  if (command.length === 0) {
    process.stderr.write("Cannot enter: no command given\n");
    process.exitCode = 125;
  } else if (access.kind === "refused") {
    process.stderr.write(`Cannot build network labs here: ${access.detail}\n`);
    process.exitCode = 125;
  } else {
    process.exitCode = await enter(access, command);
  }
}
