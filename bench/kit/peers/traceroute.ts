import type { Probing } from "../../../test/truth/case.ts";
import type { AnswerClaim, HopClaim } from "../../../test/truth/judge.ts";
import { endShown, type Peer, QUERIES, WAIT_S } from "./peer.ts";

/** The classic layout: hop limit, then addresses, times, marks of refusal (`!H`) and `*`, of traceroute and tcptraceroute. */
function readClassic(stdout: string, target: string): HopClaim[] {
  const hops: HopClaim[] = [];
  for (const line of stdout.split("\n")) {
    const row = /^\s*(\d+)\s+(.*)$/.exec(line);
    if (row?.[1] === undefined || row[2] === undefined) continue;
    hops.push(readRow(Number(row[1]), row[2].split(/\s+/), target));
  }
  return hops;
}

function readRow(hop: number, words: readonly string[], target: string): HopClaim {
  const answers: AnswerClaim[] = [];
  let unanswered = 0;
  let address = "";
  for (const word of words) {
    if (word === "*") unanswered += 1;
    else if (/^\d+\.\d+\.\d+\.\d+$/.test(word) || /^[\da-f]*:[\da-f:]+$/i.test(word)) address = word;
    else if (/^\d+(\.\d+)?$/.test(word) && address !== "") answers.push({ address, ofPath: true });
    else if (/^![A-Z<\d]/.test(word) && address !== target) {
      const last = answers.pop();
      if (last !== undefined) answers.push({ ...last, effect: "unreachable" });
    }
  }
  return { hop, answers, unanswered };
}

const traceroute = (name: string, probing: Probing, options: readonly string[]): Peer => ({
  name,
  program: "traceroute",
  errorQueue: true,
  probing,
  argv: (target) => ["traceroute", "-n", "-q", String(QUERIES), ...options, target],
  read(stdout, target) {
    const hops = readClassic(stdout, target);
    return hops.length === 0 ? undefined : [{ hops, end: endShown(hops, target) }];
  },
});

export const traceroutes: readonly Peer[] = [
  traceroute("traceroute", "udp", []),
  traceroute("traceroute -I", "icmp", ["-I"]),
  traceroute("traceroute -T -p 443", "tcp", ["-T", "-p", "443"]),
];

export const tcptraceroute: Peer = {
  name: "tcptraceroute",
  program: "tcptraceroute",
  probing: "tcp",
  argv: (target) => ["tcptraceroute", "-n", "-q", "3", "-w", String(WAIT_S), target, "443"],
  read(stdout, target) {
    const hops = readClassic(stdout, target);
    return hops.length === 0 ? undefined : [{ hops, end: endShown(hops, target) }];
  },
};

export const tracepath: Peer = {
  name: "tracepath",
  program: "tracepath",
  errorQueue: true,
  probing: "udp",
  argv: (target) => ["tracepath", "-n", target],
  read(stdout, target) {
    const byHop = new Map<number, HopClaim>();
    for (const [, number, what, rest = ""] of stdout.matchAll(/^\s*(\d+)\??:\s+(\S+)(.*)$/gm)) {
      if (what === undefined || what.startsWith("[")) continue;
      const hop = Number(number);
      const known = byHop.get(hop) ?? { hop, answers: [], unanswered: 0 };
      const isSilent = what === "no";
      const isRefusal = /![A-Z]/.test(rest) && what !== target;
      const answer = { address: what, ofPath: true, ...(isRefusal && { effect: "unreachable" as const }) };
      // "no reply" is its word for a hop none of whose three probes was answered.
      byHop.set(hop, isSilent ? { ...known, unanswered: 3 } : { ...known, answers: [...known.answers, answer] });
    }
    const hops = [...byHop.values()];
    return hops.length === 0 ? undefined : [{ hops, end: endShown(hops, target) }];
  },
};
