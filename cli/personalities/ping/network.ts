import {
  type Family,
  type IpAddress,
  type Network,
  type Route,
  type SendOptions,
  SocketError,
  type SystemNetworkOptions,
} from "../../../core/mod.ts";
import type { CommandContext } from "../../context.ts";
import { echo } from "../../host.ts";
import { lookUpHost } from "../lookup.ts";
import { refusalHint } from "../refusal-hint.ts";
import { strerror } from "../strerror.ts";
import { PingExit } from "./exit.ts";
import type { PingOptions } from "./options.ts";

/** A network to ping by, and the way that was found in it. */
export interface PingWay {
  readonly network: Network;
  readonly address: IpAddress;
  readonly route: Route;
}

/** Opens the network as the options say, and finds the host. Throws PingExit, with what iputils would say. */
export async function findWay(options: PingOptions, context: CommandContext, calledAs: string): Promise<PingWay> {
  const address = await find(options.host, options.family ?? 0, context);
  let way: PingWay;
  try {
    way = await openWay(options, address, context);
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    if (!isMarkRefused(error, options)) throw routeExit(error, options, address.family);
    context.stderr.write(`${calledAs}: WARNING: failed to set mark: ${options.mark}: ${strerror(error.errno)}\n`);
    return findWay({ ...options, mark: undefined }, context, calledAs);
  }
  if (!options.isSticky || options.source !== undefined) return way;
  way.network[Symbol.dispose]();
  return openWay({ ...options, source: way.route.source }, way.address, context);
}

async function openWay(options: PingOptions, first: IpAddress, context: CommandContext): Promise<PingWay> {
  const network = await context.openNetwork(networkOptions(options));
  try {
    const { address, route } = await findRoute(network, options, first, context);
    // "This host" is whoever the kernel would send as.
    const isAny = address.bytes.every((octet) => octet === 0);
    return { network, address: isAny ? route.source : address, route };
  } catch (error) {
    network[Symbol.dispose]();
    throw error;
  }
}

async function findRoute(
  network: Network,
  { host, family }: PingOptions,
  first: IpAddress,
  context: CommandContext,
): Promise<{ readonly address: IpAddress; readonly route: Route }> {
  try {
    return { address: first, route: network.route(first) };
  } catch (error) {
    // As iputils does: where IPv6 leads nowhere, the name's IPv4 address is the next to try.
    const isNoWay = error instanceof SocketError && /^E(NET|HOST)UNREACH$/.test(error.errno ?? "");
    if (!isNoWay || first.family === 4 || family !== undefined) throw error;
    const { address } = await lookUpHost(context, host, [4]);
    if (address === undefined) throw error;
    return { address, route: network.route(address) };
  }
}

async function find(host: string, family: Family | 0, context: CommandContext): Promise<IpAddress> {
  const found = await lookUpHost(context, host, [family]);
  if (found.address === undefined) {
    const isOtherFamily = found.error === "No address associated with hostname";
    throw new PingExit(`${echo(host)}: ${isOtherFamily ? OTHER_FAMILY : found.error}`, 2);
  }
  const [first = 0] = found.address.bytes;
  const isGroup = found.address.family === 6 ? first === 255 : first >= 224 && first < 240;
  if (isGroup) throw new PingExit(`${echo(host)}: groups are not pinged here`, 2);
  if (found.address.text === "255.255.255.255") throw new PingExit(BROADCAST, 2);
  return found.address;
}

const OTHER_FAMILY = "Address family for hostname not supported";
const BROADCAST = "Do you want to ping broadcast? Then -b. If not, check your local firewall rules";

function networkOptions(options: PingOptions): SystemNetworkOptions {
  const { source, device, mark, trafficClass, dontFragment, flowLabel, dontRoute } = options;
  const send: SendOptions = {
    ...(mark !== undefined && { mark }),
    ...(trafficClass !== undefined && { trafficClass }),
    ...(dontFragment !== undefined && { dontFragment }),
    ...(flowLabel !== undefined && { flowLabel }),
    ...(dontRoute && { dontRoute }),
  };
  return { ...send, ...(source !== undefined && { source }), ...(device !== undefined && { interface: device }) };
}

function isMarkRefused(error: SocketError, { mark }: PingOptions): boolean {
  return mark !== undefined && error.stage === "socket" && error.errno === "EPERM";
}

function routeExit(error: SocketError, options: PingOptions, family: Family): PingExit {
  const { stage, errno } = error;
  const why = strerror(errno);
  if (stage === "socket") return new PingExit(`socket: ${why}`, 2);
  if (stage === "bind") {
    const isDevice = options.device !== undefined && errno !== "EADDRNOTAVAIL";
    if (!isDevice) return new PingExit(`${family === 4 ? "bind" : "bind icmp socket"}: ${why}`, 2);
    if (family === 6 && errno === "ENODEV") return new PingExit(`unknown iface: ${echo(options.device ?? "")}`, 2);
    return new PingExit(`SO_BINDTODEVICE ${echo(options.device ?? "")}: ${why}`, 2);
  }
  const said = errno === "EACCES" && family === 4 ? BROADCAST : `connect: ${why}`;
  return new PingExit(`${said}\n${refusalHint(error, protocolWords(options), options.host)}`, 2);
}

/** What is sent, for a sentence. */
export function protocolWords({ protocol }: Pick<PingOptions, "protocol">): string {
  return protocol.kind === "icmp" ? "ICMP" : `${protocol.kind.toUpperCase()} to port ${protocol.port}`;
}
