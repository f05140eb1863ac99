import type { Family, ProtocolPlugin } from "../../../core/mod.ts";

export type MethodName = "default" | "icmp" | "tcp" | "tcpconn" | "udp" | "udplite" | "dccp" | "raw" | "sctp";

/** How a method of traceroute is had from a plugin. */
export interface Method {
  /** Plugins by name, the most capable first. */
  readonly plugins: readonly string[];
  readonly defaultPort: number;
  /** What the probes are, for the line that says what this host refuses. */
  words(port: number, ipProtocol: number): string;
  /** Octets of the least packet behind its IP header. */
  readonly headers: number;
  /** Packets are as they are, whatever the length asked for. */
  readonly isFixed: boolean;
  /** Sockets are opened before the first line is printed. */
  readonly opensFirst: boolean;
  /** One probe at a time, with the whole wait. */
  readonly isSerial: boolean;
}

const shared = { headers: 8, isFixed: false, opensFirst: false, isSerial: false } as const;

export const METHODS: Readonly<Record<MethodName, Method>> = {
  default: { ...shared, plugins: ["udp"], defaultPort: 33_434, words: () => "UDP" },
  udp: { ...shared, plugins: ["udp"], defaultPort: 53, words: (port) => `UDP to port ${port}` },
  icmp: { ...shared, plugins: ["icmp"], defaultPort: 0, words: () => "ICMP", opensFirst: true },
  tcp: {
    ...shared,
    plugins: ["tcp-syn", "tcp-connect"],
    defaultPort: 80,
    words: (port) => `TCP to port ${port}`,
    headers: 40,
    isFixed: true,
    opensFirst: true,
  },
  tcpconn: {
    ...shared,
    plugins: ["tcp-connect"],
    defaultPort: 80,
    words: (port) => `TCP to port ${port}`,
    headers: 40,
    isFixed: true,
    opensFirst: true,
  },
  udplite: { ...shared, plugins: ["udp-lite"], defaultPort: 53, words: (port) => `UDP-Lite to port ${port}` },
  dccp: {
    ...shared,
    plugins: ["dccp"],
    defaultPort: 33_434,
    words: (port) => `DCCP to port ${port}`,
    headers: 20,
    isFixed: true,
    opensFirst: true,
  },
  raw: {
    ...shared,
    plugins: ["ip"],
    defaultPort: 0,
    words: (_, ipProtocol) => `IP protocol ${ipProtocol}`,
    opensFirst: true,
    isSerial: true,
  },
  sctp: {
    ...shared,
    plugins: ["sctp"],
    defaultPort: 80,
    words: (port) => `SCTP to port ${port}`,
    headers: 32,
    isFixed: true,
    opensFirst: true,
  },
};

export function isMethodName(name: string): name is MethodName {
  return Object.hasOwn(METHODS, name);
}

/** What `-O help` says of each method that has options. */
export const METHOD_OPTION_HELP: Readonly<Partial<Record<MethodName, string>>> = {
  tcp: `  syn ack fin rst psh urg ece cwr   control bits of the probe (syn)
  flags=NUM            all of them as a number
  ecn                  a SYN with ece and cwr
  sack timestamps window_scaling    options of the header
  sysctl               all three, as by default
  mss=NUM              segment size that a SYN offers
  info                 print the control bits of the target's answer`,
  icmp: "  raw                  raw sockets only\n  dgram                ping sockets only (by default: what is allowed)",
  udplite: "  coverage=NUM         octets that the checksum covers (8: the header)",
  dccp: "  service=NUM          the service code (1885957735)",
  raw: "  protocol=PROT        the IP protocol (253)",
};

/** A method's packet, whole, in octets: without a length, and if it has none of its own, 40 more than the IP header. */
export function packetLength(method: Method, family: Family, asked: number | undefined): number {
  const ip = family === 4 ? 20 : 40;
  if (method.isFixed) return ip + method.headers;
  return asked === undefined ? ip + 40 : Math.max(asked, ip + method.headers);
}

/** The first plugin, and what takes its place where the host refuses its sockets. */
export async function pluginsOf(method: Method, known: readonly ProtocolPlugin[]): Promise<readonly ProtocolPlugin[]> {
  const found = method.plugins.flatMap((name) => known.find((plugin) => plugin.name === name) ?? []);
  if (found.length > 0) return found;
  const { dccp, ip, sctp, tcpSegment, udpLite } = await import("../../../plugins/more.ts");
  return [dccp, ip, sctp, tcpSegment, udpLite].filter(({ name }) => method.plugins.includes(name));
}
