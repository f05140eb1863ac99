import type { User } from "../executable.ts";
import type { SCENARIOS } from "../scenarios.ts";

/** A command line that the real mtr and ours are both given, on the same host. */
export interface MtrLine {
  readonly scenario: keyof typeof SCENARIOS;
  /** `$4`, `$6`, `$name`: the target; `$eth1`: the host's own address; `$list`: a file with two hosts; `~`: a space. */
  readonly args: string;
  /** Default root. */
  readonly user?: User;
  readonly env?: Readonly<Record<string, string>>;
  /**
   * `balanced`: which of a hop's routers answer is the flows' business; `raw`: how many probes went beyond the target
   * before its first answer is the schedule's.
   */
  readonly compare?: "exact" | "balanced" | "raw";
  /** The line on stderr that follows the real tool's words. */
  readonly hint?: RegExp;
  readonly difference?: WantedDifference;
}

/** What ours says in place of what the real one says. */
interface WantedDifference {
  readonly why: string;
  readonly stdout?: RegExp;
  readonly stderr?: RegExp;
  readonly code: number;
}

type More = Omit<MtrLine, "scenario" | "args">;

/** Two quick rounds; whoever is not root may not ask so fast. */
const QUICK = "-c 2 -i 0.2 -G 0.3";

const on =
  (scenario: MtrLine["scenario"], options = QUICK) =>
  (args: string, more: More = {}): MtrLine => ({
    scenario,
    args: options === "" ? args : `${args} ${options}`,
    ...more,
  });

const plain = on("plain");
const asTyped = on("plain", "");
const silent = on("silentMiddle");
const balanced = on("balanced");
const restricted = on("restricted");

const REFUSES_ICMP = /^nettrace: an OUTPUT rule refuses ICMP; try: nettrace auto \S+\n$/;
const NO_EFFECT = /^nettrace: mtr's -[PL] has no effect without -u or -T\n$/;

const ONE_LINE = "a mistake is told in one line, without the fifty of the usage behind it";
const NEEDS_NO_PRIVILEGE = "TCP needs no privilege here";

const ONE_FAMILY = "the first host's family does not bind the others";

const mistake = (args: string, first: string): MtrLine =>
  asTyped(args, { difference: { why: ONE_LINE, stderr: new RegExp(`^mtr: ${first}\n$`), stdout: /^$/, code: 1 } });

/** Beside the real one over simulated paths, whose delays and labels no kernel here makes. */
interface SimulatedMtrLine {
  readonly topology: "mpls" | "late" | "scenario" | "lossless";
  /** Before the target's IPv4 address. */
  readonly args: string;
  readonly compare?: NonNullable<MtrLine["compare"]>;
  readonly difference?: WantedDifference;
}

export const SIMULATED_MTR_LINES: readonly SimulatedMtrLine[] = [
  { topology: "lossless", args: "-rn -c 2 -i 0.4 -G 1" },
  { topology: "mpls", args: "-rn -c 1 -G 1" },
  { topology: "mpls", args: "-lne -c 1 -G 1", compare: "raw" },
  {
    topology: "mpls",
    args: "-rne -c 1 -G 1",
    difference: {
      why: "labels are shown without -z too",
      stdout:
        /^ {2}2\.\|-- 10\.0\.2\.1 .*\n {7}\[MPLS: Lbl 339234 TC 0 S 0 TTL 1\]\n {7}\[MPLS: Lbl 16 TC 5 S 1 TTL 254\]\n/m,
      code: 0,
    },
  },
  {
    topology: "mpls",
    args: "-rnez -c 1 -G 1",
    difference: {
      why: "the bottom-of-stack bit is a digit and no control character",
      stdout: /^ {2}3\. AS\?\?\? {4}10\.0\.3\.1 .*\n {7}\[MPLS: Lbl 24001 TC 2 S 1 TTL 1\]\n/m,
      code: 0,
    },
  },
  { topology: "late", args: "-rn -c 2 -i 0.4 -G 3" },
  { topology: "late", args: "--json -n -c 2 -i 0.4 -G 3" },
  { topology: "scenario", args: "-rn -c 2 -i 0.4 -G 1 -T -P 443", compare: "balanced" },
];

