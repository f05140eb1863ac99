import { type Family, formatAddress, type IpAddress, parseAddress } from "../../address.ts";
import { SocketError } from "../../errors.ts";
import { errnoName } from "../../ffi/errno.ts";
import type { Route } from "../../network.ts";
import { AF, ERRNO, IP, IPV6, MSG, ORIGIN, PROTO, SOCK, SOL } from "./abi.ts";
import { parseControl } from "./control.ts";
import type { Kernel } from "./kernel.ts";
import { readSockaddr } from "./sockaddr.ts";

/** Any port will do: a connected UDP socket sends nothing by itself. */
const DISCARD_PORT = 9;
const LARGEST_DATAGRAM = 65_507;

/** Asks the kernel for the way to an address. Throws SocketError (stage `socket`, `route` or `bind`). */
export function findRoute(kernel: Kernel, to: IpAddress): Route {
  const scope = kernel.scope("route", to);
  const fd = kernel.socket(to.family, SOCK.dgram, PROTO.udp, "a UDP socket");
  try {
    kernel.bindToInterface(fd);
    if (kernel.options.source !== undefined) kernel.bind(fd, to.family, 0);
    const action = `find a route to ${formatAddress(to)}`;
    const errno = kernel.connect(fd, to, DISCARD_PORT, scope);
    if (errno !== 0) throw new SocketError("route", errnoName(errno), action, missingZone(to));
    const name = kernel.localName(fd);
    const source = name && readSockaddr(name, 0, (index) => kernel.interfaces.zoneName(index))?.address;
    if (source === undefined) throw new SocketError("route", null, action, "the kernel names no source address");
    const device = kernel.options.interface ?? to.zone ?? kernel.interfaces.nameOf(source);
    return device === undefined ? { source } : { source, interface: device };
  } finally {
    kernel.close(fd);
  }
}

/** Whether there is a way to an address, and no route that forbids it. */
export function isRouted(kernel: Kernel, to: IpAddress): boolean {
  try {
    findRoute(kernel, to);
    return true;
  } catch (error) {
    if (error instanceof SocketError) return false;
    throw error;
  }
}

/**
 * The largest packet, octets, that leaves for an address unfragmented: the path's MTU where a router has told of one, else
 * the interface's; with `probe` always the interface's. `refused`: the size of a packet that was too large. Undefined where
 * the kernel does not say.
 */
export function findMtu(kernel: Kernel, to: IpAddress, refused: number): number | undefined {
  try {
    const fd = kernel.socket(to.family, SOCK.dgram, PROTO.udp, "a UDP socket");
    try {
      kernel.bindToInterface(fd);
      if (kernel.options.source !== undefined) kernel.bind(fd, to.family, 0);
      if (kernel.options.dontFragment === "probe") return findInterfaceMtu(kernel, fd, to, refused);
      if (kernel.connect(fd, to, DISCARD_PORT, kernel.scope("route", to)) !== 0) return undefined;
      const isV4 = to.family === 4;
      return kernel.getOption(fd, isV4 ? SOL.ip : SOL.ipv6, isV4 ? IP.mtu : IPV6.mtu)?.getInt32(0, true);
    } finally {
      kernel.close(fd);
    }
  } catch (error) {
    if (error instanceof SocketError) return undefined;
    throw error;
  }
}

/**
 * IP_MTU knows only what the path was told to be. With its refusal of a packet the kernel tells what it measured that by
 * (ip_local_error), so a datagram as large as the one just refused is offered: it does not leave either.
 */
function findInterfaceMtu(kernel: Kernel, fd: number, to: IpAddress, refused: number): number | undefined {
  const { libc, outgoing, aside } = kernel;
  kernel.queueErrors(fd, to.family);
  const length = Math.min(refused - (to.family === 4 ? 28 : 48), LARGEST_DATAGRAM);
  if (length < 0) return undefined;
  const scope = kernel.scope("route", to);
  outgoing.fill(new Uint8Array(length), { address: to, port: DISCARD_PORT }, DISCARD_PORT, scope, 1);
  if (outgoing.send(libc, fd) !== ERRNO.EMSGSIZE || aside.receive(libc, fd, MSG.errqueue) !== 0) return undefined;
  const { error } = parseControl(aside.control, aside.controlLength(), String);
  return error?.origin === ORIGIN.local && error.errno === ERRNO.EMSGSIZE && error.info > 0 ? error.info : undefined;
}

/** Whether this host may not even send to itself: an empty datagram to its loopback address meets EPERM. */
export function isLoopbackRefused(kernel: Kernel, family: Family): boolean {
  const to = parseAddress(family === 4 ? "127.0.0.1" : "::1");
  if (to === undefined) return false;
  const fd = kernel.libc.socket(family === 4 ? AF.inet : AF.inet6, SOCK.dgram | SOCK.cloexec, PROTO.udp);
  if (fd < 0) return false;
  try {
    kernel.outgoing.fill(new Uint8Array(0), { address: to, port: DISCARD_PORT }, DISCARD_PORT, 0, 64);
    return kernel.outgoing.send(kernel.libc, fd) === ERRNO.EPERM;
  } finally {
    kernel.close(fd);
  }
}

function missingZone({ family, bytes, zone }: IpAddress): string | undefined {
  const linkLocal = family === 6 && bytes[0] === 0xfe && ((bytes[1] ?? 0) & 0xc0) === 0x80;
  return linkLocal && zone === undefined ? "a link-local address needs a zone (fe80::1%eth0)" : undefined;
}
