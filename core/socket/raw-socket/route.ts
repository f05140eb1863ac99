import { formatAddress, type IpAddress, parseAddress } from "../../address.ts";
import { SocketError } from "../../errors.ts";
import type { Route } from "../../network.ts";
import { ownAddresses } from "../linux/interfaces.ts";
import type { RawSocketAddon } from "./addon.ts";
import { bindUdp, connectedFrom } from "./bound-udp.ts";
import { asSocketError } from "./errno.ts";
import { openIp } from "./ip-socket.ts";

/** Any port will do: a connected UDP socket sends nothing by itself. */
const DISCARD_PORT = 9;
/** IPPROTO_RAW: sends packets with their IP header, receives none (raw(7)). */
const WITH_HEADER = 255;

/** Asks the kernel for the way to an address. Throws SocketError (stage `socket` or `route`). */
export function findRoute(addon: RawSocketAddon, to: IpAddress): Route {
  const socket = bindUdp(to.family, 0);
  let source: IpAddress | undefined;
  try {
    source = parseAddress(connectedFrom(socket, formatAddress(to), DISCARD_PORT) ?? "");
  } finally {
    socket.close();
  }
  if (source === undefined) throw refusal(addon, to);
  const device = to.zone ?? ownAddresses(source.family).get(source.text)?.name;
  return device === undefined ? { source } : { source, interface: device };
}

/**
 * Why there is no route. Node does not tell that in time; a packet of one octet, too short for its own header, never
 * leaves, but the kernel looks for its route first (raw_sendmsg, net/ipv4/raw.c; rawv6_sendmsg, net/ipv6/raw.c).
 */
function refusal(addon: RawSocketAddon, to: IpAddress): SocketError {
  const action = `find a route to ${formatAddress(to)}`;
  const socket = openIp(addon, WITH_HEADER, to.family);
  try {
    socket.wrap.send(Buffer.alloc(1), 0, 1, formatAddress(to), () => {});
  } catch (error) {
    return asSocketError("route", error, action);
  } finally {
    socket.close();
  }
  return new SocketError("route", null, action, "the kernel names no source address");
}
