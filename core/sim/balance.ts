import { ICMP, ICMPV6, IP_PROTOCOL, type IpPacket } from "../wire/mod.ts";
import { readU8, readU16 } from "../wire/octets.ts";

/**
 * The fields that load balancers hash, as text: equal texts take equal paths. `icmp` adds what some balancers read
 * where ports would be: type, code, checksum and identifier.
 */
export function flowKey(packet: IpPacket, { icmp }: { readonly icmp: boolean }): string {
  const fields: (number | string)[] = [packet.source.join("."), packet.destination.join("."), packet.protocol];
  const { payload, protocol } = packet;
  if (WITH_PORTS.has(protocol)) {
    fields.push(readU16(payload, 0), readU16(payload, 2));
  } else if (icmp && (protocol === IP_PROTOCOL.icmp || protocol === IP_PROTOCOL.icmpv6)) {
    fields.push(readU16(payload, 0), readU16(payload, 2), readU16(payload, 4));
  }
  return fields.join(" ");
}

/** Linux, too, takes ports from the first four octets of these (`skb_flow_get_ports`). */
const { tcp, udp, dccp, sctp, udpLite } = IP_PROTOCOL;
const WITH_PORTS: ReadonlySet<number> = new Set([tcp, udp, dccp, sctp, udpLite]);

/** FNV-1a, 32 bits, stirred at the end so that its low bits depend on all of the text. */
export function hashText(text: string, salt: number): number {
  let hash = (0x811c9dc5 ^ salt) >>> 0;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** Whether the packet is an ICMP or ICMPv6 error, about which no error may be sent (RFC 1122 §3.2.2). */
export function isErrorMessage(packet: IpPacket): boolean {
  const type = readU8(packet.payload, 0);
  if (packet.protocol === IP_PROTOCOL.icmpv6) return type < ICMPV6.echoRequest;
  return packet.protocol === IP_PROTOCOL.icmp && V4_ERRORS.includes(type);
}

const V4_ERRORS: readonly number[] = [ICMP.unreachable, 4, 5, ICMP.timeExceeded, ICMP.parameterProblem];
