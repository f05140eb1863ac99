import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export const root = join(import.meta.dirname, "..", "..");
export const executable = join(root, "dist", "nettrace");
export const bun = join(root, "node_modules", ".bin", "bun");

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A directory of our own, with a home in it, gone when disposed. */
export interface Place extends Disposable {
  readonly path: string;
  /** `~/.config/nettrace/plugins`, not made yet. */
  readonly plugins: string;
  /** Writes a file that only we may change, with its directories; returns its path. */
  write(name: string, text: string): string;
  /** Runs the executable here, on an environment of its own. */
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Ran;
  /** The same, while this process goes on. */
  start(args: readonly string[]): Promise<Ran>;
  /** Makes `nettrace` a package that is installed here. */
  install(): void;
}

export function createPlace(): Place {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "nettrace-plugins-")));
  // As root these tests run plugins as nobody, who has to get here.
  chmodSync(path, 0o755);
  const environment = { HOME: join(path, "home"), PATH: process.env["PATH"] ?? "" };
  return {
    path,
    plugins: join(path, "home", ".config", "nettrace", "plugins"),
    write(name, text) {
      const file = join(path, name);
      mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
      writeFileSync(file, text);
      chmodSync(file, 0o644);
      return file;
    },
    run(args, env = {}) {
      const options = { cwd: path, encoding: "utf8", env: { ...environment, ...env } } as const;
      const { status, stdout, stderr } = spawnSync(executable, args, options);
      return { code: status, stdout, stderr };
    },
    start(args) {
      const child = spawn(executable, args, { cwd: path, env: environment, stdio: ["ignore", "pipe", "pipe"] });
      let [stdout, stderr] = ["", ""];
      child.stdout.on("data", (chunk) => {
        stdout += chunk;
      });
      child.stderr.on("data", (chunk) => {
        stderr += chunk;
      });
      return new Promise((resolve, reject) => {
        child.on("error", reject);
        child.on("close", (code) => resolve({ code, stdout, stderr }));
      });
    },
    install() {
      mkdirSync(join(path, "node_modules"), { recursive: true });
      symlinkSync(root, join(path, "node_modules", "nettrace"));
    },
    [Symbol.dispose]() {
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** The least plugin that traces: one UDP socket whose answers are the kernel's ICMP errors, one probe at a time. */
export function simplePlugin(name: string, extra = "", mark = '""'): string {
  return `import { definePlugin, readErrorArrival } from "nettrace";
export default definePlugin({
  name: "${name}", defaultPort: 9, ${extra}
  open(network, target, options) {
    const socket = network.open({ type: "udp" }, target.address.family);
    return {
      mode: "error-queue",
      probesPerFlow: 1,
      send({ sequence, hopLimit }) {
        socket.send(Uint8Array.of(sequence >> 8, sequence & 255), target, hopLimit, sequence);
      },
      match(arrival) {
        if (arrival.kind !== "error") return undefined;
        const reply = readErrorArrival(arrival, target.address);
        const [high = 0, low = 0] = arrival.quoted;
        return reply && { sequence: (high << 8) | low, ...reply, mark: ${mark} || "closed" };
      },
      [Symbol.dispose]() { socket[Symbol.dispose](); },
    };
  },
});
`;
}
