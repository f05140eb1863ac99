import {
  type Attempt,
  type AutoRequest,
  auto,
  createNames,
  DEFAULT_TRACE_OPTIONS,
  type DroppedHere,
  formatAddress,
  type IpAddress,
  type Names,
  type Network,
  noNames,
  type ProbeOptions,
  parseAddress,
  type Route,
  type Rung,
  resolveTarget,
  SocketError,
  UsageError,
} from "../../core/mod.ts";
import type { CommandContext, InterruptSignal } from "../context.ts";
import { checkHost } from "../host.ts";
import type { CommonOptions } from "../options.ts";
import { printable } from "../printable.ts";
import { createReporter } from "../render/reporter.ts";
import type { Reporter } from "../render/text.ts";
import { exitCodeOf, type RunEnd, type RunHead } from "../result.ts";

export interface RunPlan {
  readonly command: "auto" | "trace";
  readonly host: string;
  readonly ladder: readonly Rung[];
  /** More rungs, for a network that shows no hops. */
  readonly last?: readonly Rung[];
  readonly options: CommonOptions;
  /** Milliseconds. */
  readonly staggerMs?: number;
  /** The ladder to climb in place of `ladder`, once the target is known. */
  readonly prepare?: (network: Network, target: IpAddress, signal: AbortSignal) => Promise<readonly Rung[]>;
}

/** Traces, shows, and returns the exit status. Throws UsageError, ResolveError or SocketError before the first probe. */
export async function run(context: CommandContext, plan: RunPlan): Promise<number> {
  const host = checkHost(plan.host);
  checkZone(host, plan.options);
  const abort = new AbortController();
  let interrupted: InterruptSignal | undefined;
  const stopListening = context.onInterrupt((signal) => {
    interrupted ??= signal;
    abort.abort();
  });
  try {
    using network = await openNetwork(context, plan.options);
    const target = await resolveTarget({
      host,
      route: (to) => routeOf(network, to, plan.options),
      signal: abort.signal,
      ...(plan.options.family !== undefined && { family: plan.options.family }),
      ...(context.lookup !== undefined && { lookup: context.lookup }),
    });
    const prepare = network.reachOnly ? undefined : plan.prepare;
    const ladder = (await prepare?.(network, target.address, abort.signal)) ?? plan.ladder;
    const end = await show(context, { ...plan, ladder }, network, target, abort.signal, () => interrupted);
    return exitCodeOf(end);
  } catch (error) {
    if (interrupted === undefined) throw error;
    return exitCodeOf({ attempts: [], winner: undefined, durationMs: 0, interrupted });
  } finally {
    stopListening();
  }
}

async function show(
  context: CommandContext,
  { command, host, ladder: rungs, last = [], options, staggerMs }: RunPlan,
  network: Network,
  target: { readonly address: IpAddress; readonly route?: Route },
  signal: AbortSignal,
  interruptedBy: () => InterruptSignal | undefined,
): Promise<RunEnd> {
  const ladder = network.reachOnly ? [...rungs, ...last] : rungs;
  let reporter: Reporter | undefined;
  const names: Names = options.numeric
    ? noNames
    : createNames({
        onSettled: () => reporter?.refresh(),
        ...(context.reverse !== undefined && { reverse: context.reverse }),
      });
  const head: RunHead = {
    command,
    target: { name: host, address: target.address },
    route: target.route,
    trace: { ...DEFAULT_TRACE_OPTIONS, ...options.trace },
    ladder: ladder.map(({ plugin, port }) => ({
      protocol: plugin.name,
      port: port || (plugin.defaultPort ?? null),
    })),
    started: context.now(),
  };
  reporter = await createReporter(context, { head, names, format: options.format, record: options.record });
  const startedMs = network.nowMs();
  let attempts: readonly Attempt[] = [];
  let winner: Attempt | undefined;
  let droppedHere: DroppedHere | undefined;
  const request = {
    target: target.address,
    ladder,
    signal,
    trace: options.trace,
    ...(staggerMs !== undefined && { staggerMs }),
    probe: probeOptions(options),
  };
  for await (const event of auto(network, request)) {
    const answer = event.type === "trace" ? event.event : undefined;
    if (answer?.type === "reply" || answer?.type === "late") names.want(answer.reply.from);
    if (event.type === "finished") ({ attempts, winner, droppedHere } = event);
    reporter.event(event);
  }
  const smallProbes = options.packetSize === undefined ? undefined : await compareSmall(network, request, winner);
  const durationMs = network.nowMs() - startedMs;
  await Promise.race([names.allSettled(), aborted(signal)]);
  const end = { attempts, winner, durationMs, interrupted: interruptedBy(), droppedHere, smallProbes };
  reporter.finish(end);
  return end;
}

async function compareSmall(network: Network, request: AutoRequest, large: Attempt | undefined) {
  const { traceSmall } = await import("./small-probes.ts");
  return traceSmall(network, request, large);
}

export function probeOptions({ sourcePort, packetSize }: CommonOptions): ProbeOptions {
  return { ...(sourcePort !== undefined && { sourcePort }), ...(packetSize !== undefined && { packetSize }) };
}

export async function openNetwork(context: CommandContext, options: CommonOptions): Promise<Network> {
  try {
    return await context.openNetwork({
      ...options.send,
      backend: options.backend,
      onLimits: (limits) => context.stderr.write(`nettrace: ${printable(limits)}\n`),
      ...(options.source !== undefined && { source: options.source }),
      ...(options.interface !== undefined && { interface: options.interface }),
    });
  } catch (error) {
    throw ownMistake(error, options) ?? error;
  }
}

export function routeOf(network: Network, to: IpAddress, options: CommonOptions): Route {
  try {
    return network.route(to);
  } catch (error) {
    throw ownMistake(error, options) ?? error;
  }
}

/** A refusal that `-s`, `-i` or `--mark` brought about is the user's to mend, not the host's. */
function ownMistake(error: unknown, { source, interface: name, send }: CommonOptions): UsageError | undefined {
  if (!(error instanceof SocketError)) return undefined;
  if (send.mark !== undefined && error.stage === "socket" && error.errno === "EPERM") {
    return new UsageError(`Cannot use --mark ${send.mark}: it needs root or CAP_NET_ADMIN`);
  }
  if (source !== undefined && error.errno === "EADDRNOTAVAIL") {
    return new UsageError(`Cannot send from ${formatAddress(source)}: this host has no such address`);
  }
  if (name !== undefined && error.errno === "ENODEV") {
    return new UsageError(`Cannot send by ${name}: this host has no such interface`);
  }
  return undefined;
}

/** RFC 4007 §6: a link-local address means something only together with an interface. */
export function checkZone(host: string, options: CommonOptions): void {
  const address = parseAddress(host);
  const isLinkLocal = address?.family === 6 && address.bytes[0] === 0xfe && ((address.bytes[1] ?? 0) & 0xc0) === 0x80;
  if (address === undefined || !isLinkLocal || address.zone !== undefined || options.interface !== undefined) return;
  throw new UsageError(
    `Cannot trace to ${address.text}: a link-local address needs its interface, as in ${address.text}%eth0`,
  );
}

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
