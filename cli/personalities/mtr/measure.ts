import {
  type IpAddress,
  type Names,
  type Network,
  type ProtocolPlugin,
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
import { createSplitLines, type SplitLines } from "./split.ts";
import { createRawStream, type Stream } from "./stream.ts";

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

/** Measures one host, as far as keys allow: a program that reads the split format may write `r` and `q`. */
export async function measure(run: HostRun): Promise<Watched> {
  const { context, settings } = run;
  if (settings.mode !== "split") return measureOnce(run);
  const lines = createSplitLines((text) => context.stdout.write(text));
  let isReset = false;
  let abort = new AbortController();
  const stopReading = context.onInput?.((text) => {
    for (const key of text.toLowerCase()) {
      // Ctrl-C, where the terminal does not make a signal of it.
      if (key !== "q" && key !== "r" && key !== "\x03") continue;
      isReset = key === "r";
      abort.abort();
    }
  });
  try {
    for (;;) {
      const watched = await measureOnce({ ...run, signal: AbortSignal.any([run.signal, abort.signal]) }, lines);
      if (!isReset || run.signal.aborted) return watched;
      isReset = false;
      abort = new AbortController();
      lines.reset();
    }
  } finally {
    stopReading?.();
  }
}

/** Measures by the protocol that was asked for or, where this host refuses it and that is wanted, by one that works. */
async function measureOnce(run: HostRun, lines?: SplitLines): Promise<Watched> {
  const { settings, context, network, target, signal } = run;
  const { plugins } = await context.protocols();
  const watched = await watch(run, await rungsOf(settings, plugins), settings.protocol, lines);
  const isRefused = watched.error instanceof SocketError && watched.table.received === 0;
  if (!isRefused || signal.aborted || !isFallbackWanted(settings.fallback, context.env)) return watched;
  const ports = settings.port === undefined ? undefined : String(settings.port);
  const ladder = buildLadder(await context.protocols(), { ports });
  const search = await findWorkingRung(network, { target, ladder, signal });
  context.stderr.write(`${printable(fallbackNotice(protocolWords(settings), search))}\n`);
  if (search.rung === undefined) return watched;
  return watch(run, [search.rung], "fallback", lines);
}

/** Of TCP and SCTP. */
const STREAM_PORT = 80;
const PLUGINS = { icmp: ["icmp"], udp: ["udp"], tcp: ["tcp-syn", "tcp-connect"], sctp: ["sctp"] } as const;

/** What mtr calls a protocol may be several of ours: the first that this host opens a socket for. */
export async function rungsOf(
  { protocol, port }: Pick<MtrSettings, "protocol" | "port">,
  known: readonly ProtocolPlugin[],
): Promise<readonly Rung[]> {
  const plugins = protocol === "sctp" ? [...known, (await import("../../../plugins/more.ts")).sctp] : known;
  return PLUGINS[protocol].map((name) => {
    const plugin = plugins.find((each) => each.name === name);
    if (plugin === undefined) throw new UsageError(`Cannot use ${name}: it is not built in`);
    return { plugin, port: port ?? (isStream(protocol) ? STREAM_PORT : 0) };
  });
}

function isStream(protocol: MtrSettings["protocol"]): boolean {
  return protocol === "tcp" || protocol === "sctp";
}

/** mtr's UDP counts the target's ports up unless one is asked for; its TCP and SCTP take a source port for each probe. */
export function isFlowVaried({ protocol, port }: Pick<MtrSettings, "protocol" | "port">): boolean {
  return isStream(protocol) || (protocol === "udp" && port === undefined);
}

function watch(
  run: HostRun,
  rungs: readonly Rung[],
  protocol: MtrSettings["protocol"] | "fallback",
  lines: SplitLines | undefined,
): Promise<Watched> {
  const { settings, network, target, names, infos, signal } = run;
  const isPadded = protocol === "icmp" || protocol === "udp";
  const varies = protocol !== "fallback" && isFlowVaried(settings);
  const stream = streamOf(run);
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
      stream?.event(event);
      // What was given up is no news.
      if (!signal.aborted) lines?.show(viewOf(run, table));
    },
  });
}

function streamOf({ settings, context, names }: HostRun): Stream | undefined {
  if (settings.mode !== "raw") return undefined;
  return createRawStream((text) => context.stdout.write(text), names, settings.mpls);
}

function fillOf({ bitPattern }: MtrSettings): Uint8Array | "random" {
  return bitPattern === "random" ? bitPattern : Uint8Array.of(bitPattern);
}

export function protocolWords({ protocol, port }: MtrSettings): string {
  if (protocol === "icmp") return "ICMP";
  const number = port ?? (isStream(protocol) ? STREAM_PORT : undefined);
  return `${protocol.toUpperCase()}${number === undefined ? "" : ` to port ${number}`}`;
}
