import {
  createSweep,
  type Family,
  formatAddress,
  type IpAddress,
  type Network,
  type ProbeOptions,
  type ProtocolPlugin,
  type Rung,
  SocketError,
  type SweepOptions,
  type SweepTurn,
  type SystemNetworkOptions,
} from "../../../core/mod.ts";
import type { CommandContext } from "../../context.ts";
import { buildLadder } from "../../ladder.ts";
import { printable } from "../../printable.ts";
import type { AsnOf } from "../asn-of.ts";
import { fallbackNotice, findWorkingRung, isFallbackWanted } from "../fallback.ts";
import { lookUpHost } from "../lookup.ts";
import { refusalHint } from "../refusal-hint.ts";
import { runSweep, type SweepFailure } from "../run-sweep.ts";
import { createTurnWriter } from "../turn-writer.ts";
import { TracerouteExit } from "./exit.ts";
import { isOwnMistake, isPingSocketRefused, refusalText } from "./failure.ts";
import { createTurnText } from "./hop-text.ts";
import { isMethodName, type Method, packetLength, pluginsOf } from "./methods.ts";
import { methodWith } from "./module-options.ts";
import { checkRanges, type TracerouteOptions } from "./options.ts";

const LARGEST_PACKET = 65_000;

/** Runs the tool and returns its exit status. Throws TracerouteExit, and UsageError where a packet cannot be made. */
export async function runTraceroute(options: TracerouteOptions, context: CommandContext): Promise<number> {
  const families: readonly Family[] = options.family === undefined ? [4, 6] : [options.family];
  const source = options.source && (await findSource(options.source, context, families));
  const { address, error } = await lookUpHost(context, options.host, families);
  if (address === undefined) {
    const where = `Cannot handle "host" cmdline arg \`${options.host}' on position 1 (argc ${options.hostAt})`;
    throw new TracerouteExit(`${options.host}: ${error}\n${where}`);
  }
  const packetLength = checkRanges(options);
  if (!isMethodName(options.method)) throw new TracerouteExit(`Unknown traceroute module ${options.method}`);
  const method = methodWith(options.method, options.module);
  if (source !== undefined && source.family !== address.family) {
    throw new TracerouteExit("IP version mismatch in addresses specified");
  }
  const asnOf = options.asPath ? await findAsnSource(options, context) : undefined;
  using network = await context.openNetwork(networkOptions(options, source));
  return await trace({ options: { ...options, packetLength }, context, network, method, target: address, asnOf });
}

/** Loaded where networks are asked for. Throws UsageError where the database cannot be used. */
async function findAsnSource({ asnDatabase }: TracerouteOptions, context: CommandContext): Promise<AsnOf> {
  const { asnSource } = await import("../asn-source.ts");
  return asnSource(context, asnDatabase);
}

async function findSource(
  { text, at, shown }: NonNullable<TracerouteOptions["source"]>,
  context: CommandContext,
  families: readonly Family[],
): Promise<IpAddress> {
  const { address, error } = await lookUpHost(context, text, families);
  if (address !== undefined) return address;
  throw new TracerouteExit(`${text}: ${error}\nCannot handle \`${shown}' option with arg \`${text}' (argc ${at})`);
}

function networkOptions(options: TracerouteOptions, source: IpAddress | undefined): SystemNetworkOptions {
  const { device, mark, tos, flowLabel, noRoute, dontFragment, debug } = options;
  return {
    // A packet's own MTU is what is asked about, not what this host remembers of the path.
    dontFragment: dontFragment ? "probe" : "dont",
    ...(source !== undefined && { source }),
    ...(device !== undefined && { interface: device }),
    ...(mark !== undefined && { mark }),
    ...(tos > 0 && { trafficClass: tos }),
    ...(flowLabel > 0 && { flowLabel }),
    ...(noRoute && { dontRoute: true }),
    ...(debug && { debug: true }),
  };
}

interface Call {
  readonly options: TracerouteOptions;
  readonly context: CommandContext;
  readonly network: Network;
  readonly method: Method;
  readonly target: IpAddress;
  /** Undefined: nobody asks for networks. */
  readonly asnOf: AsnOf | undefined;
}

