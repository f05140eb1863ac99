import { IP_PROTOCOL, type IpPacket } from "../wire/mod.ts";
import { readU16 } from "../wire/octets.ts";
import type { PacketMatch, ProtocolSelector } from "./topology.ts";

export function selects(selector: ProtocolSelector, protocol: number): boolean {
  if (selector === "icmp") return protocol === IP_PROTOCOL.icmp || protocol === IP_PROTOCOL.icmpv6;
  if (selector === "tcp") return protocol === IP_PROTOCOL.tcp;
  if (selector === "udp") return protocol === IP_PROTOCOL.udp;
  return selector === protocol;
}

/** Whether a rule's conditions hold for a packet; a condition on ports never holds where there are none. */
export function matches(rule: PacketMatch, packet: IpPacket): boolean {
  const { protocols, ports, exceptPorts, families } = rule;
  if (families !== undefined && !families.includes(packet.version)) return false;
  if (protocols !== undefined && !protocols.some((selector) => selects(selector, packet.protocol))) return false;
  if (ports === undefined && exceptPorts === undefined) return true;
  if (packet.protocol !== IP_PROTOCOL.tcp && packet.protocol !== IP_PROTOCOL.udp) return false;
  const port = readU16(packet.payload, 2);
  return (ports === undefined || ports.includes(port)) && !(exceptPorts?.includes(port) ?? false);
}
