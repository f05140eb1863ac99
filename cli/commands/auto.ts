import { measureEgress, type Rung, UsageError } from "../../core/mod.ts";
import type { CommandContext } from "../context.ts";
import { buildLadder, lastRungs } from "../ladder.ts";
import { checkOptions, checkStagger, type TypedOptions } from "../options.ts";
import { type ValuesByPlugin, withPluginOptions } from "../plugins/options.ts";
import { type RunPlan, run } from "./run.ts";

export interface AutoArguments {
  readonly host: string;
  readonly options: TypedOptions & {
    readonly order?: string | undefined;
    readonly port?: string | undefined;
    readonly stagger?: string | undefined;
    readonly egress?: true | undefined;
    readonly proxy?: string | undefined;
    readonly proxyTls?: string | undefined;
  };
  readonly pluginValues: ValuesByPlugin;
}

/** `nettrace auto HOST`. */
export async function runAuto(
  context: CommandContext,
  { host, options, pluginValues }: AutoArguments,
): Promise<number> {
  if (options.proxy !== undefined) {
    const { planOf, runProxy } = await import("./proxy.ts");
    const plan = planOf(context, host, { ...options, proxy: options.proxy });
    if (plan !== undefined) return runProxy(context, plan);
  } else if (options.proxyTls !== undefined) throw new UsageError("Cannot use --proxy-tls without --proxy");
  const protocols = await context.protocols();
  const rungs = buildLadder(protocols, { order: options.order, ports: options.port });
  const ladder = withPluginOptions(rungs, pluginValues);
  const last = lastRungs(protocols, rungs, options.order);
  const staggerMs = checkStagger(options.stagger);
  const plan = { command: "auto", host, ladder, last, staggerMs, options: checkOptions(options) } as const;
  return run(context, options.egress ? { ...plan, prepare: byEgress(context, ladder) } : plan);
}

/** Measures what this host lets out towards the target, says it on stderr, and puts the ladder in that order. */
function byEgress(context: CommandContext, ladder: readonly Rung[]): NonNullable<RunPlan["prepare"]> {
  return async (network, target, signal) => {
    const { letOut, portsToTry, reorder } = await import("../egress/ladder.ts");
    const report = await measureEgress(network, {
      target,
      protocols: ["icmp", "udp", "tcp"],
      ports: portsToTry(ladder),
      signal,
    });
    context.stderr.write(`nettrace: this host lets out ${letOut(report)}\n`);
    return reorder(ladder, report);
  };
}
