import type { CommandContext } from "../context.ts";
import { parseRung } from "../ladder.ts";
import { checkOptions, type TypedOptions } from "../options.ts";
import { type ValuesByPlugin, withPluginOptions } from "../plugins/options.ts";
import { run } from "./run.ts";

export interface TraceArguments {
  readonly host: string;
  readonly options: TypedOptions & { readonly protocol: string };
  readonly pluginValues: ValuesByPlugin;
}

/** `nettrace trace HOST -P PLUGIN[:PORT]`: a ladder of one rung. */
export async function runTrace(
  context: CommandContext,
  { host, options, pluginValues }: TraceArguments,
): Promise<number> {
  const { plugins } = await context.protocols();
  const ladder = withPluginOptions([parseRung("-P", options.protocol, plugins)], pluginValues);
  return run(context, { command: "trace", host, ladder, options: checkOptions(options) });
}
