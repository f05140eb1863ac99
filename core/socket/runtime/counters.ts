import { readFileSync } from "node:fs";
import type { Family } from "../../address.ts";

/** What the kernel has counted for this network namespace so far; a field is undefined where it cannot be told. */
export interface HostCounters {
  /**
   * TCP handshakes begun here, and those that an answer ended (RFC 4022 tcpActiveOpens, tcpAttemptFails). Either may come
   * without the other; where no SYN could leave there is neither.
   */
  readonly handshakes: number | undefined;
  /** ICMP "destination unreachable" received, also from this host itself. */
  readonly unreachables: number | undefined;
  /** Packets received on the loopback interface. */
  readonly fromLoopback: number | undefined;
  /** Packets received on all other interfaces together. */
  readonly fromOthers: number | undefined;
}

export function readHostCounters(family: Family): HostCounters {
  return {
    handshakes: sum(column("/proc/net/snmp", "Tcp:", "ActiveOpens"), column("/proc/net/snmp", "Tcp:", "AttemptFails")),
    unreachables:
      family === 4
        ? column("/proc/net/snmp", "Icmp:", "InDestUnreachs")
        : count(/^Icmp6InDestUnreachs\s+(\d+)$/m.exec(read("/proc/net/snmp6"))?.[1]),
    ...receivedPackets(),
  };
}

/** TcpExt TCPRetransFail. */
export function readRetransmitFailures(): number | undefined {
  return column("/proc/net/netstat", "TcpExt:", "TCPRetransFail");
}

/** Pairs of lines: names, then values, both headed by the group's name. */
function column(path: string, group: string, name: string): number | undefined {
  const [names = "", values = ""] = read(path)
    .split("\n")
    .filter((line) => line.startsWith(group));
  const index = names.split(" ").indexOf(name);
  return index < 0 ? undefined : count(values.split(" ")[index]);
}

/** Two lines of headings, then "name: bytes packets errs …". */
function receivedPackets(): Pick<HostCounters, "fromLoopback" | "fromOthers"> {
  let fromLoopback: number | undefined;
  let fromOthers: number | undefined;
  for (const line of read("/proc/net/dev").split("\n").slice(2)) {
    const [name, counters] = line.split(":");
    const packets = count(counters?.trim().split(/\s+/)[1]);
    if (name === undefined || packets === undefined) continue;
    if (name.trim() === "lo") fromLoopback = packets;
    else fromOthers = (fromOthers ?? 0) + packets;
  }
  return { fromLoopback, fromOthers };
}

function read(path: string): string {
  // Deno asks the user for all permissions there are before it reads in /proc.
  if ("Deno" in globalThis) return "";
  try {
    return readFileSync(path, "latin1");
  } catch {
    // No /proc, or one that hides this file: nothing is known.
    return "";
  }
}

function sum(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? undefined : one + other;
}

function count(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
