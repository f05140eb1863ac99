import type { OptionSpec } from "../getopt.ts";

/** An option of traceroute 2.1 (Butskoy). */
export interface TracerouteSpec extends OptionSpec {
  readonly id: TracerouteOption;
  /** What the manual calls its value. */
  readonly valueName?: string;
}

export type TracerouteOption =
  | "ipv4"
  | "ipv6"
  | "debug"
  | "dont-fragment"
  | "first"
  | "gateway"
  | "icmp"
  | "tcp"
  | "interface"
  | "max-hops"
  | "sim-queries"
  | "numeric"
  | "port"
  | "tos"
  | "flowlabel"
  | "wait"
  | "queries"
  | "no-route"
  | "source"
  | "sendwait"
  | "extensions"
  | "as-path"
  | "module"
  | "options"
  | "sport"
  | "fwmark"
  | "udp"
  | "udplite"
  | "dccp"
  | "protocol"
  | "mtu"
  | "back"
  | "version"
  | "help"
  | "fallback"
  | "asn-db";

const flag = (id: TracerouteOption, short?: string, long?: string): TracerouteSpec => ({
  id,
  ...(short !== undefined && { short }),
  ...(long !== undefined && { long }),
});

const valued = (
  id: TracerouteOption,
  short: string | undefined,
  long: string | undefined,
  valueName: string,
): TracerouteSpec => ({ ...flag(id, short, long), value: "required", valueName });

export const TRACEROUTE_SPECS: readonly TracerouteSpec[] = [
  flag("ipv4", "4"),
  flag("ipv6", "6"),
  flag("debug", "d", "debug"),
  flag("dont-fragment", "F", "dont-fragment"),
  valued("first", "f", "first", "first_ttl"),
  valued("gateway", "g", "gateway", "gate,..."),
  flag("icmp", "I", "icmp"),
  flag("tcp", "T", "tcp"),
  valued("interface", "i", "interface", "device"),
  valued("max-hops", "m", "max-hops", "max_ttl"),
  valued("sim-queries", "N", "sim-queries", "squeries"),
  flag("numeric", "n"),
  valued("port", "p", "port", "port"),
  valued("tos", "t", "tos", "tos"),
  valued("flowlabel", "l", "flowlabel", "flow_label"),
  valued("wait", "w", "wait", "MAX,HERE,NEAR"),
  valued("queries", "q", "queries", "nqueries"),
  flag("no-route", "r"),
  valued("source", "s", "source", "src_addr"),
  valued("sendwait", "z", "sendwait", "sendwait"),
  flag("extensions", "e", "extensions"),
  flag("as-path", "A", "as-path-lookups"),
  valued("module", "M", "module", "name"),
  valued("options", "O", "options", "OPTS,..."),
  valued("sport", undefined, "sport", "num"),
  valued("fwmark", undefined, "fwmark", "num"),
  flag("udp", "U", "udp"),
  flag("udplite", undefined, "UL"),
  flag("dccp", "D", "dccp"),
  valued("protocol", "P", "protocol", "prot"),
  flag("mtu", undefined, "mtu"),
  flag("back", undefined, "back"),
  flag("version", "V", "version"),
  flag("help", undefined, "help"),
  flag("fallback", undefined, "fallback"),
  valued("asn-db", undefined, "asn-db", "FILE"),
];
