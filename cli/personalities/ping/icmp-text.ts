import type { Family, Reply } from "../../../core/mod.ts";

/** What iputils says of an ICMP error, by type and code (RFC 792, RFC 1812 §5.2.7; RFC 4443 §3). */
export function icmpText({ icmp, mtu }: Reply, family: Family): string {
  const { type, code } = icmp ?? { type: -1, code: -1 };
  return family === 4 ? textV4(type, code, mtu) : textV6(type, code, mtu);
}

const UNREACHABLE_V4: readonly string[] = [
  "Destination Net Unreachable",
  "Destination Host Unreachable",
  "Destination Protocol Unreachable",
  "Destination Port Unreachable",
  "Frag needed and DF set",
  "Source Route Failed",
  "Destination Net Unknown",
  "Destination Host Unknown",
  "Source Host Isolated",
  "Destination Net Prohibited",
  "Destination Host Prohibited",
  "Destination Net Unreachable for Type of Service",
  "Destination Host Unreachable for Type of Service",
  "Packet filtered",
  "Precedence Violation",
  "Precedence Cutoff",
];

function textV4(type: number, code: number, mtu: number | undefined): string {
  switch (type) {
    case 3:
      // Old routers tell no MTU (RFC 1191 §5), for which iputils has a zero.
      if (code === 4) return `Frag needed and DF set (mtu = ${mtu ?? 0})`;
      return UNREACHABLE_V4[code] ?? `Dest Unreachable, Bad Code: ${code}`;
    case 11:
      if (code === 0) return "Time to live exceeded";
      return code === 1 ? "Frag reassembly time exceeded" : `Time exceeded, Bad Code: ${code}`;
    case 12:
      return "Parameter problem";
    default:
      return `Bad ICMP type: ${type}`;
  }
}

const UNREACHABLE_V6: readonly string[] = [
  "No route",
  "Administratively prohibited",
  "Beyond scope of source address",
  "Address unreachable",
  "Port unreachable",
  "Source address failed ingress/egress policy",
  "Reject route to destination",
];
const PARAMETER_V6: readonly string[] = ["Wrong header field", "Unknown header", "Unknown option"];

function textV6(type: number, code: number, mtu: number | undefined): string {
  switch (type) {
    case 1:
      return `Destination unreachable: ${UNREACHABLE_V6[code] ?? `Unknown code ${code}`}`;
    case 2:
      return `Packet too big: mtu=${mtu ?? 0}${code === 0 ? "" : `, code=${code}`}`;
    case 3:
      if (code === 0) return "Time exceeded: Hop limit";
      return `Time exceeded: ${code === 1 ? "Defragmentation failure" : `code ${code}`}`;
    case 4:
      return `Parameter problem: ${PARAMETER_V6[code] ?? `code ${code}`}`;
    default:
      return `unknown icmp type: ${type}`;
  }
}
