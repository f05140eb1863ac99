import type { Attempt, IpAddress, Path, Verdict } from "../../core/mod.ts";

/** One protocol and port whose way was traced. */
export interface Traced {
  /** As typed: `tcp/25`, `udp/53`, `icmp`. */
  readonly label: string;
  readonly attempt: Attempt;
}

/** A hop and who answered there; the first of several. */
export interface Place {
  readonly hop: number;
  readonly address: IpAddress;
}

/** Where in the path something ends. */
export interface Location {
  readonly label: string;
  /**
   * `passes` the target answered; `dropped` it goes silent where what passes does not; `refused` a router says so;
   * `denied` this host keeps it back; `unknown` nothing passes that it could be compared with, or it could not be tried.
   */
  readonly state: "passes" | "dropped" | "refused" | "denied" | "unknown";
  /** The last that answered; for `passes` the target. */
  readonly last: Place | undefined;
  /** `dropped`: the nearest behind `last` that answers to what passes. */
  readonly next: Place | undefined;
  readonly comparedWith: string | undefined;
  readonly verdict: Verdict | undefined;
  /** The attempt's own words. */
  readonly reason: string;
}

const DENIED: readonly (Verdict | undefined)[] = ["denied", "unprivileged", "unroutable"];

/** Compares each with the first that passes, as firewalking does. Pure. */
export function locate(traced: readonly Traced[]): readonly Location[] {
  const passing = traced.find(({ attempt }) => attempt.path.targetHop !== undefined);
  return traced.map(({ label, attempt }) => {
    const { path, verdict, reason } = attempt;
    const base = { label, verdict, reason, comparedWith: undefined, next: undefined };
    const last = placeAt(path, path.targetHop ?? path.endHop ?? path.farthestHop);
    if (path.targetHop !== undefined) return { ...base, state: "passes", last };
    if (DENIED.includes(verdict)) return { ...base, state: "denied", last: undefined };
    if (verdict === "unreachable") return { ...base, state: "refused", last: last && nearest(path, last) };
    if (verdict !== "filtered" || passing === undefined) return { ...base, state: "unknown", last };
    const next = nextBehind(passing.attempt.path, path.farthestHop ?? 0);
    return { ...base, state: "dropped", last, next, comparedWith: passing.label };
  });
}

function placeAt(path: Path, hop: number | undefined): Place | undefined {
  const address = hop === undefined ? undefined : path.hop(hop)?.responders[0];
  return hop === undefined || address === undefined ? undefined : { hop, address };
}

/** A router answers probes of its own hop with time exceeded, and refuses those that it would pass on: it stands at the first. */
function nearest(path: Path, { hop, address }: Place): Place {
  const found = path.hops().find(({ responders }) => responders.some(({ text }) => text === address.text));
  return { hop: found?.hop ?? hop, address };
}

function nextBehind(path: Path, hop: number): Place | undefined {
  for (const { hop: number, responders } of path.hops()) {
    const [address] = responders;
    if (number > hop && address !== undefined) return { hop: number, address };
  }
  return undefined;
}
