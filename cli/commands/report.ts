import {
  createNames,
  DEFAULT_TRACE_OPTIONS,
  type IpAddress,
  type Names,
  type Network,
  noNames,
  type Route,
  type Rung,
  resolveTarget,
  watchDrops,
} from "../../core/mod.ts";
import type { CommandContext, InterruptSignal } from "../context.ts";
import { checkHost } from "../host.ts";
import { buildLadder, parseRung } from "../ladder.ts";
import {
  type CommonOptions,
  checkCycles,
  checkInterval,
  checkOptions,
  checkStagger,
  type TypedOptions,
} from "../options.ts";
import { findWorkingRung, type RungFound } from "../personalities/fallback.ts";
import { type ValuesByPlugin, withPluginOptions } from "../plugins/options.ts";
import { attemptLabel } from "../render/attempt.ts";
import { createProgress, type Progress } from "../render/progress.ts";
import { exitCodeOfReport, type ReportEnd, type ReportHead } from "../render/report.ts";
import { reportDocument } from "../render/report-json.ts";
import { createKeeper, type ReportKeeper } from "../render/report-keeper.ts";
import { reportLines } from "../render/report-text.ts";
import { createPaint } from "../render/style.ts";
import { patienceOf, type Watched, watchRounds } from "../rounds.ts";
import { aborted, checkZone, openNetwork, probeOptions, routeOf } from "./run.ts";

export interface ReportArguments {
  readonly host: string;
  readonly options: TypedOptions & {
    readonly cycles?: string | undefined;
    readonly interval?: string | undefined;
    readonly protocol?: string | undefined;
    readonly order?: string | undefined;
    readonly port?: string | undefined;
    readonly stagger?: string | undefined;
  };
  readonly pluginValues: ValuesByPlugin;
}

const CYCLES = 10;
const INTERVAL_MS = 1000;
/** As mtr's: for whom they are too long, `-w`. */
const TIMEOUT_MS = 10_000;
const GRACE_MS = 5000;
/** What is silent before a target that answers need not be waited for longer than this many times its slowest answer. */
const GRACE_FACTOR = 4;

interface Plan {
  readonly host: string;
  readonly ladder: readonly Rung[];
  /** `-P`: there is nothing to choose. */
  readonly isAsked: boolean;
  readonly staggerMs: number;
  readonly cycles: number;
  readonly intervalMs: number;
  readonly options: CommonOptions;
}

/** `nettrace report HOST`: mtr's table, by the first protocol of the ladder that reaches the target. */
export async function runReport(
  context: CommandContext,
  { host, options: typed, pluginValues }: ReportArguments,
): Promise<number> {
  const choice = await context.protocols();
  const asked = typed.protocol === undefined ? undefined : [parseRung("-P", typed.protocol, choice.plugins)];
  const rungs = asked ?? buildLadder(choice, { order: typed.order, ports: typed.port });
  const plan: Plan = {
    host: checkHost(host),
    ladder: withPluginOptions(rungs, pluginValues),
    isAsked: asked !== undefined,
    staggerMs: checkStagger(typed.stagger),
    cycles: checkCycles(typed.cycles) ?? CYCLES,
    intervalMs: checkInterval(typed.interval) ?? INTERVAL_MS,
    options: checkOptions(typed),
  };
  checkZone(plan.host, plan.options);
  const abort = new AbortController();
  let interrupted: InterruptSignal | undefined;
  const stopListening = context.onInterrupt((signal) => {
    interrupted ??= signal;
    abort.abort();
  });
  try {
    using network = await openNetwork(context, plan.options);
    const target = await resolveTarget({
      host: plan.host,
      route: (to) => routeOf(network, to, plan.options),
      signal: abort.signal,
      ...(plan.options.family !== undefined && { family: plan.options.family }),
      ...(context.lookup !== undefined && { lookup: context.lookup }),
    });
    return await report(context, plan, { network, target, signal: abort.signal, interruptedBy: () => interrupted });
  } catch (error) {
    if (interrupted === undefined) throw error;
    return exitCodeOfReport({ interrupted });
  } finally {
    stopListening();
  }
}

interface Scene {
  readonly network: Network;
  readonly target: { readonly address: IpAddress; readonly route?: Route };
  readonly signal: AbortSignal;
  readonly interruptedBy: () => InterruptSignal | undefined;
}

