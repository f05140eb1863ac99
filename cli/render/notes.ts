import {
  type Attempt,
  type DroppedHere,
  formatAddress,
  limitedHops,
  loopOf,
  REFUSED_HERE,
  type RoundsTable,
} from "../../core/mod.ts";
import { printable } from "../printable.ts";
import { isRefusedHere, type RunEnd, type RunHead, type SmallProbes } from "../result.ts";
import { attemptLabel } from "./attempt.ts";

type Answers = Pick<RoundsTable, "received" | "tappedOnly">;

/** What the reader should know beside the conclusion, and what can be done: a line each. `rounds`: beside the attempts. */
export function notes(head: RunHead, end: RunEnd, rounds: readonly Answers[] = []): string[] {
  const { attempts, winner } = end;
  return [
    ...(winner === undefined ? [] : [...loopNote(winner), ...limitedNote(limitedHops(winner.path))]),
    ...attempts.flatMap(refusedNowAndThen),
    ...attempts.flatMap(unattributed),
    ...(end.droppedHere === undefined
      ? inputDrops([...attempts.map(({ path }) => path), ...rounds])
      : [droppedHere(end.droppedHere)]),
    ...(winner === undefined || end.smallProbes === undefined ? [] : [sizeNote(winner, end.smallProbes)]),
    ...(isRefusedHere(attempts) ? advice(head, attempts) : []),
  ];
}

/** Where the loop is the verdict's reason, the conclusion has told it. */
function loopNote(winner: Attempt): string[] {
  const loop = loopOf(winner.path);
  return loop === undefined || winner.reason === loop ? [] : [`the hops show ${loop}`];
}

/** Of hops that answer less than those behind them. */
export function limitedNote(hops: readonly number[]): string[] {
  if (hops.length === 0) return [];
  const one = hops.length === 1;
  return [
    `${one ? "hop" : "hops"} ${hops.join(", ")}: more goes unanswered than behind ${one ? "it" : "them"}, so what passes arrives: ` +
      "routers limit the ICMP that they send, and that is no loss of the path",
  ];
}

function refusedNowAndThen(attempt: Attempt): string[] {
  const { refusedSends, verdict } = attempt;
  if (refusedSends === 0 || verdict === undefined || REFUSED_HERE.has(verdict)) return [];
  const times = refusedSends === 1 ? "1 send" : `${refusedSends} sends`;
  return [
    `this host refused ${times} of ${attemptLabel(attempt)} now and then, which was tried again: ` +
      "a rule that drops some packets, or a full connection-tracking table or send queue",
  ];
}

function unattributed(attempt: Attempt): string[] {
  const { unattributed: count, path } = attempt;
  if (count === 0 || path.sent === 0) return [];
  return [
    `${count} ${count === 1 ? "answer" : "answers"} to ${attemptLabel(attempt)} could not be told apart, since routers ` +
      "quote too little for it: some probes that count as lost were answered (as root, or with --flow vary, all are told)",
  ];
}

/** The kernel counts such packets, and does not tell whose they were. */
function droppedHere({ by, packets, missing }: DroppedHere): string {
  const counts = `while ${missing} ${missing === 1 ? "answer was" : "answers were"} missing`;
  return by === "rp_filter"
    ? `rp_filter of this host dropped ${packets} packets (IPReversePathFilter), ${counts}: they came in by another ` +
        "interface than the route back to their sender takes (to do: sysctl net.ipv4.conf.all.rp_filter=2, or mend the route)"
    : `this host dropped ${packets} packets that came in (InReceives rose by more than InDelivers), ${counts}: INPUT may ` +
        "drop the answers, most likely by a rule that accepts ESTABLISHED but not RELATED; as root it is seen for certain";
}

function sizeNote(large: Attempt, { size, farthestHop, reached }: SmallProbes): string {
  const from = large.path.farthestHop;
  const where = from === undefined ? "on the way to the first hop" : `behind hop ${from}`;
  const small = reached ? `reach the target in ${farthestHop} hops` : `come to hop ${farthestHop}`;
  return (
    `packets of ${size} octets vanish ${where}, and small ones by ${attemptLabel(large)} ${small}: a link there takes none so ` +
    "large and no router says so, as where its ends differ in their MTU (or it is the answer, where that is as large, on " +
    "its way back); to do: look for the largest --size that passes"
  );
}

function inputDrops(answers: readonly Answers[]): string[] {
  const tapped = answers.reduce((sum, { tappedOnly }) => sum + tappedOnly, 0);
  if (tapped === 0) return [];
  const all = answers.reduce((sum, { received }) => sum + received, 0);
  return [
    `INPUT of this host drops answers: ${tapped} of ${all} were seen by the packet tap only; most likely a rule accepts ` +
      "ESTABLISHED but not RELATED (iptables: -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT)",
  ];
}

function advice({ target }: RunHead, attempts: readonly Attempt[]): string[] {
  const address = printable(formatAddress(target.address));
  const has = (verdict: Attempt["verdict"]): boolean => attempts.some((each) => each.verdict === verdict);
  const isSendRefused = attempts.some(
    (each) => each.verdict === "denied" && each.errno !== "EACCES" && each.errno !== "EINVAL",
  );
  const isRouteRefused = attempts.some((each) => each.errno === "EACCES" || each.errno === "EINVAL");
  const tables = target.address.family === 4 ? "iptables -S OUTPUT" : "ip6tables -S OUTPUT";
  return [
    ...(isSendRefused
      ? [`to do: see the rules with "${tables}" or "nft list ruleset"; one accepted TCP port is enough for a trace`]
      : []),
    ...(has("unroutable") || (has("denied") && isRouteRefused)
      ? [`to do: see the route with "ip route get ${address}"`]
      : []),
    ...(attempts.every((each) => each.verdict === "unprivileged" && each.protocol !== "tcp-connect")
      ? ["to do: run as root, or try udp and tcp-connect, which need no privilege"]
      : []),
  ];
}
