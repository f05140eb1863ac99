import type { Family } from "../../address.ts";
import type { Libc } from "../../ffi/libc.ts";
import { ERRNO, O } from "./abi.ts";
import type { Arena, Region } from "./arena.ts";

const PATH_SPACE = 64;
/** The kernel makes these files up as they are read, a page or so at a time. */
const CHUNK = 16 * 1024;
/** Why a packet that came in was not delivered, as far as the kernel counts it (RFC 4293). */
const EXPLAINED = {
  4: ["InHdrErrors", "InAddrErrors", "InUnknownProtos", "InDiscards", "ForwDatagrams"],
  6: [
    "InHdrErrors",
    "InTooBigErrors",
    "InNoRoutes",
    "InAddrErrors",
    "InUnknownProtos",
    "InTruncatedPkts",
    "InDiscards",
    "OutForwDatagrams",
  ],
} as const;

/** Packets received so far, on the loopback interface and on all others together. */
export interface ReceivedPackets {
  readonly loopback: number;
  readonly others: number;
}

/** Packets of this host's own so far. */
export interface Outgoing {
  /** Handed to the OUTPUT rules. */
  readonly requests: number;
  /** Come through them. */
  readonly transmits: number;
}

/** What came in so far, and did not come to a program. */
export interface Undelivered {
  /** For which the kernel counts no other reason: rules drop it. */
  readonly unexplained: number;
  /** By rp_filter (IPv4). */
  readonly reversePath: number;
}

/**
 * What /proc/net counts for this network namespace; undefined where it cannot be told. The files are read by libc:
 * Deno's own reading of /proc asks for all permissions there are.
 */
export class Counters {
  readonly #libc: Libc;
  readonly #path: Region;
  readonly #chunk: Region;

  constructor(libc: Libc, arena: Arena) {
    this.#libc = libc;
    this.#path = arena.take(PATH_SPACE);
    this.#chunk = arena.take(CHUNK);
  }

