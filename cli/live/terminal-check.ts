import { UsageError } from "../../core/mod.ts";
import type { CommandContext } from "../context.ts";

/** Of ink. The executable's own runtime says that it is a later one. */
const OLDEST_NODE = 22;

/** `instead`: what to do there. Throws UsageError where no screen can be drawn: standard output is no terminal, or one that cannot place its cursor. */
export function checkTerminal({ stdout, env }: Pick<CommandContext, "stdout" | "env">, instead: string): void {
  const term = env["TERM"] ?? "";
  const why = !stdout.isTerminal
    ? "standard output is no terminal"
    : term === "" || term === "dumb"
      ? `the terminal cannot place its cursor (TERM=${term})`
      : Number(process.versions.node.split(".")[0]) < OLDEST_NODE
        ? `it takes Node ${OLDEST_NODE} or later`
        : undefined;
  if (why !== undefined) throw new UsageError(`Cannot show a live screen: ${why}; ${instead}`);
}

/**
 * Loads the screen. The library that draws it takes longer to load than all the rest, and the npm package for Node comes
 * without. Throws UsageError where it is not there.
 */
export async function loadScreen<Module>(load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    const { code } = Object(error);
    if (code !== "ERR_MODULE_NOT_FOUND" && code !== "MODULE_NOT_FOUND") throw error;
    throw new UsageError("Cannot show a live screen: the packages that draw it are not there; npm install ink react");
  }
}
