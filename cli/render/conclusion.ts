import type { Attempt } from "../../core/mod.ts";
import { formatAddress } from "../../core/mod.ts";
import { printable } from "../printable.ts";
import { isRefusedHere, type RunEnd, type RunHead } from "../result.ts";
import { attemptLabel, formatMs, whyOf } from "./attempt.ts";

/** In one sentence where things stand. `tellTime`: the time of the winner was not told before. */
export function conclusion({ target, trace }: RunHead, end: RunEnd, tellTime = false): string {
  const { attempts, winner, interrupted } = end;
  const address = printable(formatAddress(target.address));
  const clauses = failureClauses(attempts);
  const stopped = interrupted === undefined ? [] : ["stopped before the end"];
  if (winner?.verdict === "reached") {
    const closed = isClosed(winner) ? " (the port is closed)" : "";
    const { targetHop: hops, direct } = winner.path;
    if (hops === undefined) {
      const time = direct?.rtt.bestMs === undefined ? "" : ` in ${formatMs(direct.rtt.bestMs)} ms`;
      const invisible = `the path is not visible (${printable(winner.protocol)} shows no hops)`;
      const by = `reached ${address} by ${attemptLabel(winner)}${time}${closed}`;
      return [...stopped, by, invisible, ...alsoReached(winner, attempts), ...clauses].join("; ");
    }
    const time = tellTime && winner.durationMs !== undefined ? ` (${formatMs(winner.durationMs)} ms)` : "";
    // The target may be nearer than the first hop limit that was tried.
    const within = hops === trace.firstHop && hops > 1 ? "within" : "in";
    const inHops = `${within} ${hops} ${hops === 1 ? "hop" : "hops"}`;
    const reached = `reached ${address} by ${attemptLabel(winner)} ${inHops}${closed}${time}`;
    return [...stopped, reached, ...clauses].join("; ");
  }
  const unfinished = attempts.filter((each) => each.verdict === "abandoned" && each.path.farthestHop !== undefined);
  return [
    ...stopped,
    `${address} is not reached${isRefusedHere(attempts) ? ": nothing left this host" : ""}`,
    ...clauses,
    ...unfinished.map((each) => `${attemptLabel(each)} had come to ${hopText(each)}`),
  ].join("; ");
}

/** What became of the attempts that did not reach the target, a clause for each way of ending. */
export function failureClauses(attempts: readonly Attempt[]): string[] {
  return groups(attempts.filter((each) => each.verdict !== "reached" && each.verdict !== "abandoned"));
}

/**
 * Attempts that ended in the same way for the same cause share a clause, in the order of the ladder. What privilege they
 * lack stands in the ladder.
 */
function groups(attempts: readonly Attempt[]): string[] {
  const byEnding = new Map<string, Attempt[]>();
  for (const attempt of attempts) {
    const key = attempt.verdict === "unprivileged" ? attempt.verdict : `${attempt.verdict}\n${whyOf(attempt)}`;
    byEnding.set(key, [...(byEnding.get(key) ?? []), attempt]);
  }
  return [...byEnding.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [clause(first, labelsOf(group, attempts))];
  });
}

/** A protocol all of whose attempts are in the group is named once, without its ports. */
function labelsOf(group: readonly Attempt[], attempts: readonly Attempt[]): string[] {
  const isWhole = (protocol: string): boolean =>
    attempts.every((each) => each.protocol !== protocol || group.includes(each));
  const isMany = (protocol: string): boolean => group.filter((each) => each.protocol === protocol).length > 1;
  return [
    ...new Set(
      group.map((each) =>
        isWhole(each.protocol) && isMany(each.protocol) ? printable(each.protocol) : attemptLabel(each),
      ),
    ),
  ];
}

function clause(attempt: Attempt, labels: readonly string[]): string {
  const who = listOf(labels);
  const one = labels.length === 1;
  const why = whyOf(attempt);
  const because = why === "" ? "" : ` (${why})`;
  switch (attempt.verdict) {
    case "filtered": {
      const silent = one ? "goes silent" : "go silent";
      return attempt.path.farthestHop === undefined
        ? `nobody answers ${who}`
        : `${who} ${silent} after ${hopText(attempt)}`;
    }
    case "unreachable":
      return `${who} ${one ? "is" : "are"} turned back${why === "" ? "" : `: ${why}`}`;
    case "exhausted":
      return `${who} ${one ? "does" : "do"} not arrive${why === "" ? "" : `: ${why}`}`;
    case "denied":
      return `${who} ${one ? "is" : "are"} refused by this host${because}`;
    case "unprivileged":
      return `${who} ${one ? "needs" : "need"} privilege`;
    case "unroutable":
      return `${who} ${one ? "has" : "have"} no way out of this host${because}`;
    case "unsupported":
      return `${who} ${one ? "is" : "are"} not possible here${because}`;
    default:
      return `${who} failed${because}`;
  }
}

function hopText({ path }: Attempt): string {
  const hop = path.farthestHop === undefined ? undefined : path.hop(path.farthestHop);
  if (hop === undefined) return "no hop";
  const [responder] = hop.responders;
  return `hop ${hop.hop}${responder === undefined ? "" : ` (${responder.text})`}`;
}

/** Ports that answered beside the winner's, where each is asked. */
function alsoReached(winner: Attempt, attempts: readonly Attempt[]): string[] {
  return attempts
    .filter((each) => each !== winner && each.verdict === "reached")
    .map((each) => `${attemptLabel(each)} ${isClosed(each) ? "answers too (the port is closed)" : "answers too"}`);
}

/** A TCP port that refuses is worth a word; for a UDP probe that is the answer hoped for. */
function isClosed({ protocol, path }: Attempt): boolean {
  const target = path.targetHop === undefined ? path.direct : path.hop(path.targetHop);
  const marks = target?.probes.flatMap(({ reply }) => (reply?.effect === "reached" ? [reply.mark] : [])) ?? [];
  return protocol.startsWith("tcp-") && marks.length > 0 && marks.every((mark) => mark === "closed");
}

function listOf(words: readonly string[]): string {
  const last = words.at(-1) ?? "";
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} and ${last}`;
}
