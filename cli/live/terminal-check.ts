import { UsageError } from "../../core/mod.ts";
import type { CommandContext } from "../context.ts";

/** Throws UsageError where no screen can be drawn: standard output is no terminal, or one that cannot place its cursor. */
export function checkTerminal({ stdout, env }: Pick<CommandContext, "stdout" | "env">): void {
  const term = env["TERM"] ?? "";
  const why = !stdout.isTerminal
    ? "standard output is no terminal"
    : term === "" || term === "dumb"
      ? `the terminal cannot place its cursor (TERM=${term})`
      : undefined;
  if (why !== undefined)
    throw new UsageError(`Cannot show a live screen: ${why}; nettrace report prints the same table`);
}
