import {
  type IpAddress,
  type Names,
  type Network,
  type RoundsTable,
  type Rung,
  SocketError,
  UsageError,
} from "../../../core/mod.ts";
import type { CommandContext } from "../../context.ts";
import { buildLadder } from "../../ladder.ts";
import { printable } from "../../printable.ts";
import { type Watched, watchRounds } from "../../rounds.ts";
import { fallbackNotice, findWorkingRung, isFallbackWanted } from "../fallback.ts";
import type { Infos } from "./address-info.ts";
import type { MtrSettings } from "./settings.ts";
import { viewOf } from "./show.ts";
import { createRawStream, createSplitStream, type Stream } from "./stream.ts";

/** What is silent before a target that answers need not be waited for longer than this many times its slowest answer. */
const GRACE_FACTOR = 4;

export interface HostRun {
  readonly settings: MtrSettings;
  readonly host: string;
  readonly target: IpAddress;
  readonly context: CommandContext;
  readonly network: Network;
  readonly names: Names;
  readonly infos: Infos;
  readonly signal: AbortSignal;
  /** Something has been sent or refused. */
  readonly onStart: () => void;
}

/** Measures by the protocol that was asked for or, where this host refuses it and that is wanted, by one that works. */
export async function measure(run: HostRun): Promise<Watched> {
  const { settings, context, network, target, signal } = run;
  const { plugins } = await context.protocols();
  const named = (name: string): Rung => {
    const plugin = plugins.find((each) => each.name === name);
    if (plugin === undefined) throw new UsageError(`Cannot use ${name}: it is not built in`);
    return { plugin, port: settings.port ?? (settings.protocol === "tcp" ? TCP_PORT : 0) };
  };
  const watched = await watch(run, PLUGINS[settings.protocol].map(named), settings.protocol);
  const isRefused = watched.error instanceof SocketError && watched.table.received === 0;
  if (!isRefused || signal.aborted || !isFallbackWanted(settings.fallback, context.env)) return watched;
  const ports = settings.port === undefined ? undefined : String(settings.port);
  const ladder = buildLadder(await context.protocols(), { ports });
  const search = await findWorkingRung(network, { target, ladder, signal });
  context.stderr.write(`${printable(fallbackNotice(protocolWords(settings), search))}\n`);
  if (search.rung === undefined) return watched;
  return watch(run, [search.rung], "fallback");
}

const TCP_PORT = 80;
const PLUGINS = { icmp: ["icmp"], udp: ["udp"], tcp: ["tcp-syn", "tcp-connect"] } as const;

function watch(run: HostRun, rungs: readonly Rung[], protocol: MtrSettings["protocol"] | "fallback"): Promise<Watched> {
  const { settings, network, target, names, infos, signal } = run;
  const isPadded = protocol === "icmp" || protocol === "udp";
  // mtr's UDP counts the target's ports up unless one is asked for; its TCP takes a source port for each probe.
  const varies = protocol === "tcp" || (protocol === "udp" && settings.port === undefined);
  let stream: Stream | undefined;
  return watchRounds(network, {
    target,
    rungs,
    signal,
    trace: { firstHop: settings.firstHop, maxHop: settings.maxHop, flow: varies ? "vary" : "constant" },
    probe: {
      ...(settings.localPort !== undefined && protocol === "udp" && { sourcePort: settings.localPort }),
      ...(isPadded && { packetSize: settings.packetSize, fill: fillOf(settings) }),
    },
    rounds: {
      intervalMs: settings.intervalMs,
      // Its split format is for a program that ends it.
      ...((settings.mode !== "split" || settings.hasCycles) && { cycles: settings.cycles }),
      perProbeTimeoutMs: settings.timeoutMs,
      graceMs: settings.graceMs,
      maxUnknown: settings.maxUnknown,
      ...(!settings.hasGrace && { graceFactor: GRACE_FACTOR }),
    },
    onEvent(event, table) {
      run.onStart();
      if (event.type === "reply" || event.type === "late") {
        names.want(event.reply.from);
        infos.want(event.reply.from);
      }
      stream ??= streamOf(run, table);
      stream?.event(event);
    },
  });
}

function streamOf(run: HostRun, table: RoundsTable): Stream | undefined {
  const { settings, context, names } = run;
  const write = (text: string): void => context.stdout.write(text);
  if (settings.mode === "raw") return createRawStream(write, names, settings.mpls);
  return settings.mode === "split" ? createSplitStream(write, table, () => viewOf(run, table)) : undefined;
}

function fillOf({ bitPattern }: MtrSettings): Uint8Array | "random" {
  return bitPattern === "random" ? bitPattern : Uint8Array.of(bitPattern);
}

export function protocolWords({ protocol, port }: MtrSettings): string {
  if (protocol === "icmp") return "ICMP";
  const number = port ?? (protocol === "tcp" ? TCP_PORT : undefined);
  return `${protocol.toUpperCase()}${number === undefined ? "" : ` to port ${number}`}`;
}
