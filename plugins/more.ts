/** Protocols that `auto` does not try: those of traceroute's own methods. */
export { default as sctp } from "../examples/plugins/sctp.ts";
export { dccp } from "./dccp.ts";
export { ip } from "./ip.ts";
export { tcpSegment } from "./tcp-segment.ts";
export { udpLite } from "./udp-lite.ts";
