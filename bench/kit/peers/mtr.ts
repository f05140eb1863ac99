import type { Probing } from "../../../test/truth/case.ts";
import type { HopClaim } from "../../../test/truth/judge.ts";
import { endShown, type Peer, QUERIES } from "./peer.ts";

/** `mtr --raw`: `x POSITION SEQUENCE` sent, `h POSITION ADDRESS` a new responder, `p POSITION MICROSECONDS SEQUENCE` answered. */
interface RawHop {
  /** Of the probes, in the order of sending. */
  readonly sequences: number[];
  readonly hosts: string[];
  readonly rttsUs: Map<number, number>;
}

export function readRaw(stdout: string): ReadonlyMap<number, RawHop> {
  const hops = new Map<number, RawHop>();
  for (const line of stdout.split("\n")) {
    const [kind, position, first = "", second = ""] = line.split(" ");
    const hop = Number(position) + 1;
    if (!Number.isInteger(hop)) continue;
    const known: RawHop = hops.get(hop) ?? { sequences: [], hosts: [], rttsUs: new Map() };
    hops.set(hop, known);
    if (kind === "x") known.sequences.push(Number(first));
    else if (kind === "h" && !known.hosts.includes(first)) known.hosts.push(first);
    else if (kind === "p") known.rttsUs.set(Number(second), Number(first));
  }
  return hops;
}

const mtr = (name: string, probing: Probing, options: readonly string[]): Peer => ({
  name,
  program: "mtr",
  probing,
  argv: (target) => ["mtr", "--raw", "-n", "-c", String(QUERIES), "-i", "0.1", "-G", "1", ...options, target],
  read(stdout, target) {
    const all = [...readRaw(stdout)].sort(([a], [b]) => a - b);
    const reached = all.find(([, { hosts }]) => hosts.includes(target))?.[0] ?? Number.POSITIVE_INFINITY;
    const hops: HopClaim[] = all
      .filter(([hop]) => hop <= reached)
      .map(([hop, { sequences, hosts, rttsUs }]) => ({
        hop,
        answers: hosts.map((address) => ({ address, ofPath: true })),
        unanswered: Math.max(0, sequences.length - rttsUs.size),
      }));
    return hops.length === 0 ? undefined : [{ hops, end: endShown(hops, target) }];
  },
});

export const mtrs: readonly Peer[] = [
  mtr("mtr", "icmp", []),
  mtr("mtr -u", "udp", ["-u"]),
  mtr("mtr -T -P 443", "tcp", ["-T", "-P", "443"]),
];
