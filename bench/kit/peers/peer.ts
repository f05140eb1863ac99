import type { End, Probing } from "../../../test/truth/case.ts";
import type { Claim, HopClaim } from "../../../test/truth/judge.ts";

/** A tool with its options, and what its output says of a path. */
export interface Peer {
  /** As the table names it. */
  readonly name: string;
  /** The program that must be installed. */
  readonly program: string;
  readonly probing: Probing;
  /** The kernel tells it whose packet an ICMP error quotes, and knows none that a NAT's words name. */
  readonly errorQueue?: true;
  readonly argv: (target: string) => readonly string[];
  /** One claim for each flow that it shows apart. Undefined: it said nothing that can be read. */
  readonly read: (stdout: string, target: string) => readonly Claim[] | undefined;
}

/** Probes a hop, where a tool has a choice: traceroute's greatest. */
export const QUERIES = 10;
/** Seconds to wait for an answer, for tools that would wait longer for each. */
export const WAIT_S = 1;

/** Where a tool that does not say so shows that the path ends: at the target, at words of refusal, or nowhere. */
export function endShown(hops: readonly HopClaim[], target: string, lastHop = 30): End {
  const first = (is: (hop: HopClaim) => boolean): number | undefined => hops.find(is)?.hop;
  const refused = first(({ answers }) => answers.some(({ effect }) => effect === "unreachable"));
  const reached = first(({ answers }) =>
    answers.some(({ address, effect }) => address === target && effect !== "unreachable"),
  );
  if (reached !== undefined) return `reached ${reached}`;
  if (refused !== undefined) return `unreachable ${refused}`;
  const farthest = Math.max(0, ...hops.filter(({ answers }) => answers.length > 0).map(({ hop }) => hop));
  return farthest >= lastHop ? "endless" : `silent ${farthest}`;
}
