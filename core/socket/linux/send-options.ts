import type { Family } from "../../address.ts";
import { SocketError } from "../../errors.ts";
import { errnoName } from "../../ffi/errno.ts";
import { ERRNO, IP, IPV6, PMTUDISC, SO, SOL } from "./abi.ts";
import type { Kernel } from "./kernel.ts";

/** Has a socket's packets leave as the network's options say. Throws SocketError (stage `socket`). */
export function applySendOptions(kernel: Kernel, fd: number, family: Family): void {
  const { mark, trafficClass, dontFragment, flowLabel, dontRoute } = kernel.options;
  const isV4 = family === 4;
  const ip = isV4 ? SOL.ip : SOL.ipv6;
  const set = (action: string, level: number, name: number, value: number): void => {
    const errno = kernel.setOption(fd, level, name, value);
    if (errno === 0) return;
    const evidence = name === SO.mark && errno === ERRNO.EPERM ? "a mark needs CAP_NET_ADMIN" : undefined;
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
  // The label itself goes with each destination (sin6_flowinfo).
  if (flowLabel !== undefined && !isV4) set(`set the flow label ${flowLabel}`, ip, IPV6.flowinfoSend, 1);
  if (dontRoute === true) set("bypass the routing table", SOL.socket, SO.dontroute, 1);
}
