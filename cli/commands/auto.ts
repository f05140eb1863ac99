import type { CommandContext } from "../context.ts";
import { buildLadder } from "../ladder.ts";
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
  const rungs = buildLadder(await context.protocols(), { order: options.order, ports: options.port });
  const ladder = withPluginOptions(rungs, pluginValues);
  const staggerMs = checkStagger(options.stagger);
  return run(context, { command: "auto", host, ladder, staggerMs, options: checkOptions(options) });
}
