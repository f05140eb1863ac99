import { formatAddress, type IpAddress } from "../../address.ts";
import { SocketError } from "../../errors.ts";
import { errnoName } from "../../ffi/errno.ts";
import type { Route } from "../../network.ts";
import { PROTO, SOCK } from "./abi.ts";
import type { Kernel } from "./kernel.ts";
import { readSockaddr } from "./sockaddr.ts";

/** Any port will do: a connected UDP socket sends nothing by itself. */
const DISCARD_PORT = 9;

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

function missingZone({ family, bytes, zone }: IpAddress): string | undefined {
  const linkLocal = family === 6 && bytes[0] === 0xfe && ((bytes[1] ?? 0) & 0xc0) === 0x80;
  return linkLocal && zone === undefined ? "a link-local address needs a zone (fe80::1%eth0)" : undefined;
}
