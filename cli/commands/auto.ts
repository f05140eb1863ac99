import type { CommandContext } from "../context.ts";
import { buildLadder } from "../ladder.ts";
import { checkOptions, checkStagger, type TypedOptions } from "../options.ts";
import { run } from "./run.ts";

export interface AutoArguments {
  readonly host: string;
  readonly options: TypedOptions & {
    readonly order?: string | undefined;
    readonly port?: string | undefined;
    readonly stagger?: string | undefined;
  };
}

/** `nettrace auto HOST`. */
export async function runAuto(context: CommandContext, { host, options }: AutoArguments): Promise<number> {
  const ladder = buildLadder(await context.protocols(), { order: options.order, ports: options.port });
  const staggerMs = checkStagger(options.stagger);
  return run(context, { command: "auto", host, ladder, staggerMs, options: checkOptions(options) });
}
