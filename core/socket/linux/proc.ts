import { readFileSync } from "node:fs";

/** TcpExt TCPRetransFail of /proc/net/netstat, which is this network namespace's; undefined where there is none. */
export function retransmitFailures(): number | undefined {
  const lines = read("/proc/net/netstat")?.split("\n") ?? [];
  // Pairs of lines: names, then values, both headed by the group's name.
  const at = lines.findIndex((line) => line.startsWith("TcpExt:"));
  const index = lines[at]?.split(" ").indexOf("TCPRetransFail") ?? -1;
  return index < 0 ? undefined : count(lines[at + 1]?.split(" ")[index]);
}

/** Packets received so far, on the loopback interface and on all others together. */
export interface ReceivedPackets {
  readonly loopback: number;
  readonly others: number;
}

/** What /proc/net/dev counts; undefined where it cannot be told. */
export function receivedPackets(): ReceivedPackets | undefined {
  let loopback: number | undefined;
  let others = 0;
  // Two lines of headings, then "name: bytes packets errs …".
  for (const line of read("/proc/net/dev")?.split("\n").slice(2) ?? []) {
    const [name, counters] = line.split(":");
    const packets = count(counters?.trim().split(/\s+/)[1]);
    if (name === undefined || packets === undefined) continue;
    if (name.trim() === "lo") loopback = packets;
    else others += packets;
  }
  return loopback === undefined ? undefined : { loopback, others };
}

/** IPv6 packets that this network namespace discarded while sending; undefined where it cannot be told. */
export function discardedIpv6(): number | undefined {
  return count(/^Ip6OutDiscards\s+(\d+)$/m.exec(read("/proc/net/snmp6") ?? "")?.[1]);
}

function count(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch {
    // No /proc, or one that hides this file: the count is unknown.
    return undefined;
  }
}