async function trace(call: Call): Promise<number> {
  const { options, context, network, method, target, asnOf } = call;
  const { numeric } = options;
  const writer = createTurnWriter(context, createTurnText({ ...options, ...options.module }), {
    numeric,
    ...(asnOf && { asnOf }),
  });
  const printHeader = once(() => context.stdout.write(headerText(call)));
  const { plugins, order } = await context.protocols();
  const words = method.words(options.port ?? method.defaultPort, ipProtocolOf(options));
  const mayFallBack = isFallbackWanted(options.fallback, context.env);
  let turns = 0;
  let isOpen = !method.opensFirst;
  /** Where another method may take over, what it has to say comes before the first line. */
  const opened = (): void => {
    isOpen = true;
    if (!mayFallBack) printHeader();
  };
  const onTurn = (turn: SweepTurn): void => {
    printHeader();
    turns += 1;
    writer.write(turn);
  };
  const run = ({ plugin, port }: Rung, probe: ProbeOptions): Promise<SweepFailure | undefined> =>
    runSweep(network, {
      plugin,
      target: { address: target, port },
      probe,
      sweep: createSweep({ ...sweepOptions(call), onTurn }),
      onOpen: opened,
      onAnswer: writer.met,
      ...(plugin.name === "icmp" && { firstSequence: options.port ?? 1 }),
    });

  if (isOpen) opened();
  let failure = await runMethod(call, plugins, run);
  if (failure instanceof SocketError && turns === 0 && mayFallBack) {
    const found = await findWorkingRung(network, { target, ladder: buildLadder({ plugins, order }, {}) });
    context.stderr.write(`${fallbackNotice(words, found)}\n`);
    if (found.rung !== undefined) failure = await run(found.rung, portsOnly(probeOptions(call)));
  }
  if (isOpen) printHeader();
  await writer.written();
  if (failure === undefined) {
    context.stdout.write("\n");
    return 0;
  }
  if (!(failure instanceof SocketError)) throw failure;
  context.stderr.write(refusalText(failure, options));
  if (isPingSocketRefused(failure, options)) {
    context.stderr.write("nettrace: no group of this user is in net.ipv4.ping_group_range; try: traceroute -I\n");
  } else if (!isOwnMistake(failure, options)) {
    context.stderr.write(`${refusalHint(failure, words, options.host)}\n`);
  }
  return 1;
}

/** By the first of the method's plugins of which the host lets the sockets be opened. */
async function runMethod(
  call: Call,
  known: readonly ProtocolPlugin[],
  run: (rung: Rung, probe: ProbeOptions) => Promise<SweepFailure | undefined>,
): Promise<SweepFailure | undefined> {
  const { options, method } = call;
  const probe = probeOptions(call);
  // Of -I the port is the first sequence number.
  const port = method.defaultPort === 0 ? 0 : (options.port ?? method.defaultPort);
  let first: SweepFailure | undefined;
  for (const plugin of await pluginsOf(method, known)) {
    const failure = await run({ plugin, port }, plugin.name === "tcp-connect" ? portsOnly(probe) : probe);
    if (!(failure instanceof SocketError) || failure.stage !== "socket") return failure;
    first ??= failure;
  }
  return first;
}

function portsOnly({ sourcePort }: ProbeOptions): ProbeOptions {
  return sourcePort === undefined ? {} : { sourcePort };
}

function headerText({ options, method, target }: Call): string {
  const { host, maxHop } = options;
  const size = sizeOf(options, method, target.family);
  return `traceroute to ${printable(host)} (${formatAddress(target)}), ${maxHop} hops max, ${size} byte packets`;
}

/** Octets of the first packet. */
function sizeOf({ mtu, packetLength: asked }: TracerouteOptions, method: Method, family: Family): number {
  return packetLength(method, family, asked ?? (mtu ? LARGEST_PACKET : undefined));
}

function probeOptions({ options, method, target }: Call): ProbeOptions {
  const { sourcePort, packetLength: asked } = options;
  const isSized = asked !== undefined && !method.isFixed;
  const isOfPort = options.method === "udp" || options.method === "udplite";
  const own = {
    ...(isOfPort && { vary: "source" }),
    ...(options.method === "raw" && { protocol: ipProtocolOf(options) }),
  };
  return {
    ...(sourcePort !== undefined && { sourcePort }),
    ...(isSized && { packetSize: packetLength(method, target.family, asked) }),
    plugin: { ...options.module.values, ...own },
  };
}

/** Of `-M raw`, whose port it is (`-p`). */
function ipProtocolOf({ port, module }: TracerouteOptions): number {
  return port ?? module.ipProtocol;
}

function sweepOptions({ options, method, target }: Call): Omit<SweepOptions, "onTurn"> {
  const { firstHop, maxHop, queries, sendWaitMs, sourcePort, mtu, wait, simultaneous } = options;
  const isOneByOne = sourcePort !== undefined || method.isSerial;
  return {
    firstHop,
    maxHop,
    queries,
    sendWaitMs,
    simultaneous: isOneByOne || mtu ? 1 : simultaneous,
    wait: isOneByOne ? { ...wait, here: 0, near: 0 } : wait,
    // As the real tool's, each probe looks like another flow, unless its ports are given.
    flow: sourcePort !== undefined && options.method !== "default" ? "constant" : "vary",
    ...(mtu && !method.isFixed && { shrinkFrom: sizeOf(options, method, target.family) }),
  };
}

function once(act: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) act();
    isDone = true;
  };
}
