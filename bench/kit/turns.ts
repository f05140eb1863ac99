import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { findTool, PATH } from "../../test/lab/access.ts";
import { runtime } from "../../test/lab/command.ts";
import { EXECUTABLE } from "./tools.ts";

/** A command line; `TARGET` stands for the target's address, `nettrace` for the built executable. */
export type Command = readonly string[];

/** How long each run of a command took, milliseconds, from its start to its end. */
export interface Measured {
  readonly name: string;
  readonly ms: readonly number[];
  /** Runs that were ended because their time was up; their times are not among those above. */
  readonly cut: number;
  /** Why nothing was measured. */
  readonly missing?: string;
}

interface Site {
  readonly target: { readonly v4: string };
  /** The command line that runs a program where the tools are to run. */
  readonly inside: (argv: readonly string[]) => readonly string[];
}

/** No command gets more. */
const TIMEOUT_MS = 60_000;

/** Runs the commands in turn, A B C A B C, so often each, and tells each one's times. */
export async function inTurns(
  commands: Readonly<Record<string, Command>>,
  runs: number,
  { target, inside }: Site,
): Promise<readonly Measured[]> {
  using runner = createRunner(inside);
  const times = new Map<string, { ms: number[]; cut: number }>();
  for (let round = 0; round < runs; round += 1) {
    for (const [name, command] of Object.entries(commands)) {
      if (!isThere(command)) continue;
      const seen = times.get(name) ?? { ms: [], cut: 0 };
      times.set(name, seen);
      // Whoever was cut once would be cut again.
      if (seen.cut > 0) continue;
      const { ms, timedOut } = await runner.run(argvOf(command, target.v4));
      if (timedOut) seen.cut += 1;
      else seen.ms.push(ms);
    }
  }
  return Object.entries(commands).map(([name, command]) => {
    const { ms = [], cut = 0 } = times.get(name) ?? {};
    return { name, ms, cut, ...(isThere(command) ? {} : { missing: `${command[0]} is not installed` }) };
  });
}

/** Runs tools from inside the lab: what it takes to get there is not theirs. */
function createRunner(inside: Site["inside"]) {
  const [file = "", ...rest] = inside(runtime(new URL("./runner.ts", import.meta.url)));
  const env = { PATH, HOME: "/", LC_ALL: "C.UTF-8", TERM: "dumb" };
  const child = spawn(file, rest, { env, stdio: ["pipe", "pipe", "inherit"] });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async run(argv: readonly string[]): Promise<{ readonly ms: number; readonly timedOut: boolean }> {
      child.stdin.write(`${JSON.stringify({ argv, timeoutMs: TIMEOUT_MS })}\n`);
      const { value, done } = await answers.next();
      if (done) throw new Error(`Cannot run ${argv.join(" ")}: the runner has ended`);
      return JSON.parse(value);
    },
    // It ends with its input.
    [Symbol.dispose]: () => child.stdin.end(),
  };
}

export const isThere = ([name = ""]: Command): boolean => name === "nettrace" || findTool(name) !== undefined;

export function argvOf(command: Command, target: string): string[] {
  return command.map((word) => (word === "nettrace" ? EXECUTABLE : word.replaceAll("TARGET", target)));
}
