import {
  createPingSchedule,
  type Network,
  type PluginError,
  SocketError,
  type TraceEvent,
  trace,
} from "../../../core/mod.ts";
import type { CommandContext } from "../../context.ts";
import { echo } from "../../host.ts";
import { buildLadder } from "../../ladder.ts";
import { familiesOf } from "../../privileges/needs.ts";
import { fallbackNotice, findWorkingRung, isFallbackWanted } from "../fallback.ts";
import { refusalHint } from "../refusal-hint.ts";
import { strerror } from "../strerror.ts";
import { PingExit } from "./exit.ts";
import { findWay, type PingWay, protocolWords } from "./network.ts";
import type { PingOptions } from "./options.ts";
import { createPrinter, type Printer } from "./printer.ts";
import { chooseProbing, type Probing, probeOptions, probingOf } from "./probing.ts";
import { createPingReport, type PingReport } from "./report.ts";

/** The least interval of users other than root, milliseconds. */
const USER_INTERVAL_MS = 2;

/** Pings as the options say, and returns the exit status. Throws PingExit where nothing can be sent at all. */
export async function runPing(options: PingOptions, context: CommandContext, calledAs: string): Promise<number> {
  await context.resign?.({ ...familiesOf(options.family, [options.host]), admin: options.mark !== undefined });
  if (options.pattern !== undefined && !options.isQuiet) {
    const digits = Array.from(options.pattern, (octet) => octet.toString(16).padStart(2, "0")).join("");
    context.stdout.write(`PATTERN: 0x${digits}\n`);
  }
  const way = await findWay(options, context, calledAs);
  using network = way.network;
  const abort = new AbortController();
  const printer = createPrinter(context, options.isNumeric || isLiteral(options.host));
  const stopListening = context.onInterrupt(() => {
    abort.abort();
    printer.hurry();
  });
  try {
    const pinger = { options, context, calledAs, way, network, printer, signal: abort.signal };
    const probing = await chooseProbing(options.protocol, context);
    const isLadderOpen = probing.kind === "icmp" && isFallbackWanted(options.isFallbackWanted, context.env);
    const refusal = await ping(pinger, probing, isLadderOpen);
    return typeof refusal === "number" ? refusal : await fallBack(pinger);
  } finally {
    stopListening();
  }
}

/** Names are asked for only where the host was named (iputils: inet_aton(3), and a colon for IPv6). */
function isLiteral(host: string): boolean {
  return host.includes(":") || /^[\d.]+$/.test(host);
}

interface Pinger {
  readonly options: PingOptions;
  readonly context: CommandContext;
  readonly calledAs: string;
  readonly way: PingWay;
  readonly network: Network;
  readonly printer: Printer;
  readonly signal: AbortSignal;
}

/** The exit status; or, where that is of use to the caller, the refusal at the first probe. */
async function ping(pinger: Pinger, probing: Probing, returnsRefusal: boolean): Promise<number | SocketError> {
  const { options, context, calledAs, way, network, printer } = pinger;
  const { address, route } = way;
  const epochMs = context.now().getTime() - network.nowMs();
  const job = { options, probing, address, source: route.source, calledAs, epochMs };
  const report = createPingReport(job, printer, context);
  let fault: PluginError | undefined;
  const stopTelling = context.onStatus?.(() => context.stderr.write(report.statistics.status()));
  try {
    for await (const event of events(pinger, probing, report)) {
      if (returnsRefusal && isFirstRefused(event, report)) return event.error;
      report.event(event);
      if (event.type === "stopped" && event.error?.name === "PluginError") fault = event.error;
      if (isEnough(options, report)) break;
    }
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    if (returnsRefusal) return error;
    throw refusedSocket(error, pinger, probing);
  } finally {
    stopTelling?.();
  }
  report.summary();
  await printer.written();
  if (fault !== undefined) throw new PingExit(fault.message, 2);
  const { refusal, statistics } = report;
  if (refusal !== undefined) {
    context.stderr.write(`${refusalHint(refusal, protocolWords({ protocol: probing }), options.host)}\n`);
  }
  const { received } = statistics.counts;
  return received === 0 || (options.deadlineMs !== undefined && received < (options.count ?? 0)) ? 1 : 0;
}