  /** TcpExt TCPRetransFail. */
  retransmitFailures(): number | undefined {
    return pairs(this.#read("/proc/net/netstat"), "TcpExt:")("TCPRetransFail");
  }

  /** Undefined before Linux 6.8, which has one counter for both. */
  outgoing(family: Family): Outgoing | undefined {
    const of = family === 4 ? pairs(this.#read("/proc/net/snmp"), "Ip:") : column(this.#read("/proc/net/snmp6"), "Ip6");
    const [requests, transmits] = [of("OutRequests"), of("OutTransmits")];
    return requests === undefined || transmits === undefined ? undefined : { requests, transmits };
  }

  /** Packets that connection tracking dropped since it had no room for their connection. */
  untrackedDrops(): number | undefined {
    const [names, ...processors] = this.#read("/proc/net/stat/nf_conntrack")?.trim().split("\n") ?? [];
    const index = names?.split(/\s+/).indexOf("drop") ?? -1;
    const counts = processors.map((line) => Number.parseInt(line.split(/\s+/)[index] ?? "", 16));
    const total = counts.reduce((sum, each) => sum + each, 0);
    return index < 0 || Number.isNaN(total) ? undefined : total;
  }

  /** How full the table of connections is: of this network namespace, and what it may hold. */
  trackedConnections(): { readonly count: number; readonly most: number } | undefined {
    const of = (name: string): number | undefined => count(this.#read(`/proc/sys/net/netfilter/${name}`)?.trim());
    const [connections, most] = [of("nf_conntrack_count"), of("nf_conntrack_max")];
    return connections === undefined || most === undefined ? undefined : { count: connections, most };
  }

  /** What has been counted up to now, as the result tells when it is called. */
  undelivered(family: Family): () => Undelivered | undefined {
    const packets = this.#read(family === 4 ? "/proc/net/snmp" : "/proc/net/snmp6");
    const extended = family === 4 ? this.#read("/proc/net/netstat") : undefined;
    return () => {
      const of = family === 4 ? pairs(packets, "Ip:") : column(packets, "Ip6");
      const [received, delivered] = [of("InReceives"), of("InDelivers")];
      if (received === undefined || delivered === undefined) return undefined;
      const reversePath = pairs(extended, "TcpExt:")("IPReversePathFilter") ?? 0;
      // Fragments become one packet; what fails to become one, or is passed on, is not for programs.
      const explained = EXPLAINED[family].reduce((sum, name) => sum + (of(name) ?? 0), delivered + reversePath);
      const assembled = (of("ReasmReqds") ?? 0) - (of("ReasmOKs") ?? 0);
      return { unexplained: received - explained - assembled, reversePath };
    };
  }

  receivedPackets(): ReceivedPackets | undefined {
    let loopback: number | undefined;
    let others = 0;
    // Two lines of headings, then "name: bytes packets errs …".
    for (const line of this.#read("/proc/net/dev")?.split("\n").slice(2) ?? []) {
      const [name, counters] = line.split(":");
      const packets = count(counters?.trim().split(/\s+/)[1]);
      if (name === undefined || packets === undefined) continue;
      if (name.trim() === "lo") loopback = packets;
      else others += packets;
    }
    return loopback === undefined ? undefined : { loopback, others };
  }

  /** IPv6 packets that were discarded while they were sent. */
  discardedIpv6(): number | undefined {
    return column(this.#read("/proc/net/snmp6"), "Ip6")("OutDiscards");
  }

  /**
   * Whether the older iptables has tables in this network namespace; undefined where it cannot be told. The files are
   * there where the module is loaded, and only root may read them.
   */
  hasLegacyTables(): boolean | undefined {
    const files = ["/proc/net/ip_tables_names", "/proc/net/ip6_tables_names"].map((path) => this.#read(path, ""));
    if (files.some((text) => text === undefined)) return undefined;
    return files.some((text) => text?.trim() !== "");
  }

  /** Whether the kernel has an address family; false where it cannot be told. */
  hasFamily(family: Family): boolean {
    return this.#read(family === 4 ? "/proc/net/snmp" : "/proc/net/snmp6") !== undefined;
  }

  /** This process's /proc/self/status. */
  status(): string | undefined {
    return this.#read("/proc/self/status");
  }

  /** How many descriptors this process may have open; undefined where it cannot be told. */
  descriptorLimit(): number | undefined {
    return count(/^Max open files\s+(\d+)/m.exec(this.#read("/proc/self/limits") ?? "")?.[1]);
  }

  /** A whole file, as Latin-1; undefined where there is no /proc, or one that hides this file; `absent` if it is not there. */
  #read(path: string, absent?: string): string | undefined {
    this.#path.bytes.fill(0);
    new TextEncoder().encodeInto(path, this.#path.bytes);
    const fd = this.#libc.open(this.#path.bytes, O.cloexec);
    if (fd < 0) return this.#libc.errno() === ERRNO.ENOENT ? absent : undefined;
    const decoder = new TextDecoder("latin1");
    let text: string | undefined = "";
    for (;;) {
      const length = this.#libc.read(fd, this.#chunk.bytes, CHUNK);
      if (length < 0 && this.#libc.errno() === ERRNO.EINTR) continue;
      if (length < 0) text = undefined;
      if (length <= 0) break;
      text += decoder.decode(this.#chunk.bytes.subarray(0, length));
    }
    this.#libc.close(fd);
    return text;
  }
}

/** Of a file of pairs of lines: names, then values, both headed by the group's name. */
function pairs(text: string | undefined, group: string): (name: string) => number | undefined {
  const lines = text?.split("\n") ?? [];
  const at = lines.findIndex((line) => line.startsWith(group));
  const names = lines[at]?.split(" ");
  const values = lines[at + 1]?.split(" ");
  return (name) => count(values?.[names?.indexOf(name) ?? -1]);
}

/** Of a file with a name and a value in each line, the names headed by the group's. */
function column(text: string | undefined, group: string): (name: string) => number | undefined {
  return (name) => count(new RegExp(`^${group}${name}\\s+(\\d+)$`, "m").exec(text ?? "")?.[1]);
}

function count(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
