import type { Topology } from "../../core/sim/topology.ts";
import type { SCENARIOS } from "../../test/lab/scenarios.ts";
import { FAR, FAR_MS, FILTERED, NEAR, NEAR_SILENT, SILENT_TARGET } from "./paths.ts";
import type { Command } from "./turns.ts";

/** The median of a command of this case, or of another one; undefined where it was not measured. */
type Median = (name: string, caseId?: string) => number | undefined;

/** What is to be reached, beside what is measured. */
interface Goal {
  readonly of: string;
  readonly words: string;
  readonly limitMs: (median: Median) => number | undefined;
}

export interface BenchCase {
  readonly id: string;
  readonly title: string;
  /** A simulated path behind a TUN device, or routers of the kernel where this host's own refusal is the point. */
  readonly place: { readonly topology: Topology } | { readonly scenario: keyof typeof SCENARIOS };
  readonly commands: Readonly<Record<string, Command>>;
  readonly goals: readonly Goal[];
  /** How often each command runs at least, where a run is short and the machine's own unrest shows. */
  readonly runs?: number;
}

const OWN = {
  auto: ["nettrace", "auto", "TARGET", "-n"],
  icmp: ["nettrace", "trace", "TARGET", "-n", "-P", "icmp"],
  udp: ["nettrace", "trace", "TARGET", "-n", "-P", "udp"],
  syn: ["nettrace", "trace", "TARGET", "-n", "-P", "tcp-syn:443"],
} as const;

const AUTO = "nettrace auto";
const ICMP = "nettrace trace -P icmp";
const SYN = "nettrace trace -P tcp-syn:443";
const UDP = "nettrace trace -P udp";

const TRACEROUTES = {
  "traceroute -I": ["traceroute", "-n", "-I", "TARGET"],
  "traceroute -T -p 443": ["traceroute", "-n", "-T", "-p", "443", "TARGET"],
} as const;

const PEERS = {
  ...TRACEROUTES,
  "mtr -c 3": ["mtr", "-rn", "-c", "3", "TARGET"],
  "scamper icmp-paris": ["scamper", "-I", "trace -P icmp-paris TARGET"],
  tcptraceroute: ["tcptraceroute", "-n", "TARGET", "443"],
  "dublin-traceroute -n 1": ["dublin-traceroute", "-n", "1", "TARGET"],
  tracepath: ["tracepath", "-n", "TARGET"],
  "trip -c 3": ["trip", "TARGET", "-m", "silent", "-C", "3"],
  nexttrace: ["nexttrace", "-n", "TARGET"],
} as const;

const far = (id: keyof typeof FAR, where: string): BenchCase => ({
  id: `far-${id}`,
  title: `12 hops, target at ${FAR_MS} ms, ${where}, hop 1 silent, a tenth lost behind hop 8`,
  place: { topology: FAR[id] },
  commands: {
    [AUTO]: OWN.auto,
    [ICMP]: OWN.icmp,
    [SYN]: OWN.syn,
    ...(id === "linear" ? PEERS : TRACEROUTES),
  },
  goals: [AUTO, ICMP, SYN].map((of) => ({
    of,
    words: "1.15 × the farthest RTT + 40 ms",
    limitMs: () => 1.15 * FAR_MS + 40,
  })),
});

export const CASES: readonly BenchCase[] = [
  far("linear", "each link alike"),
  far("late", "most of it on the tenth link"),
  far("early", "most of it on the third link"),
  {
    id: "near",
    title: "5 hops, all answer within 1 ms",
    place: { topology: NEAR },
    runs: 9,
    commands: { [AUTO]: OWN.auto, [ICMP]: OWN.icmp, [SYN]: OWN.syn, ...PEERS },
    goals: [AUTO, ICMP, SYN].map((of) => ({ of, words: "40 ms", limitMs: () => 40 })),
  },
  {
    id: "near-silent",
    title: "the same, 2 routers in the middle silent",
    place: { topology: NEAR_SILENT },
    commands: { [AUTO]: OWN.auto, [ICMP]: OWN.icmp, [SYN]: OWN.syn, ...TRACEROUTES },
    goals: [AUTO, ICMP, SYN].map((of) => ({
      of,
      words: "1.5 × the case without them + 50 ms",
      limitMs: (median) => {
        const without = median(of, "near");
        return without === undefined ? undefined : 1.5 * without + 50;
      },
    })),
  },
  {
    id: "silent-target",
    title: "12 hops, nothing heard behind hop 6 at 31 ms",
    place: { topology: SILENT_TARGET },
    commands: {
      [ICMP]: OWN.icmp,
      [UDP]: OWN.udp,
      [SYN]: OWN.syn,
      traceroute: ["traceroute", "-n", "TARGET"],
      "mtr -c 3": PEERS["mtr -c 3"],
      "scamper icmp-paris": PEERS["scamper icmp-paris"],
    },
    goals: [ICMP, UDP, SYN].flatMap((of) => [
      { of, words: "1.2 s", limitMs: () => 1200 },
      {
        of,
        words: "a fifteenth of traceroute's default",
        limitMs: (median: Median) => {
          const peer = median("traceroute");
          return peer === undefined ? undefined : peer / 15;
        },
      },
    ]),
  },
  {
    id: "refused",
    title: "12 hops, icmp and udp refused by this host (kernel routers)",
    place: { scenario: "restricted" },
    commands: { [AUTO]: OWN.auto, [SYN]: OWN.syn, "traceroute -T -p 443": TRACEROUTES["traceroute -T -p 443"] },
    goals: [
      {
        of: AUTO,
        words: "the direct trace + 15 ms",
        limitMs: (median) => plus(median(SYN), 15),
      },
    ],
  },
  {
    id: "filtered",
    title: "12 hops, 31 ms, icmp and udp dropped behind hop 4",
    place: { topology: FILTERED },
    commands: { [AUTO]: OWN.auto, [SYN]: OWN.syn, ...TRACEROUTES },
    goals: [
      {
        of: AUTO,
        words: "the direct trace + 600 ms",
        limitMs: (median) => plus(median(SYN), 600),
      },
    ],
  },
];

/** Measured only where this build has the command. */
export const REPORT_CASE: BenchCase = {
  id: "report",
  title: "ten rounds at mtr's interval, 5 hops within 1 ms",
  place: { topology: NEAR },
  commands: {
    "nettrace report -c 10": ["nettrace", "report", "-c", "10", "-n", "TARGET"],
    "mtr -c 10": ["mtr", "-rn", "-c", "10", "TARGET"],
  },
  goals: [
    {
      of: "nettrace report -c 10",
      words: "mtr − 4 s",
      limitMs: (median) => plus(median("mtr -c 10"), -4000),
    },
  ],
};

function plus(ms: number | undefined, more: number): number | undefined {
  return ms === undefined ? undefined : ms + more;
}
