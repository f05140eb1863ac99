import {
  createSweep,
  type Endpoint,
  type Family,
  type IpAddress,
  type Network,
  type ProbeOptions,
  type ProtocolPlugin,
  type Reply,
  type Rung,
  SocketError,
  type SweepTurn,
  type SystemNetworkOptions,
} from "../../../core/mod.ts";
import type { CommandContext } from "../../context.ts";
import { buildLadder } from "../../ladder.ts";
import { printable } from "../../printable.ts";
import { fallbackNotice, findWorkingRung, isFallbackWanted } from "../fallback.ts";
import { lookUpHost } from "../lookup.ts";
import { refusalHint } from "../refusal-hint.ts";
import { runSweep, type SweepFailure } from "../run-sweep.ts";
import { serviceName } from "../services.ts";
import { strerror } from "../strerror.ts";
import { createTurnWriter } from "../turn-writer.ts";
import { checkTcpRanges, TcptracerouteExit, type TcptracerouteOptions } from "./options.ts";
import { createProbeText } from "./probe-text.ts";

/** Of the real tool's SYN, which has no options. */
const LEAST_LENGTH = 40;

/** Octets of a packet: our SYN has 20 of options, as Linux's own. */
function lengthOf({ packetLength }: TcptracerouteOptions, family: Family): number {
  return Math.max(packetLength, family === 4 ? 60 : 80);
}

/** Runs the tool and returns its exit status. `family`: by its name; the real tool knows IPv4 only. */
export async function runTcptraceroute(
  options: TcptracerouteOptions,
  context: CommandContext,
  family: Family = 4,
): Promise<number> {
  await context.resign?.({ families: [family], sourcePort: options.sourcePort });
  const { address } = await lookUpHost(context, options.host, [family]);
  if (address === undefined) throw new TcptracerouteExit(`Bad destination address: ${options.host}\n`);
  const source = options.source === undefined ? undefined : await findSource(options.source, context, family);
  checkTcpRanges(options);
  if (options.packetLength > 0 && options.packetLength < LEAST_LENGTH) {
    context.stderr.write(`Warning: Increasing packet length to ${LEAST_LENGTH} bytes\n`);
  }
  using network = await context.openNetwork(networkOptions(options, source));
  return await trace({ options, context, network, target: address });
}

async function findSource(text: string, context: CommandContext, family: Family): Promise<IpAddress> {
  const { address } = await lookUpHost(context, text, [family]);
  if (address === undefined) throw new TcptracerouteExit(`Bad source address: ${text}\n`);
  return address;
}

function networkOptions(options: TcptracerouteOptions, source: IpAddress | undefined): SystemNetworkOptions {
  const { device, tos, dontFragment } = options;
  return {
    dontFragment: dontFragment ? "probe" : "dont",
    ...(source !== undefined && { source }),
    ...(device !== undefined && { interface: device }),
    ...(tos > 0 && { trafficClass: tos }),
  };
}

interface Call {
  readonly options: TcptracerouteOptions;
  readonly context: CommandContext;
  readonly network: Network;
  readonly target: IpAddress;
}

async function trace(call: Call): Promise<number> {
  const { options, context, network, target } = call;
  const { queries, namesOfAll } = options;
  const isNamed = (reply: Reply): boolean => namesOfAll || !isPrivate(reply.from);
  const writer = createTurnWriter(context, createProbeText(queries, isNamed), { numeric: options.numeric });
  const { plugins, order } = await context.protocols();
  const start = beginning(call);
  if (start instanceof SocketError) return refused(call, start);
  context.stderr.write(start.header);
  let turns = 0;
  let isReached = false;
  const onTurn = (turn: SweepTurn): void => {
    turns += 1;
    isReached ||= turn.reply !== undefined && turn.reply.effect !== "transit";
    writer.write(turn);
  };
  const run = ({ plugin, port }: Rung, probe: ProbeOptions): Promise<SweepFailure | undefined> =>
    runSweep(network, {
      plugin,
      target: { address: target, port },
      probe,
      sweep: createSweep({ ...sweepOptions(options), onTurn }),
      onAnswer: writer.met,
    });

  let failure = await runTcp(call, plugins, start.probe, run);
  if (failure instanceof SocketError && turns === 0 && isFallbackWanted(options.fallback, context.env)) {
    const found = await findWorkingRung(network, { target, ladder: buildLadder({ plugins, order }, {}) });
    context.stderr.write(`${fallbackNotice(wordsOf(options), found)}\n`);
    if (found.rung !== undefined) failure = await run(found.rung, {});
  }
  await writer.written();
  if (failure instanceof SocketError) return refused(call, failure);
  if (failure !== undefined) throw failure;
  if (!isReached) context.stderr.write("Destination not reached\n");
  return isReached ? 0 : 1;
}

