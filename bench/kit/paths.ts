import { router, target } from "../../core/sim/topologies.ts";
import type { Router, Topology } from "../../core/sim/topology.ts";

type Special = Readonly<Record<number, Omit<Router, "v4" | "v6">>>;

/** A path by the one-way delays of its links, milliseconds: the last one leads to the target. */
function path(delaysMs: readonly number[], special: Special = {}, end: Parameters<typeof target>[0] = {}): Topology {
  const links = delaysMs.slice(0, -1);
  return {
    hops: links.map((delayMs, index) => ({ routers: [router(index + 1, { delayMs, ...special[index + 1] })] })),
    target: target({ delayMs: delaysMs.at(-1) ?? 1, ...end }),
  };
}

const repeated = (count: number, delayMs: number): number[] => Array.from({ length: count }, () => delayMs);

/** There and back, milliseconds. */
export const FAR_MS = 167;
const ONE_WAY_MS = FAR_MS / 2;
/** Hop 1 says nothing, and the link behind hop 8 loses a tenth of what passes. */
const TROUBLE: Special = { 1: { silent: true }, 8: { loss: 0.1 } };
const OCEAN_MS = ONE_WAY_MS - 11;

/** Twelve hops, 167 ms: the delay spread evenly, most of it on one late link, or on one early link. */
export const FAR = {
  linear: path(repeated(12, ONE_WAY_MS / 12), TROUBLE),
  late: path([...repeated(9, 1), OCEAN_MS, 1, 1], TROUBLE),
  early: path([1, 1, OCEAN_MS, ...repeated(9, 1)], TROUBLE),
} as const;

/** Five hops within a millisecond. */
export const NEAR = path(repeated(5, 0.1));
/** The same, with two more routers in the middle, of which nothing is heard: what lies behind is as near. */
export const NEAR_SILENT = path(repeated(5, 0.1), { 2: { silent: true }, 3: { silent: true } });

const MIDDLE_MS = 31;
const MUTE: Parameters<typeof target>[0] = {
  icmp: "silent",
  udp: "silent",
  tcp: { others: "silent", ports: {} },
  otherProtocols: "silent",
};
/** Twelve hops of which nothing is heard behind the sixth, 31 ms away. */
export const SILENT_TARGET = path(
  [...repeated(6, MIDDLE_MS / 12), ...repeated(6, 1)],
  Object.fromEntries([7, 8, 9, 10, 11].map((hop) => [hop, { silent: true }])),
  MUTE,
);
/** Twelve hops, 31 ms; the fourth lets neither ICMP nor UDP through. */
export const FILTERED = path(repeated(12, MIDDLE_MS / 24), {
  4: { rules: [{ protocols: ["icmp", "udp"], action: "drop" }] },
});
/** Eight hops, 1 ms each way over each link, a little jitter: every RTT is another. */
export const STEADY = path(
  repeated(8, 1),
  Object.fromEntries([1, 2, 3, 4, 5, 6, 7].map((hop) => [hop, { jitterMs: 0.3 }])),
  { jitterMs: 0.3 },
);
/** Twelve hops without chance: what the device adds to their delays is its own error. */
export const EXACT = path(repeated(12, 1));