async function report(context: CommandContext, plan: Plan, scene: Scene): Promise<number> {
  const { network, target, signal } = scene;
  const { options } = plan;
  const progress = createProgress(context.stderr, context.env);
  const names: Names = options.numeric
    ? noNames
    : createNames({ ...(context.reverse !== undefined && { reverse: context.reverse }) });
  const head: ReportHead = {
    command: "report",
    target: { name: plan.host, address: target.address },
    route: target.route,
    trace: { ...DEFAULT_TRACE_OPTIONS, ...options.trace },
    ladder: plan.ladder.map(({ plugin, port }) => ({
      protocol: plugin.name,
      port: port || (plugin.defaultPort ?? null),
    })),
    started: context.now(),
    cycles: plan.cycles,
    intervalMs: plan.intervalMs,
    ...(context.hostName !== undefined && { localHost: context.hostName }),
  };
  const keeper = await createKeeper(context, head, options, names);
  const startedMs = network.nowMs();
  const dropsOf = watchDrops(network, target.address.family);
  const search = await choose(plan, scene, progress, keeper);
  const rung = search.rung ?? plan.ladder[search.winner?.index ?? -1];
  const chosen = rung === undefined || signal.aborted ? undefined : { rung, search, names, progress, keeper };
  const watched = chosen && (await watch(plan, scene, chosen));
  const durationMs = network.nowMs() - startedMs;
  const asked = [...search.attempts, ...(watched === undefined ? [] : [{ path: watched.table }])];
  const droppedHere = dropsOf(asked);
  if (watched !== undefined) keeper.settle(watched, network.nowMs());
  await Promise.race([names.allSettled(), aborted(signal)]);
  progress.clear();
  const interrupted = scene.interruptedBy();
  const end: ReportEnd = {
    attempts: search.attempts,
    winner: search.winner,
    durationMs,
    interrupted,
    droppedHere,
    ...(watched !== undefined && { watched }),
    exitCode: exitCodeOfReport({ interrupted, attempts: search.attempts, watched }),
  };
  const { stdout } = context;
  if (options.format === "json") stdout.write(reportDocument(head, end, names));
  else if (options.format === "text") {
    stdout.write(reportLines(head, end, { names, output: stdout, paint: createPaint(stdout, context.env) }));
  }
  keeper.finish(end);
  return end.exitCode;
}

/** By which protocol: what `-P` says, or the first of the ladder that reaches the target by a quick trace. */
async function choose(
  plan: Plan,
  { network, target, signal }: Scene,
  progress: Progress,
  keeper: ReportKeeper,
): Promise<RungFound> {
  const { ladder, options } = plan;
  if (plan.isAsked) return { rung: ladder[0], winner: undefined, attempts: [] };
  return findWorkingRung(network, {
    target: target.address,
    ladder,
    signal,
    staggerMs: plan.staggerMs,
    trace: { ...options.trace, flow: "constant" },
    probe: probeOptions(options),
    onProgress: (attempt) => progress.show(attempt),
    onEvent: (event) => keeper.searching(event),
  });
}

interface Chosen {
  readonly rung: Rung;
  readonly search: RungFound;
  readonly names: Names;
  readonly progress: Progress;
  readonly keeper: ReportKeeper;
}

function watch(plan: Plan, { network, target, signal }: Scene, chosen: Chosen): Promise<Watched> {
  const { trace } = plan.options;
  const { rung, search, names, progress, keeper } = chosen;
  const targetHop = search.winner?.path.targetHop;
  const expectedHops = targetHop === undefined ? undefined : targetHop - (trace.firstHop ?? 1) + 1;
  const name = { protocol: rung.plugin.name, port: rung.port || (rung.plugin.defaultPort ?? null) };
  const label = attemptLabel(name);
  keeper.begin(search.attempts.length, name, network.nowMs());
  return watchRounds(network, {
    target: target.address,
    rungs: [rung],
    signal,
    trace,
    probe: probeOptions(plan.options),
    rounds: {
      intervalMs: plan.intervalMs,
      patienceMs: patienceOf(plan.intervalMs),
      cycles: plan.cycles,
      perProbeTimeoutMs: trace.maxWaitMs ?? TIMEOUT_MS,
      graceMs: Math.min(GRACE_MS, trace.maxWaitMs ?? GRACE_MS),
      graceFactor: GRACE_FACTOR,
      ...(trace.maxGap !== undefined && { maxUnknown: trace.maxGap }),
      ...(expectedHops !== undefined && { expectedHops }),
    },
    onEvent(event, table) {
      keeper.watching(event);
      if (event.type === "reply" || event.type === "late") names.want(event.reply.from);
      progress.tell(`${label}: round ${table.rounds} of ${plan.cycles}`);
    },
  });
}
