import { findTool } from "../../test/lab/access.ts";
import type { RunResult } from "../../test/lab/command.ts";
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
  readonly run: (argv: readonly string[], timeoutMs: number) => Promise<RunResult>;
}

/** No command gets more. */
const TIMEOUT_MS = 60_000;

/** Runs the commands in turn, A B C A B C, so often each, and tells each one's times. */
export async function inTurns(
  commands: Readonly<Record<string, Command>>,
  runs: number,
  { target, run }: Site,
): Promise<readonly Measured[]> {
  const times = new Map<string, { ms: number[]; cut: number }>();
  for (let round = 0; round < runs; round += 1) {
    for (const [name, command] of Object.entries(commands)) {
      if (!isThere(command)) continue;
      const seen = times.get(name) ?? { ms: [], cut: 0 };
      times.set(name, seen);
      // Whoever was cut once would be cut again.
      if (seen.cut > 0) continue;
      const { ms, timedOut } = await run(argvOf(command, target.v4), TIMEOUT_MS);
      if (timedOut) seen.cut += 1;
      else seen.ms.push(ms);
    }
  }
  return Object.entries(commands).map(([name, command]) => {
    const { ms = [], cut = 0 } = times.get(name) ?? {};
    return { name, ms, cut, ...(isThere(command) ? {} : { missing: `${command[0]} is not installed` }) };
  });
}

export const isThere = ([name = ""]: Command): boolean => name === "nettrace" || findTool(name) !== undefined;

export function argvOf(command: Command, target: string): string[] {
  return command.map((word) => (word === "nettrace" ? EXECUTABLE : word.replaceAll("TARGET", target)));
}
