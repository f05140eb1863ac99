import type { Path } from "./path.ts";

/** Of probes that were answered or had their full time. */
export interface Counts {
  readonly sent: number;
  readonly received: number;
}

/** So many standard deviations are no chance, among thirty hops compared. */
const BEYOND_CHANCE = 3.5;

/** Whether a hop loses more than one behind it, beyond chance: the test of two proportions, pooled. */
export function losesMore(hop: Counts, behind: Counts): boolean {
  const [dropped, droppedBehind] = [hop.sent - hop.received, behind.sent - behind.received];
  const pooled = (dropped + droppedBehind) / (hop.sent + behind.sent);
  const deviation = Math.sqrt(pooled * (1 - pooled) * (1 / hop.sent + 1 / behind.sent));
  return dropped / hop.sent - droppedBehind / behind.sent > BEYOND_CHANCE * deviation;
}

/**
 * Hops that answer some probes only, while what passes them arrives: routers that limit the ICMP they send (RFC 1812
 * §4.3.2.8). Three probes a hop are never enough to tell.
 */
export function limitedHops(path: Pick<Path, "hops">): readonly number[] {
  const limited: number[] = [];
  let behind: Counts | undefined;
  for (const hop of path.hops().toReversed()) {
    // One that answers nothing may be silent by choice.
    if (hop.received === 0) continue;
    if (behind !== undefined && losesMore(hop, behind)) limited.unshift(hop.hop);
    if (behind === undefined || hop.received / hop.sent > behind.received / behind.sent) behind = hop;
  }
  return limited;
}
