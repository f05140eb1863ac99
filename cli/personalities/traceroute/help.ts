import { VERSION_LINE } from "../../help.ts";

/** Fits a screen; the manual of the real tool says more. */
export const HELP = `Usage: traceroute [OPTIONS] HOST [PACKET_LENGTH]

  -4 -6                 one family only
  -I  -T  -U            ICMP echo; TCP SYN (port 80); UDP to one port (53);
                        otherwise UDP to ports from 33434 on, one a probe
  -UL  -D  -P PROTOCOL  UDP-Lite (port 53); DCCP (33434); bare IP (253)
  -M METHOD -O OPTIONS  any of these, tcpconn, sctp; -T -O help: its options
  -p PORT  --sport=PORT  port (of -I: first sequence number); port to send from
  -f N  -m N            first hop (1), last hop (30)
  -q N  -N N            probes a hop (3), probes at once (16)
  -w MAX[,HERE,NEAR]    wait 5 s at most, and 3 times as long as an answer from
                        here took, or 10 times one from farther on
  -z WAIT               between probes: seconds, or milliseconds from 10 on
  -n  -A  -e            no names; networks (--asn-db FILE: by it); MPLS labels
  --back  --mtu  -F     hops back if others; find the MTU; do not fragment
  -s ADDRESS  -i DEVICE  -r  -d  --fwmark=N  -t TOS  -l FLOW_LABEL
                        what to send from, by and as
  --fallback            where the method is refused here, use one that works
  -V  --help

  traceroute -n example.com        traceroute -T -p 443 example.com
`;

/** What the tool is, and which one it plays. */
export function versionText(): string {
  return `${VERSION_LINE}, as traceroute 2.1`;
}
