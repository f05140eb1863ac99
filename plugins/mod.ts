import type { ProtocolPlugin } from "../core/plugin.ts";
import { icmp } from "./icmp.ts";
import { tcpConnect } from "./tcp-connect.ts";
import { tcpReach } from "./tcp-reach.ts";
import { tcpSyn } from "./tcp-syn.ts";
import { udp } from "./udp.ts";

export { icmp, tcpConnect, tcpReach, tcpSyn, udp };

/** All plugins that come with nettrace and show a path, in the order in which `auto` tries them. */
export const builtInPlugins: readonly ProtocolPlugin[] = [icmp, udp, tcpSyn, tcpConnect];

/** The order of `auto`: what tells most first, what is let out most last; both need the fewest privileges at the end. */
export const defaultOrder: readonly { readonly name: string; readonly port?: number }[] = [
  { name: "icmp" },
  { name: "udp" },
  { name: "tcp-syn", port: 443 },
  { name: "tcp-syn", port: 80 },
  { name: "tcp-connect", port: 443 },
  { name: "tcp-connect", port: 80 },
];