/** Beside the real one over a simulated path whose networks a name server knows; before the target's address. */
interface NetworkMtrLine {
  readonly args: string;
  readonly family?: 6;
  readonly difference?: WantedDifference;
}

const EMPTY_FIELD = "what the registry left empty is unknown, and no blank";

export const NETWORK_MTR_LINES: readonly NetworkMtrLine[] = [
  { args: "-rnz" },
  { args: "-rwn -y 0" },
  { args: "-rn -y 1" },
  { args: "-rwn -y 1" },
  { args: "-rn -y 2" },
  { args: "-rwn -y 3" },
  { args: "-rn -y 4", difference: { why: EMPTY_FIELD, stdout: /^ {2}2\. \?\?\? {8}9\.2\.0\.1 /m, code: 0 } },
  { args: "-rwn -y 1", family: 6 },
  { args: "-rnz", family: 6 },
  { args: "--csv -nz", difference: { why: "its header has a column more", stdout: /^MTR\.[^\n]*,AS64501,/m, code: 0 } },
  { args: "--csv -n -y 1", difference: { why: "its header has a column more", stdout: /,Hop,Ip,Loss%,/, code: 0 } },
  { args: "--json -nz" },
  { args: "--json -n -y 1" },
  { args: "--json -n -y 4" },
  { args: "--xml -n -y 2" },
];