function events(pinger: Pinger, probing: Probing, report: PingReport): AsyncIterable<TraceEvent> {
  const { options, calledAs, context, way, network, signal } = pinger;
  const { hopLimit, intervalMs, count, preload, lingerMs, deadlineMs, isRoot } = options;
  const schedule = createPingSchedule({
    intervalMs,
    preload,
    lingerMs,
    ...(count !== undefined && { count }),
    ...(deadlineMs !== undefined && { deadlineMs }),
    ...(options.isAdaptive && { adaptiveMinMs: isRoot ? 0 : USER_INTERVAL_MS }),
  });
  return trace(network, {
    plugin: probing.plugin,
    target: { address: way.address, port: probing.port },
    probe: probeOptions(probing, options, way.address.family),
    trace: { firstHop: hopLimit, maxHop: hopLimit },
    schedule,
    onRefusal: "continue",
    firstSequence: 1,
    signal,
    onOpen(mode) {
      if (options.isVerbose) {
        const { family } = way.address;
        context.stderr.write(`${calledAs}: ${probing.plugin.name}: ${mode}\n`);
        pinger.printer.out(
          `ai->ai_family: AF_INET${family === 4 ? "" : "6"}, ai->ai_canonname: '${echo(options.host)}'\n`,
        );
      }
      report.header();
      if (!isRoot && intervalMs < USER_INTERVAL_MS) {
        throw new PingExit(`cannot flood; minimal interval allowed for user is ${USER_INTERVAL_MS}ms`, 2);
      }
    },
  });
}

/** With a deadline, ping waits for answers and not for probes, and the first error ends it. */
function isEnough({ deadlineMs, count }: PingOptions, { statistics }: PingReport): boolean {
  const { received, errors } = statistics.counts;
  return deadlineMs !== undefined && (errors > 0 || received >= (count ?? Number.POSITIVE_INFINITY));
}

function isFirstRefused(event: TraceEvent, { statistics }: PingReport): event is TraceEvent & { type: "failed" } {
  return event.type === "failed" && event.error.errno !== "EMSGSIZE" && statistics.counts.received === 0;
}

/** What iputils says where it gets no socket. */
function refusedSocket(error: SocketError, { calledAs, options }: Pinger, probing: Probing): PingExit {
  const lines = [`socket: ${strerror(error.errno)}`];
  if (probing.kind === "icmp" && (error.errno === "EPERM" || error.errno === "EACCES")) {
    lines.unshift("socktype: SOCK_RAW");
    lines.push("=> missing cap_net_raw+p capability or setuid?");
  }
  const hint = refusalHint(error, protocolWords({ protocol: probing }), options.host);
  return new PingExit(`${lines.join(`\n${calledAs}: `)}\n${hint}`, 2);
}

/** Goes on by the first of the ladder's protocols that reaches the target. */
async function fallBack(pinger: Pinger): Promise<number> {
  const { options, context, way, network, signal, printer } = pinger;
  const rungs = buildLadder(await context.protocols(), {});
  const ladder = rungs.filter(({ plugin }) => plugin.name !== "icmp");
  const found = await findWorkingRung(network, { target: way.address, ladder, signal });
  await printer.written();
  context.stderr.write(`${fallbackNotice("ICMP", found)}\n`);
  if (found.rung === undefined) return 1;
  const probing = probingOf(found.rung);
  const result = await ping(
    { ...pinger, options: { ...options, dataLength: undefined, pattern: undefined } },
    probing,
    false,
  );
  return typeof result === "number" ? result : 1;
}
