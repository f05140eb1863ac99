import type { CommandContext } from "../context.ts";
import { buildLadder, lastRungs } from "../ladder.ts";
import { checkOptions, checkStagger, type TypedOptions } from "../options.ts";
import { type ValuesByPlugin, withPluginOptions } from "../plugins/options.ts";
import { run } from "./run.ts";

export interface AutoArguments {
  readonly host: string;
  readonly options: TypedOptions & {
    readonly order?: string | undefined;
    readonly port?: string | undefined;
    readonly stagger?: string | undefined;
  };
  readonly pluginValues: ValuesByPlugin;
}

/** `nettrace auto HOST`. */
export async function runAuto(
  context: CommandContext,
  { host, options, pluginValues }: AutoArguments,
): Promise<number> {
  const protocols = await context.protocols();
  const rungs = buildLadder(protocols, { order: options.order, ports: options.port });
  const ladder = withPluginOptions(rungs, pluginValues);
  const last = lastRungs(protocols, rungs, options.order);
  const staggerMs = checkStagger(options.stagger);
  return run(context, { command: "auto", host, ladder, last, staggerMs, options: checkOptions(options) });
}
