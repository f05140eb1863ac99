import { measureEgress, type Rung, UsageError } from "../../core/mod.ts";
import type { CommandContext } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { echo } from "../host.ts";
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
  const code = await run(context, options.egress ? { ...plan, prepare: byEgress(context, ladder) } : plan);
  if (code === EXIT.refusedHere) await hintAtProxy(context, host);
  return code;
}

/** Whoever has only a proxy and does not think of it may have it in the environment. */
async function hintAtProxy({ env, stderr }: CommandContext, host: string): Promise<void> {
  const { proxyVariable } = await import("../proxy/environment.ts");
  const name = proxyVariable(env);
  if (name !== undefined)
    stderr.write(`nettrace: ${name} is set; it is asked by nettrace auto ${echo(host)} --proxy env\n`);
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
