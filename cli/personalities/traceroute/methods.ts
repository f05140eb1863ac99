import type { Family, ProtocolPlugin } from "../../../core/mod.ts";

export type MethodName = "default" | "icmp" | "tcp" | "tcpconn" | "udp" | "udplite" | "dccp" | "raw";

/** How a method of traceroute is had from a plugin. */
export interface Method {
  /** Plugins by name, the most capable first. */
  readonly plugins: readonly string[];
  readonly defaultPort: number;
  /** What the probes are, for the line that says what this host refuses. */
  words(port: number): string;
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

/** Methods that can be had. */
export const METHODS: Readonly<Partial<Record<MethodName, Method>>> = {
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
};

/** Methods of the real tool that cannot be had, and why. */
export const REFUSED_METHODS: Readonly<Partial<Record<MethodName, readonly [shown: string, why: string]>>> = {
  udplite: ["-UL", "there is no UDP-Lite in nettrace"],
  dccp: ["-D", "there is no DCCP in nettrace, nor in Linux since 6.16"],
  raw: ["-P", "there are no bare IP packets in nettrace"],
};

export function isMethodName(name: string): name is MethodName {
  return name in METHODS || name in REFUSED_METHODS;
}

/** What `-O help` says of each method that has options. */
export const METHOD_OPTION_HELP: Readonly<Partial<Record<MethodName, string>>> = {
  tcp: "  info     say whether the target's port answers <syn,ack> or <rst,ack>\n  syn, sysctl   what is sent in any case",
  icmp: "  raw      what is tried first in any case; then a ping socket",
};

/** A method's packet, whole, in octets: without a length 40 more than the IP header. */
export function packetLength(method: Method, family: Family, asked: number | undefined): number {
  const ip = family === 4 ? 20 : 40;
  if (asked === undefined || method.isFixed) return ip + 40;
  return Math.max(asked, ip + method.headers);
}

/** The first plugin, and what takes its place where the host refuses its sockets. */
export function pluginsOf(method: Method, known: readonly ProtocolPlugin[]): readonly ProtocolPlugin[] {
  return method.plugins.flatMap((name) => known.find((plugin) => plugin.name === name) ?? []);
}
