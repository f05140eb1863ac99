import { type Rung, resolveTarget, UsageError } from "../../core/mod.ts";
import type { CommandContext, InterruptSignal } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { checkHost, echo } from "../host.ts";
import { buildLadder, parseRung } from "../ladder.ts";
import { ORDER_KEYS } from "../live/columns.ts";
import { liveOrigins } from "../live/origins.ts";
import type { LiveSettings, LiveTarget } from "../live/settings.ts";
import { checkTerminal, loadScreen } from "../live/terminal-check.ts";
import { parseThresholds } from "../live/thresholds.ts";
import type { Tuning } from "../live/tuning.ts";
import { FIRST_UI, type Ui } from "../live/ui.ts";
import {
  type CommonOptions,
  checkCycles,
  checkInterval,
  checkOptions,
  checkStagger,
  type TypedOptions,
} from "../options.ts";
import { type ValuesByPlugin, withPluginOptions } from "../plugins/options.ts";
import { checkZone, openNetwork, routeOf } from "./run.ts";

export interface LiveArguments {
  readonly hosts: readonly string[];
  readonly options: TypedOptions & {
    readonly cycles?: string | undefined;
    readonly interval?: string | undefined;
    readonly protocol?: string | undefined;
    readonly order?: string | undefined;
    readonly port?: string | undefined;
    readonly stagger?: string | undefined;
    readonly columns?: string | undefined;
    readonly networks?: true | undefined;
    readonly asnDb?: string | undefined;
    readonly thresholds?: string | undefined;
  };
  readonly pluginValues: ValuesByPlugin;
}

const INTERVAL_MS = 1000;
const TIMEOUT_MS = 10_000;
const MAX_UNKNOWN = 12;

/** `nettrace live HOST…`: the rounds of `report` on a screen that stays, until it is ended. */
export async function runLive(context: CommandContext, given: LiveArguments): Promise<number> {
  checkTerminal(context, "nettrace report prints the same table");
  const settings = await checkSettings(context, given);
  const resolved = await resolveAll(context, given.hosts.map(checkHost), settings.options);
  if ("signal" in resolved) return resolved.signal === "SIGINT" ? EXIT.interrupted : EXIT.terminated;
  const { showLive } = await loadScreen(() => import("../live/show-live.ts"));
  return showLive(context, { ...settings, targets: resolved.targets });
}

/** Throws UsageError for the first value that cannot be used. */
export async function checkSettings(
  context: CommandContext,
  { options: typed, pluginValues }: Omit<LiveArguments, "hosts">,
): Promise<Omit<LiveSettings, "targets">> {
  const choice = await context.protocols();
  const options = checkOptions(typed);
  const asked = typed.protocol === undefined ? undefined : [parseRung("-P", typed.protocol, choice.plugins)];
  const withValues = (rungs: readonly Rung[]): readonly Rung[] => withPluginOptions(rungs, pluginValues);
  const cycles = checkCycles(typed.cycles);
  const database = typed.asnDb ?? context.env["NETTRACE_ASN_DB"] ?? "";
  const tuning: Tuning = {
    intervalMs: checkInterval(typed.interval) ?? INTERVAL_MS,
    firstHop: options.trace.firstHop ?? 1,
    maxHop: options.trace.maxHop ?? 30,
    maxUnknown: options.trace.maxGap ?? MAX_UNKNOWN,
    packetSize: options.packetSize,
    fill: undefined,
    trafficClass: options.send.trafficClass,
  };
  const ui: Ui = {
    ...FIRST_UI,
    hasNames: !options.numeric,
    hasBoth: typed.both === true,
    // To ask others for every address of the path takes a wish; a database asks nobody.
    origin: typed.networks || database !== "" ? "number" : "off",
    columns: checkColumns(typed.columns),
  };
  return {
    rungs: asked === undefined ? undefined : withValues(asked),
    ladder: withValues(asked ?? buildLadder(choice, { order: typed.order, ports: typed.port })),
    staggerMs: checkStagger(typed.stagger),
    plugins: choice.plugins,
    options,
    ...(cycles !== undefined && { cycles }),
    timeoutMs: options.trace.maxWaitMs ?? TIMEOUT_MS,
    tuning,
    ui,
    thresholds: parseThresholds(typed.thresholds),
    origins: await liveOrigins(context, typed.asnDb),
  };
}

function checkColumns(text: string | undefined): Ui["columns"] {
  if (text === undefined) return "latency";
  const isKnown = text !== "" && Array.from(text).every((key) => ORDER_KEYS.includes(key) || key === " ");
  if (isKnown) return { order: text };
  throw new UsageError(`Cannot use -o ${echo(text) || '""'}: it must be letters of ${ORDER_KEYS}`);
}

/** Throws ResolveError for the first host that has no address. */
async function resolveAll(
  context: CommandContext,
  hosts: readonly string[],
  options: CommonOptions,
): Promise<{ readonly targets: readonly LiveTarget[] } | { readonly signal: InterruptSignal }> {
  for (const host of hosts) checkZone(host, options);
  const abort = new AbortController();
  let interrupted: InterruptSignal | undefined;
  const stopListening = context.onInterrupt((signal) => {
    interrupted ??= signal;
    abort.abort();
  });
  try {
    using network = await openNetwork(context, options);
    const targets = await Promise.all(
      hosts.map(async (host) => ({
        host,
        ...(await resolveTarget({
          host,
          route: (to) => routeOf(network, to, options),
          signal: abort.signal,
          ...(options.family !== undefined && { family: options.family }),
          ...(context.lookup !== undefined && { lookup: context.lookup }),
        })),
      })),
    );
    return { targets };
  } catch (error) {
    if (interrupted === undefined) throw error;
    return { signal: interrupted };
  } finally {
    stopListening();
  }
}
