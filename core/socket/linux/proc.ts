import type { Libc } from "../../ffi/libc.ts";
import { ERRNO, O } from "./abi.ts";
import type { Arena, Region } from "./arena.ts";

const PATH_SPACE = 64;
/** The kernel makes these files up as they are read, a page or so at a time. */
const CHUNK = 16 * 1024;

/** Packets received so far, on the loopback interface and on all others together. */
export interface ReceivedPackets {
  readonly loopback: number;
  readonly others: number;
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
    const lines = this.#read("/proc/net/netstat")?.split("\n") ?? [];
    // Pairs of lines: names, then values, both headed by the group's name.
    const at = lines.findIndex((line) => line.startsWith("TcpExt:"));
    const index = lines[at]?.split(" ").indexOf("TCPRetransFail") ?? -1;
    return index < 0 ? undefined : count(lines[at + 1]?.split(" ")[index]);
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
    return count(/^Ip6OutDiscards\s+(\d+)$/m.exec(this.#read("/proc/net/snmp6") ?? "")?.[1]);
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

function count(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
