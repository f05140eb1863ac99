import type { Family } from "../../address.ts";
import { SocketError } from "../../errors.ts";
import { errnoName } from "../../ffi/errno.ts";
import { ERRNO, IP, IPV6, PMTUDISC, SO, SOL } from "./abi.ts";
import type { Kernel } from "./kernel.ts";

/** Has a socket's packets leave as the network's options say. Throws SocketError (stage `socket`). */
export function applySendOptions(kernel: Kernel, fd: number, family: Family): void {
  const { mark, trafficClass, dontFragment, flowLabel, dontRoute, debug } = kernel.options;
  const isV4 = family === 4;
  const ip = isV4 ? SOL.ip : SOL.ipv6;
  const set = (action: string, level: number, name: number, value: number): void => {
    const errno = kernel.setOption(fd, level, name, value);
    if (errno === 0) return;
    const isRefused = errno === ERRNO.EPERM || errno === ERRNO.EACCES;
    const evidence = isRefused && level === SOL.socket ? NEEDS_ADMIN.get(name) : undefined;
    throw new SocketError("socket", errnoName(errno), action, evidence);
  };
  if (mark !== undefined) set(`mark packets with ${mark}`, SOL.socket, SO.mark, mark);
  if (trafficClass !== undefined) {
    set(`set the traffic class ${trafficClass}`, ip, isV4 ? IP.tos : IPV6.tclass, trafficClass);
  }
  if (dontFragment !== undefined) {
    const action = `choose whether packets may be fragmented (${dontFragment})`;
    set(action, ip, isV4 ? IP.mtuDiscover : IPV6.mtuDiscover, PMTUDISC[dontFragment]);
  }
  if (flowLabel !== undefined && flowLabel !== 0 && !isV4) {
    const action = `set the flow label ${flowLabel}`;
    // Needed only where some program of this network namespace holds a label for itself; but that comes and goes.
    const errno = kernel.setWords(fd, ip, IPV6.flowlabelMgr, labelRequest(flowLabel));
    if (errno !== 0) throw new SocketError("socket", errnoName(errno), action);
    // The label itself goes with each destination (sin6_flowinfo).
    set(action, ip, IPV6.flowinfoSend, 1);
  }
  if (dontRoute === true) set("bypass the routing table", SOL.socket, SO.dontroute, 1);
  if (debug === true) set("have the kernel debug a socket", SOL.socket, SO.debug, 1);
}

const NEEDS_ADMIN: ReadonlyMap<number, string> = new Map([
  [SO.mark, "a mark needs CAP_NET_ADMIN"],
  [SO.debug, "debugging needs CAP_NET_ADMIN"],
]);

/** struct in6_flowlabel_req (linux/in6.h): get or create a label that everybody may share. */
function labelRequest(label: number): readonly number[] {
  // A destination is asked for, and not looked at later: ::1.
  const destination = [0, 0, 0, 0x0100_0000];
  const bigEndian = ((label & 0xff) << 24) | ((label & 0xff00) << 8) | ((label >>> 8) & 0xff00);
  const actionGet = 0;
  const shareAny = 255;
  const flagCreate = 1;
  return [...destination, bigEndian, actionGet | (shareAny << 8) | (flagCreate << 16), 0, 0];
}
