import type { Attempt, Hop, HopProbe, IpAddress } from "../../../core/mod.ts";

/** A responder at a hop, or a run of hops that nobody answered. */
export interface Place {
  readonly id: string;
  readonly hop: number;
  /** Undefined: nobody answered from `hop` to `lastHop`. */
  readonly address: IpAddress | undefined;
  readonly lastHop: number;
  readonly isTarget: boolean;
  /** Best RTT, milliseconds; undefined where none was measured. */
  readonly bestMs: number | undefined;
}

interface Link {
  readonly from: string;
  readonly to: string;
  /** Silent hops lie between: the two need not be neighbours. */
  readonly isGap: boolean;
}

export interface LinkedPath {
  readonly places: readonly Place[];
  readonly links: readonly Link[];
}

/**
 * The winner's path as a graph. Two responders are linked where one probe each of the same flow and round met them at
 * hops that follow one another; a run of silent hops is one place.
 */
export function linkPath({ path }: Attempt): LinkedPath {
  const places: Place[] = [];
  const links: Link[] = [];
  let before: readonly { readonly place: Place; readonly probes: readonly HopProbe[] }[] = [];
  const hops = path.hops();
  for (let at = 0; at < hops.length; at += 1) {
    const hop = hops[at];
    if (hop === undefined) break;
    const here = answered(hop);
    if (here.length > 0) {
      const next = here.map(({ address, probes }) => ({
        place: placeOf(hop, address, probes, path.targetHop === hop.hop),
        probes,
      }));
      for (const { place, probes } of next) {
        places.push(place);
        for (const earlier of before) {
          if (areLinked(earlier.probes, probes)) {
            links.push({ from: earlier.place.id, to: place.id, isGap: earlier.place.address === undefined });
          }
        }
      }
      before = next;
      continue;
    }
    let end = at;
    while (end + 1 < hops.length && answered(hops[end + 1]).length === 0) end += 1;
    const gap: Place = {
      id: `h${hop.hop}`,
      hop: hop.hop,
      address: undefined,
      lastHop: hops[end]?.hop ?? hop.hop,
      isTarget: false,
      bestMs: undefined,
    };
    places.push(gap);
    for (const { place } of before) links.push({ from: place.id, to: gap.id, isGap: true });
    before = [{ place: gap, probes: [] }];
    at = end;
  }
  return { places, links };
}

function answered(hop: Hop | undefined): { readonly address: IpAddress; readonly probes: readonly HopProbe[] }[] {
  return (hop?.responders ?? []).map((address) => ({
    address,
    probes: hop?.probes.filter(({ reply }) => reply?.from.text === address.text) ?? [],
  }));
}

function placeOf({ hop }: Hop, address: IpAddress, probes: readonly HopProbe[], isTarget: boolean): Place {
  const times = probes.flatMap(({ rttMs }) => (rttMs === undefined ? [] : [rttMs]));
  const bestMs = times.length === 0 ? undefined : Math.min(...times);
  return { id: `h${hop}_${address.text.replace(/[^0-9a-z]/gi, "_")}`, hop, address, lastHop: hop, isTarget, bestMs };
}

/** Without probes it is a gap, which everything behind it hangs on. */
function areLinked(one: readonly HopProbe[], other: readonly HopProbe[]): boolean {
  if (one.length === 0) return true;
  return one.some(({ probe: a }) => other.some(({ probe: b }) => a.flow === b.flow && a.round === b.round));
}
