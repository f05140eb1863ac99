import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Lab } from "./lab.ts";

/** A shell in a real terminal (tmux) on the lab's host. Closing it closes the terminal on whatever runs there. */
export interface LabTerminal {
  /** As `tmux send-keys` names keys: `q`, `Enter`, `C-z`, `Down`. */
  keys(...names: readonly string[]): Promise<void>;
  /** Types a command line. */
  type(line: string): Promise<void>;
  /** What the terminal shows, without trailing blanks. */
  screen(): Promise<string>;
  /** The same, with the escape sequences of its colours. */
  painted(): Promise<string>;
  /** Waits for the screen to look so. Fails with what it shows instead. */
  until(isSo: RegExp | ((screen: string) => boolean)): Promise<string>;
  resize(columns: number, rows: number): Promise<void>;
  /** Process ids of what runs in it under that name. */
  pids(name: string): Promise<readonly number[]>;
  /** The alternate screen is in use; the cursor is shown. */
  modes(): Promise<{ readonly alternate: boolean; readonly cursor: boolean }>;
  close(): Promise<void>;
}

export interface TerminalOptions {
  readonly columns: number;
  readonly rows: number;
  readonly user?: "root" | "nobody";
  readonly env?: Readonly<Record<string, string>>;
}

const PATIENCE_MS = 20_000;
const LOOK_MS = 100;

let counter = 0;

export async function openTerminal(
  lab: Lab,
  { columns, rows, user = "root", env = {} }: TerminalOptions,
): Promise<LabTerminal> {
  const socket = `${lab.name}-t${++counter}`;
  // The shell that nobody is registered with lets nobody in.
  const identity = { user, timeoutMs: 20_000, env: { SHELL: "/bin/sh" } } as const;
  const tmux = async (...args: readonly string[]): Promise<string> => {
    const result = await lab.run("host", ["tmux", "-L", socket, "-f", "/dev/null", ...args], identity);
    assert.equal(result.code, 0, `tmux ${args.join(" ")}: ${result.stderr}`);
    return result.stdout;
  };
  const shell = [
    "exec",
    "env",
    "PS1=$ ",
    "LC_ALL=C.UTF-8",
    ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
  ];
  const size = ["-x", String(columns), "-y", String(rows)];
  await tmux(
    "new-session",
    "-d",
    "-s",
    "s",
    ...size,
    [...shell, "bash", "--norc", "--noprofile", "-i"].map(quote).join(" "),
  );
  const terminal: LabTerminal = {
    keys: async (...names) => void (await tmux("send-keys", "-t", "s", ...names)),
    async type(line) {
      await tmux("send-keys", "-t", "s", "-l", line);
      await tmux("send-keys", "-t", "s", "Enter");
    },
    screen: () => tmux("capture-pane", "-p", "-t", "s"),
    painted: () => tmux("capture-pane", "-p", "-e", "-t", "s"),
    async until(isSo) {
      const fits = typeof isSo === "function" ? isSo : (screen: string): boolean => isSo.test(screen);
      for (const endMs = performance.now() + PATIENCE_MS; ; await sleep(LOOK_MS)) {
        const screen = await terminal.screen();
        if (fits(screen)) return screen;
        assert.ok(performance.now() < endMs, `the screen never looked as ${isSo}:\n${screen}`);
      }
    },
    resize: async (width, height) =>
      void (await tmux("resize-window", "-t", "s", "-x", String(width), "-y", String(height))),
    async pids(name) {
      const pane = (await tmux("display-message", "-p", "-t", "s", "#{pane_pid}")).trim();
      const { stdout } = await lab.run("host", ["ps", "-o", "pid=,comm=", "--ppid", pane], identity);
      return stdout
        .split("\n")
        .filter((line) => line.endsWith(` ${name}`))
        .map((line) => Number.parseInt(line, 10));
    },
    async modes() {
      const [alternate, cursor] = (
        await tmux("display-message", "-p", "-t", "s", "#{alternate_on} #{cursor_flag}")
      ).split(" ");
      return { alternate: alternate === "1", cursor: cursor?.trim() === "1" };
    },
    async close() {
      await lab.run("host", ["tmux", "-L", socket, "kill-server"], identity);
    },
  };
  return terminal;
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