export const MTR_LINES: readonly MtrLine[] = [
  plain("-r $name"),
  plain("-rn $4"),
  plain("-rn $6"),
  plain("-r -4 $name"),
  plain("-r -6 $name"),
  plain("-rw $name"),
  plain("-rwb $name"),
  plain("-rb $name"),
  plain("-rwbn $4"),
  plain("-w $4"),
  plain("--report --no-dns $4"),
  plain("--report-wide --show-ips $name"),
  plain("--no-dns --report-w $4"),
  plain("$4 -rn"),
  plain("-rnz $4"),
  plain("-rwz $name"),
  plain("-rwbz $name -4"),
  plain("-rn -y 0 $4"),
  plain("-rn -y 1 $4"),
  plain("-rwn -y 1 $4"),
  plain("-rn -y 2 $4"),
  plain("-rwn -y 3 $4"),
  plain("-rwn -y 4 $4"),
  plain("-rn -o LSDR~NBAWVGJMXI $4"),
  plain("-rn -o LSD~NBAW~~X $4"),
  plain("-rwn -o JMXI $4"),
  plain("-rn -o LL $4"),
  plain("-rn -o _L_S $4"),
  plain("-rne $4"),
  plain("-rn -f 2 $4"),
  plain("-rn -m 2 $4"),
  plain("-rn -f 2 -m 3 $4"),
  plain("-rn -f 9 -m 3 $4"),
  plain("-rn -m 0 $4"),
  plain("-rn -s 100 $4"),
  plain("-rn -s 1400 -B 85 $6"),
  plain("-rn -B 300 --json $4"),
  plain("-rn -Q 16 --json $4"),
  plain("-rn -Q 300 --json $4"),
  plain("-rn -Z 1 $4"),
  plain("-rn -M 7 $4"),
  plain("-rn -I eth1 $4"),
  plain("-rn -a $eth1 $4"),
  plain("-rn -u $4"),
  plain("-rn -u $6"),
  plain("-rn -u -P 33500 $4"),
  plain("-rn -u -L 40000 $4"),
  plain("-rn -T -P 443 $4"),
  plain("-rn -T -P 443 $6"),
  plain("-rwb -T $name"),
  plain("-rn -P 443 $4", { hint: NO_EFFECT }),
  plain("-rn $4 $4"),
  plain("-rn $4 $6", {
    difference: {
      why: ONE_FAMILY,
      stdout: /^ {2}4\.\|-- 203\.0\.113\.10 [\s\S]*\nHOST: [\s\S]*^ {2}4\.\|-- 2001:db8:ffff::10 /m,
      stderr: /^$/,
      code: 0,
    },
  }),
  plain("-r $name nosuch.lab.example $6"),
  plain("-rn -F $list"),
  plain("--json $name"),
  plain("--json -nz $4"),
  plain("--json -n -o LSDRNBAWVGJMXI $4"),
  plain("--json -n $4 $4"),
  plain("--xml $name"),
  plain("--xml -n -o LSDR~NBAWVGJMXI $4"),
  plain("--csv -n $4", {
    difference: {
      why: "its header has a column more than its rows",
      stdout:
        /^Mtr_Version,Start_Time,Status,Host,Hop,Ip,Loss%,Snt, ,Last,Avg,Best,Wrst,StDev\n(MTR\.0\.95,\d+,OK,[\d.]+,\d,[\d.]+,0\.00,2,0(,\d+\.\d\d){5}\n){4}$/,
      code: 0,
    },
  }),
  plain("--csv -nz $4", {
    difference: {
      why: "its header has a column more than its rows",
      stdout: /^Mtr_Version,Start_Time,Status,Host,Hop,Ip,Asn,Loss%,/,
      code: 0,
    },
  }),
  plain("--raw -n $4", { compare: "raw" }),
  plain("--raw -n $6", { compare: "raw" }),
  asTyped("$4", { env: { MTR_OPTIONS: "-rn -c 2 -i 0.2 -G 0.3" } }),
  asTyped("-c 1 $4", { env: { MTR_OPTIONS: "-r -n  -c 9 -i 0.2 -G 0.3" } }),
  plain("-rn -c 0 $4"),
  asTyped("-r nosuch.lab.example"),
  asTyped("-rn -4 $6"),
  asTyped("-r -6 v4only.lab.example"),
  asTyped("-rn -i 0 $4"),
  asTyped("-rn -c x $4"),
  asTyped("-rn -c -1 $4"),
  asTyped("-rn -G 0 $4"),
  asTyped("-rn -u -T $4"),
  asTyped("-rn -P 70000 $4"),
  asTyped("-rn -u -L 20 $4"),
  asTyped("-rn -y 9 $4"),
  asTyped("-rn -o Q $4"),
  asTyped("-rn -s -100 $4"),
  asTyped("-rn -F /nonexistent $4"),
  asTyped("-rn -I nope $4"),
  asTyped("-rn -i 0.5 $4", { user: "nobody" }),
  mistake("-Y", "invalid option -- 'Y'"),
  mistake("--foo", "unrecognized option '--foo'"),
  mistake("-c", "option requires an argument -- 'c'"),
  mistake("--order", "option '--order' requires an argument"),
  mistake("--report=1", "option '--report' doesn't allow an argument"),
  asTyped("-v", {
    difference: { why: "it says who speaks", stdout: /^mtr 0\.95 \(nettrace \d+\.\d+\.\d+\)\n$/, code: 0 },
  }),
  asTyped("--help", {
    difference: { why: "it fits a screen", stdout: /^Usage: mtr \[OPTIONS\] HOST\.\.\.\n/, code: 0 },
  }),
  asTyped("-rn -S -c 1 -G 1 $4", {
    difference: {
      why: "SCTP needs no kernel that knows it",
      stdout: /^ {2}3\.\|-- 198\.18\.3\.1 +0\.0% {5}1 /m,
      stderr: /^$/,
      code: 0,
    },
  }),
  plain("-rn -s 10 $4", {
    difference: { why: "the mistake is named", stderr: /^mtr: Cannot send icmp packets of 10 octets: /, code: 1 },
  }),
  plain("-rn -a 192.0.2.9 $4", {
    difference: {
      why: "an address that is not this host's is no empty table",
      stderr: /^mtr: cannot send from 192\.0\.2\.9: Cannot assign requested address\n$/,
      code: 1,
    },
  }),

  silent("-rn $4"),
  silent("-rw $name"),
  silent("-rwbz $name"),
  silent("-rn -o LSDR~NBAWVGJMXI $4"),
  silent("--json -n $4"),
  silent("--xml -n $4"),
  silent("-rn -T -P 443 $6"),
  silent("--raw -n $4", { compare: "raw" }),

  balanced("-rn $4"),
  balanced("-rn -T -P 443 $4", { compare: "balanced" }),
  balanced("-rwb -u $name", { compare: "balanced" }),
  balanced("-rnz -T -P 443 $4", {
    compare: "balanced",
  }),

  on("silentTarget")("-rn $4"),
  on("silentTarget")("-rn -T -P 443 $6"),
  on("closedTarget")("-rn -T -P 443 $4"),
  on("unreachableTarget")("-rn $4"),
  on("unreachableTarget")("-rn $6"),
  on("unreachableTarget")("-rn -T $4"),
  on("unreachableTarget")("-rn -u $4"),
  on("prohibitedTarget")("-rn $4"),
  on("missingTarget")("--json -n $4"),
  on("loop")("-rn -m 8 $4"),
  on("midPathFilter")("-rn $4"),
  on("midPathFilter")("-rn -T -P 443 $4"),

  restricted("-r $name", { hint: REFUSES_ICMP }),
  restricted("-rwb $6", { hint: REFUSES_ICMP }),
  restricted("--json -n $4", { hint: REFUSES_ICMP }),
  restricted("--xml -n $4", { hint: REFUSES_ICMP }),
  restricted("--csv -n $4", { hint: REFUSES_ICMP }),
  restricted("-rn -u $4", { hint: /^nettrace: an OUTPUT rule refuses UDP; try: nettrace auto \S+\n$/ }),
  restricted("--raw -n $4", {
    difference: {
      why: "what was not sent is not said to have been",
      stdout: /^$/,
      stderr: /^mtr: Permission denied\nnettrace: an OUTPUT rule refuses ICMP; /,
      code: 1,
    },
  }),
  restricted("-rwb $name -T -P 443", { compare: "balanced" }),
  restricted("-rwb $6 -T -P 443", { compare: "balanced" }),
  {
    scenario: "restricted",
    args: "-rwbn $4 -c 2 -T -P 443",
    user: "nobody",
    difference: { why: NEEDS_NO_PRIVILEGE, stdout: /^ 12\.\|-- 203\.0\.113\.10 +0\.0% {5}2 /m, stderr: /^$/, code: 0 },
  },
  {
    scenario: "restricted",
    args: "-rn $4 -c 1",
    user: "nobody",
    hint: /^nettrace: ICMP needs root or CAP_NET_RAW .*; try: nettrace auto 203\.0\.113\.10\n$/,
  },
  on("prohibitRoute")("-rn $4", { hint: /^nettrace: a prohibit route or a security policy refuses ICMP; / }),
  on("blackholeRoute")("-rn $4", { hint: /^nettrace: a blackhole route swallows ICMP; / }),
  on("missingRoute")("-rn $4", { hint: /^nettrace: this host has no route to the target; try: ip route get / }),
  on("unreachableRoute")("-rn $4", { hint: /^nettrace: this host has no route to the target; try: ip route get / }),
  on("rejectAll")("-rn $4", { hint: REFUSES_ICMP }),
  on("rejectAll")("-rn -T -P 443 $4", {
    difference: {
      why: "the real one shows this host itself as every hop, which a REJECT rule answers for",
      stdout: /^Start: [^\n]+\nHOST: [^\n]+\n$/,
      stderr: /^mtr: Permission denied\nnettrace: /,
      code: 1,
    },
  }),
];
