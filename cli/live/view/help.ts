import { type Line, span } from "../line.ts";

/** 22 lines: all of it fits into 80 columns and 24 rows. */
const TEXT = `Keys, as in mtr
 ? h       this help                     q        quit, and print the report
 p  space  freeze the screen / go on     r        begin all numbers anew
 d         table, history, levels        j        latency / jitter numbers
 o         choose columns: LHDRSNABWVGJMXI        e   MPLS labels
 n         names / addresses             B        names and addresses
 z  y      networks (AS) / more of them   x        all responders of all hops
 u  t      UDP or ICMP / TCP or ICMP     P        another protocol: tcp-syn:22
 a         let the ladder choose         i        interval
 f  m  U   first hop, last hop, silent hops before a round ends
 s  b  Q   packet size, what fills it, traffic class (TOS)
and beside them
 up down + -   choose a hop              enter    responders of that hop
 right left    detail, chart, histogram  escape   close it
 tab 1-9       targets                   ctrl-L   draw anew    ctrl-Z  suspend

Loss%  lost on the way: hops behind lose it too
Here%  only answers of this hop are missing; what passes it arrives. Routers
       limit the ICMP that they send: this is no loss of the path
History: one sign a round; x or × lost, - refused by this host, ~ no time
Without colour: + before a number is worth a look, ! is bad (--thresholds)
`;

export function helpLines(): Line[] {
  return TEXT.trimEnd()
    .split("\n")
    .map((text) => [span(text, /^\S/.test(text) && !/^(Loss|Here|Hist|With)/.test(text) ? "bold" : undefined)]);
}
