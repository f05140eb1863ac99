import { isDeepStrictEqual } from "node:util";
import type { Effect, IcmpCode, MplsLabel } from "../../core/probe.ts";
import type { End } from "./case.ts";
import { type HopTruth, LAST_HOP_LIMIT, type PossibleAnswer, type Truth } from "./oracle.ts";

/** What a tool says, whatever the tool. An absent field: it does not say. */
export interface Claim {
  readonly hops: readonly HopClaim[];
  readonly end?: End;
}

export interface HopClaim {
  readonly hop: number;
  readonly answers: readonly AnswerClaim[];
  /** Probes that it shows as unanswered. */
  readonly unanswered: number;
  /** It ended before some probes had their time, and says so. */
  readonly unfinished?: boolean;
}

export interface AnswerClaim {
  readonly address: string;
  readonly effect?: Effect;
  readonly icmp?: IcmpCode;
  readonly mpls?: readonly MplsLabel[];
  /** Whether it belongs to the one flow that the tool shows as the path. */
  readonly ofPath?: boolean;
}

export type Fault =
  /** an address where it cannot answer */
  | "wrong responder"
  /** the right address, and words, a code or labels that it did not send */
  | "wrong answer"
  /** two nodes in line that no packet can take one after the other */
  | "false link"
  /** several nodes of a balancer as the path of one flow */
  | "mixed paths"
  /** a node that answers every probe, and is not shown */
  | "missed hop"
  /** a node that answers every probe, shown with unanswered ones */
  | "invented loss"
  /** the target is said to answer, or its path to end, otherwise than it does */
  | "false end";

export interface Finding {
  readonly fault: Fault;
  readonly detail: string;
}

export interface Strictness {
  /** Loss and limits may keep a tool from seeing what is there. */
  readonly chancy: boolean;
  /** The tool says that it could not tell some answers apart. */
  readonly admitsGaps?: boolean;
}

/** What a claim says that is not so. */
export function judge(claim: Claim, truth: Truth, { chancy, admitsGaps }: Strictness): readonly Finding[] {
  const findings: Finding[] = [];
  const find = (fault: Fault, detail: string): void => {
    findings.push({ fault, detail });
  };
  for (const said of claim.hops) {
    const there = truth.hops[said.hop - 1];
    if (there === undefined) continue;
    for (const answer of said.answers) judgeAnswer(answer, there, said.hop, find);
    const addresses = new Set(said.answers.flatMap(({ address, ofPath }) => (ofPath === true ? [address] : [])));
    if (there.constant && addresses.size > 1) find("mixed paths", `hop ${said.hop}: ${[...addresses].join(" and ")}`);
    if (!there.certain || said.unfinished === true || admitsGaps === true) continue;
    if (said.answers.length === 0) find("missed hop", `hop ${said.hop}`);
    else if (said.unanswered > 0) find("invented loss", `hop ${said.hop}: ${said.unanswered} unanswered`);
  }
  judgeLinks(claim, truth, find);
  judgeMissing(claim, truth, find);
  if (claim.end !== undefined) judgeEnd(claim.end, truth, chancy, find);
  return findings;
}

type Find = (fault: Fault, detail: string) => void;

function judgeAnswer(said: AnswerClaim, there: HopTruth, hop: number, find: Find): void {
  const possible = there.answers.filter(({ address }) => address === said.address);
  if (possible.length === 0) {
    const who = there.answers.map(({ address }) => address).join(" or ") || "nobody";
    find("wrong responder", `hop ${hop}: ${said.address}, where ${who} can answer`);
    return;
  }
  const isSaid = (each: PossibleAnswer): boolean =>
    (said.effect === undefined || said.effect === each.effect) &&
    (said.icmp === undefined || isDeepStrictEqual(said.icmp, each.icmp)) &&
    (said.mpls === undefined || isDeepStrictEqual(said.mpls, each.mpls));
  if (!possible.some(isSaid)) find("wrong answer", `hop ${hop}: ${JSON.stringify(said)}`);
}

/** Where parallel legs are known, the path of one flow stays on one of them. */
function judgeLinks({ hops }: Claim, truth: Truth, find: Find): void {
  const branchOf = (hop: number): number | undefined => {
    const answers = hops.find((each) => each.hop === hop)?.answers.filter(({ ofPath }) => ofPath === true) ?? [];
    const there = truth.hops[hop - 1]?.answers.filter(({ branch }) => branch !== undefined) ?? [];
    if (there.length < 2 || answers.length === 0) return undefined;
    return there.find(({ address }) => address === answers[0]?.address)?.branch;
  };
  for (let hop = 1; hop < LAST_HOP_LIMIT; hop += 1) {
    const [near, far] = [branchOf(hop), branchOf(hop + 1)];
    const isLeg = truth.hops[hop]?.followsBranch === true;
    if (isLeg && near !== undefined && far !== undefined && near !== far) {
      find("false link", `hops ${hop} and ${hop + 1}: legs ${near + 1} and ${far + 1}`);
    }
  }
}

/** Hops that answer every probe before the end that the tool itself shows. */
function judgeMissing({ hops }: Claim, truth: Truth, find: Find): void {
  const last = Math.max(0, ...hops.filter(({ answers }) => answers.length > 0).map(({ hop }) => hop));
  const first = Math.min(LAST_HOP_LIMIT, ...hops.map(({ hop }) => hop));
  for (let hop = first; hop < last; hop += 1) {
    if (truth.hops[hop - 1]?.certain === true && !hops.some((each) => each.hop === hop))
      find("missed hop", `hop ${hop}`);
  }
}

function judgeEnd(said: End, truth: Truth, chancy: boolean, find: Find): void {
  if (said === truth.end) return;
  const [kind = "", at = 0] = parts(said);
  const there = truth.hops[Number(at) - 1];
  // By chance an end may be missed: then it is said to be farther, or nothing is said of it.
  if (chancy && (kind === "silent" || there?.answers.some(({ effect }) => effect === kind) === true)) return;
  find("false end", `${said}, and it is ${truth.end}`);
}

function parts(end: End): readonly [string, number] {
  const [kind = "", at = "0"] = end.split(" ");
  return [kind, Number(at)];
}