/** By half a handshake; without privilege by the kernel's own, of which nobody can tell the length. */
async function runTcp(
  { options }: Call,
  known: readonly ProtocolPlugin[],
  probe: ProbeOptions,
  run: (rung: Rung, probe: ProbeOptions) => Promise<SweepFailure | undefined>,
): Promise<SweepFailure | undefined> {
  let first: SweepFailure | undefined;
  for (const name of ["tcp-syn", "tcp-connect"]) {
    const plugin = known.find((each) => each.name === name);
    if (plugin === undefined) continue;
    const { packetSize: _, ...portOnly } = probe;
    const failure = await run({ plugin, port: options.port }, name === "tcp-syn" ? probe : portOnly);
    if (!(failure instanceof SocketError) || failure.stage !== "socket") return failure;
    first ??= failure;
  }
  return first;
}

/** What is known, and said, before the first probe. */
function beginning({ options, network, target }: Call): { header: string; probe: ProbeOptions } | SocketError {
  try {
    const { source, interface: device } = network.route(target);
    const sourcePort = options.trackPort ? undefined : reservePort(network, options.sourcePort, target);
    const from = `address ${source.text}${sourcePort === undefined ? "" : `, port ${sourcePort}`}`;
    const service = serviceName(options.port, "tcp");
    const length = lengthOf(options, target.family);
    const size = options.packetLength > LEAST_LENGTH ? `, ${length} byte packets` : "";
    const name = options.host === target.text ? options.host : `${printable(options.host)} (${target.text})`;
    const header = `Selected device ${printable(device ?? "unknown")}, ${from} for outgoing packets
Tracing the path to ${name} on TCP port ${options.port}${service === undefined ? "" : ` (${printable(service)})`}, ${options.maxHop} hops max${size}
`;
    return {
      header,
      probe: {
        ...(sourcePort !== undefined && { sourcePort }),
        ...(options.packetLength === length && { packetSize: length }),
      },
    };
  } catch (error) {
    if (error instanceof SocketError) return error;
    throw error;
  }
}

/** A free one, unless one is asked for. */
function reservePort(network: Network, asked: number | undefined, { family }: Endpoint["address"]): number {
  if (asked !== undefined) return asked;
  using socket = network.open({ type: "tcp-port" }, family);
  return socket.localPort;
}

function sweepOptions({ firstHop, maxHop, queries, timeout, trackPort }: TcptracerouteOptions) {
  return {
    firstHop,
    maxHop,
    queries,
    simultaneous: 1,
    sendWaitMs: 0,
    wait: { maxMs: timeout * 1000, here: 0, near: 0 },
    flow: trackPort ? "vary" : "constant",
  } as const;
}

function wordsOf({ port }: TcptracerouteOptions): string {
  return `TCP to port ${port}`;
}

function refused({ options, context, target }: Call, error: SocketError): number {
  const { stage, errno } = error;
  const length = lengthOf(options, target.family);
  if (errno === "ENODEV" && options.device !== undefined) {
    const why = "No such device exists (No such device exists)";
    const name = printable(options.device);
    context.stderr.write(`error opening device ${name}: ${name}: ${why}\n`);
    return 1;
  }
  if (stage === "socket") context.stderr.write("Got root?\n");
  else if (stage === "send" || stage === "connect" || stage === "local-reject") {
    context.stderr.write(`libnet_write failed?  Attempted to write ${length} bytes, only wrote -1\n`);
  } else context.stderr.write(`${stage === "bind" ? "bind" : "connect"}: ${strerror(errno)}\n`);
  context.stderr.write(`${refusalHint(error, wordsOf(options), options.host)}\n`);
  return 1;
}

/** RFC 1918. */
function isPrivate({ family, bytes }: IpAddress): boolean {
  const [first = 0, second = 0] = bytes;
  if (family !== 4) return false;
  return first === 10 || (first === 172 && second >= 16 && second <= 31) || (first === 192 && second === 168);
}
