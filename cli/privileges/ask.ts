import { spawnSync } from "node:child_process";
import { UsageError } from "../../core/mod.ts";
import type { CommandContext } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { loadPlugins } from "../plugins/load.ts";
import type { WantedPlugins } from "../plugins/named.ts";

/** A plugin that takes longer to load is loaded all the same, but without the sockets that it would ask for. */
const PATIENCE_MS = 5000;
const ANSWER = /^(\d{1,3}(?:,\d{1,3}){0,31})\n$/;

/**
 * The IP protocols of the raw sockets that plugins will ask for. A process of its own, which first gives all rights away,
 * runs them to find out; of what it says nothing but numbers is read.
 */
export function askForSockets({ self }: CommandContext, wanted: WantedPlugins): readonly number[] {
  const [program, ...first] = self ?? [];
  if (program === undefined) return [];
  const { status, stdout } = spawnSync(program, [...first, "plugin", "sockets", JSON.stringify(wanted)], {
    encoding: "latin1",
    stdio: ["ignore", "pipe", "ignore"],
    timeout: PATIENCE_MS,
    killSignal: "SIGKILL",
    maxBuffer: 4096,
  });
  // What is wrong with a plugin shows when it is loaded in earnest.
  const numbers = status === EXIT.reached ? (ANSWER.exec(stdout)?.[1] ?? "") : "";
  return [...new Set(numbers.split(",").filter(Boolean).map(Number))].filter((each) => each <= 255);
}

/** That process. */
export async function tellSockets(context: CommandContext, text: string): Promise<number> {
  const wanted: unknown = JSON.parse(text);
  if (!isWanted(wanted)) throw new UsageError("Cannot tell sockets: nettrace itself asks for them");
  const loaded = await loadPlugins(wanted, context, async () => context.resign?.({ targets: 0 }));
  const protocols = loaded.flatMap(({ plugin }) => plugin.rawProtocols ?? []);
  context.stdout.write(`${protocols.slice(0, 32).join(",")}\n`);
  return EXIT.reached;
}

function isWanted(value: unknown): value is WantedPlugins {
  const { given, protocols } = Object(value);
  return [given, protocols].every((each) => Array.isArray(each) && each.every((word) => typeof word === "string"));
}
