import type { User } from "../executable.ts";
import type { SCENARIOS } from "../scenarios.ts";
import { METHOD_LINES } from "./traceroute-methods.ts";

/** A command line that both the real tool and ours run, on the same path. */
export interface ComparedLine {
  readonly scenario: keyof typeof SCENARIOS;
  /** `$4`, `$6` and `$name` are the target. */
  readonly line: string;
  /** Default: root. */
  readonly user?: User;
  /**
   * How what they print is compared: `text` as it is, but for times; `balanced` where each flow takes its own way: any router
   * of the hop will do; `stars` where the real tool loses probes by its own fault: hops and marks, but not how many times.
   */
  readonly compare?: "text" | "balanced" | "stars";
  /** What ours says on stderr beside it. */
  readonly hint?: RegExp;
  readonly difference?: WantedDifference;
}

/** What ours prints on purpose otherwise; a test fails where there is no difference any more. */
interface WantedDifference {
  readonly why: string;
  /** What is printed is the same: only the wait differs, which no test asserts. */
  readonly isSameText?: true;
  readonly code: number;
  readonly stdout?: RegExp;
  readonly stderr?: RegExp;
}

/** Why the real tool's stars are overlooked. */
export const WHY_STARS =
  "with a pending ICMP error its raw socket refuses the next send, which it takes for sent: it prints * for what never left";
const SHAPE = /^traceroute to \S+ \(\S+\), 30 hops max, \d+ byte packets\n 1 {2}/;

const udp: readonly ComparedLine[] = [
  { scenario: "plain", line: "traceroute $4" },
  { scenario: "plain", line: "traceroute $name" },
  { scenario: "plain", line: "traceroute $name", user: "nobody" },
  { scenario: "plain", line: "traceroute -n $4", user: "nobody" },
  { scenario: "plain", line: "traceroute -n $6" },
  { scenario: "plain", line: "traceroute -6 $name", user: "nobody" },
  { scenario: "plain", line: "traceroute6 -n $name" },
  { scenario: "plain", line: "traceroute -n -q 1 $4" },
  { scenario: "plain", line: "traceroute $4 -q5 -n" },
  { scenario: "plain", line: "traceroute -f 2 -m 3 $4" },
  { scenario: "plain", line: "traceroute -f 3 --max-hops=4 -n $4" },
  { scenario: "plain", line: "traceroute -N 1 $4" },
  { scenario: "plain", line: "traceroute --sim-queries=0 -n $4" },
  { scenario: "plain", line: "traceroute -n -p 50000 $4" },
  { scenario: "plain", line: "traceroute -n --sport=4321 $4" },
  { scenario: "plain", line: "traceroute -n -z 0.01 -q 1 $4" },
  { scenario: "plain", line: "traceroute -n -z 10 -q 1 $4" },
  { scenario: "plain", line: "traceroute -n -U $4" },
  { scenario: "plain", line: "traceroute -U -p 33434 -n $6", user: "nobody" },
  { scenario: "plain", line: "traceroute -M udp -n $4" },
  { scenario: "plain", line: "traceroute -n -e $4" },
  { scenario: "plain", line: "traceroute --back $4" },
  { scenario: "plain", line: "traceroute --back -n $6", user: "nobody" },
  { scenario: "plain", line: "traceroute -n $4 100" },
  { scenario: "plain", line: "traceroute -n $4 28" },
  { scenario: "plain", line: "traceroute -n $4 10" },
  { scenario: "plain", line: "traceroute -n -t 16 $4" },
  { scenario: "plain", line: "traceroute -n -l 5 -t 0x20 $6" },
  { scenario: "plain", line: "traceroute -n -i eth1 $4" },
  { scenario: "plain", line: "traceroute -n --fwmark=7 $4" },
  { scenario: "plain", line: "traceroute -n -w 2 $4" },
  { scenario: "plain", line: "traceroute -n -w 2,4,6 $4" },
  { scenario: "plain", line: "traceroute -n -w 1/2/3 $4" },
  { scenario: "otherPorts", line: "traceroute -n $4", user: "nobody" },
  { scenario: "otherPorts", line: "traceroute -n -U $4" },
  { scenario: "balanced", line: "traceroute -n $4", compare: "balanced" },
  { scenario: "balanced", line: "traceroute -n -U $4", compare: "balanced", user: "nobody" },
  { scenario: "balanced", line: "traceroute $6", compare: "balanced" },
];

const icmp: readonly ComparedLine[] = [
  { scenario: "plain", line: "traceroute -I $name", compare: "stars" },
  { scenario: "plain", line: "traceroute -I -n $6", compare: "stars" },
  { scenario: "plain", line: "traceroute -n -I $4 10", compare: "stars" },
  { scenario: "plain", line: "traceroute --icmp -n -p 700 $4", compare: "stars" },
  { scenario: "plain", line: "traceroute -M icmp -n -q 2 $4", compare: "stars" },
  { scenario: "plain", line: "traceroute -I -N 1 $name" },
  { scenario: "unreachableTarget", line: "traceroute -I -N 1 -n $4" },
  { scenario: "plain", line: "traceroute -I $4", user: "nobody", hint: /^nettrace: ICMP needs root or CAP_NET_RAW/ },
];

const tcp: readonly ComparedLine[] = [
  { scenario: "plain", line: "traceroute -T -p 443 $name", compare: "stars" },
  { scenario: "plain", line: "traceroute -T -n $6", compare: "stars" },
  { scenario: "plain", line: "traceroute -T -O info -n $4", compare: "stars" },
  { scenario: "plain", line: "traceroute -T -O info -p 443 -n $6", compare: "stars" },
  { scenario: "plain", line: "traceroute -T -p https -N 1 -n $4" },
  { scenario: "plain", line: "traceroute -T --sport=4322 -p 443 -n $4" },
  { scenario: "plain", line: "traceroute -T -n $4 200", compare: "stars" },
  { scenario: "plain", line: "traceroute -M tcpconn -p 443 -n -N 1 $4", compare: "stars" },
  { scenario: "balanced", line: "traceroute -n -T -p 443 -N 1 $4", compare: "balanced" },
  {
    scenario: "plain",
    line: "traceroute -T -p 443 -n $4",
    user: "nobody",
    difference: {
      why: "the real one needs a raw socket; ours goes by connect(2) where there is none",
      code: 0,
      stdout: SHAPE,
      stderr: /^$/,
    },
  },
];

const answers: readonly ComparedLine[] = [
  { scenario: "silentMiddle", line: "traceroute -n $4" },
  { scenario: "silentMiddle", line: "traceroute -n -w 0.3 $4", user: "nobody" },
  { scenario: "silentTarget", line: "traceroute -n -m 6 -w 1 $4" },
  { scenario: "silentTarget", line: "traceroute -I -n -m 5 -q 2 -w 0.5,0,0 $4", compare: "stars" },
  { scenario: "loop", line: "traceroute -n -m 8 $4" },
  { scenario: "unreachableTarget", line: "traceroute -n $4" },
  { scenario: "unreachableTarget", line: "traceroute -n -I $4", compare: "stars" },
  { scenario: "unreachableTarget", line: "traceroute $6", user: "nobody" },
  { scenario: "prohibitedTarget", line: "traceroute -n $4", user: "nobody" },
  { scenario: "prohibitedTarget", line: "traceroute -n $6" },
  { scenario: "prohibitedTarget", line: "traceroute -T -p 443 -N 1 -n $4" },
  { scenario: "missingTarget", line: "traceroute -n $4" },
  { scenario: "missingTarget", line: "traceroute -n -I $6", compare: "stars" },
  { scenario: "midPathFilter", line: "traceroute -n -m 6 -w 0.5 $4" },
  { scenario: "narrow", line: "traceroute --mtu $name" },
  { scenario: "narrow", line: "traceroute -n --mtu $4", user: "nobody" },
  { scenario: "narrow", line: "traceroute -n --mtu $6" },
  { scenario: "narrow", line: "traceroute -n --mtu -I -q 1 $4" },
  { scenario: "narrow", line: "traceroute -n --mtu $4 1450" },
  { scenario: "narrow", line: "traceroute -n -F $4 1500" },
  { scenario: "narrow", line: "traceroute -n $4 2000" },
  {
    scenario: "narrow",
    line: "traceroute -n -F $4 2000",
    difference: {
      why: "the real one prints a time for packets that never left this host",
      code: 0,
      stdout: /^traceroute to .*, 2000 byte packets\n 1 {2}\* !F-1500 \* !F-1500 \* !F-1500\n$/,
    },
  },
];

const UDP_REFUSED = /^nettrace: an OUTPUT rule refuses UDP; try: nettrace auto \S+\n$/;

const refusals: readonly ComparedLine[] = [
  { scenario: "restricted", line: "traceroute $4", hint: UDP_REFUSED },
  { scenario: "restricted", line: "traceroute $name", user: "nobody", hint: UDP_REFUSED },
  { scenario: "restricted", line: "traceroute -n $6", hint: UDP_REFUSED },
  { scenario: "restricted", line: "traceroute -I $4", hint: /^nettrace: an OUTPUT rule refuses ICMP; try: / },
  {
    scenario: "restricted",
    line: "traceroute -T -p 22 $4",
    hint: /^nettrace: an OUTPUT rule refuses TCP to port 22; try: /,
  },
  { scenario: "restricted", line: "traceroute -n -T -p 443 -N 1 -w 1 $4", compare: "balanced" },
  { scenario: "restricted", line: "traceroute -n -T -p 443 -N 1 -w 1 $6", compare: "balanced" },
  { scenario: "reject", line: "traceroute -n $4", hint: UDP_REFUSED },
  {
    scenario: "rejectAll",
    line: "traceroute -n -T -p 443 $4",
    hint: /^nettrace: an OUTPUT rule refuses TCP to port 443/,
  },
  { scenario: "prohibitRoute", line: "traceroute $4", hint: /^nettrace: a prohibit route .* refuses UDP; try: / },
  { scenario: "prohibitRoute", line: "traceroute -I $4", hint: /^nettrace: a prohibit route .* refuses ICMP; try: / },
  {
    scenario: "blackholeRoute",
    line: "traceroute $6",
    user: "nobody",
    hint: /^nettrace: a blackhole route swallows UDP/,
  },
  { scenario: "plain", line: "traceroute -n 198.18.1.77" },
  { scenario: "plain", line: "traceroute -n -I -q 2 198.18.1.77" },
  { scenario: "plain", line: "traceroute -n -q 1 2001:db8:0:1::77", user: "nobody" },
  {
    scenario: "missingRoute",
    line: "traceroute $4",
    hint: /^nettrace: this host has no route to the target; try: ip route get /,
  },
  { scenario: "plain", line: "traceroute -r $4", hint: /^nettrace: this host has no route to the target/ },
  {
    scenario: "oneInThree",
    line: "traceroute -n $4",
    difference: {
      why: "the real one ends at the first refused send; ours knows that one in three is no policy",
      code: 0,
      stdout: SHAPE,
      stderr: /^$/,
    },
  },
  {
    scenario: "restricted",
    line: "traceroute -n -T -p 443 -w 1 $4",
    user: "nobody",
    difference: {
      why: "the real one needs a raw socket; ours goes by connect(2) where there is none",
      code: 0,
      stdout: /\n 2 {2}198\.18\.2\.1 [\s\S]*\n12 {2}203\.0\.113\.10 .*\n$/,
      stderr: /^$/,
    },
  },
];

const mistakes: readonly ComparedLine[] = [
  ...[
    "-x $4",
    "--foo $4",
    "--foo=3 $4",
    "--mtu=3 $4",
    "-q",
    "--queries",
    "-O",
    "--queries=3",
    "--",
    "$4 abc",
    "$4 60 x",
    "nosuch.lab.example 60 x",
    "$4 70000",
    "-M foo $4",
    "-M foo nosuch.lab.example",
    "nosuch.lab.example",
    "-",
    "-4 v6only.lab.example",
    "-6 v4only.lab.example",
    "-4 $6",
    "-6 $4",
    "-q 0 $4",
    "-q 11 $4",
    "-q -1 $4",
    "-m 256 $4",
    "-m x $4",
    "-m 2x $4",
    "-f 0 $4",
    "-f 9 -m 3 $4",
    "-w x $4",
    "-w -1 $4",
    "-w 1,2,x $4",
    "-z -1 $4",
    "-p nosuchservice $4",
    "-s nosuch $4",
    "-s 2001:db8::1 $4",
    "-s 192.0.2.77 $4",
    "-i eth7 $4",
    "-T -O foo $4",
    "-T -O info,foo $4",
    "-T -O mss=x $4",
    "-T -O mss $4",
    "-T -O flags=zz $4",
    "-UL -O x=1 $4",
    "-UL -O coverage=x $4",
    "-I -O raw,dgram $4",
    "-P nosuch $4",
  ].map((rest): ComparedLine => ({ scenario: "plain", line: `traceroute ${rest}`, user: "nobody" })),
  { scenario: "plain", line: "traceroute --fwmark=7 $4", user: "nobody" },
  { scenario: "noDns", line: "traceroute $name" },
];

const otherWords: readonly ComparedLine[] = [
  {
    scenario: "plain",
    line: "traceroute -V",
    difference: { why: "it is another program", code: 0, stderr: /^nettrace \S+, as traceroute 2\.1\n$/ },
  },
  {
    scenario: "plain",
    line: "traceroute --help",
    difference: { why: "our own words, on one screen", code: 0, stderr: /^Usage: traceroute / },
  },
  {
    scenario: "plain",
    line: "traceroute -A -n $4",
    difference: {
      why: "the real one asks whois.radb.net, and ends where it cannot; ours says * where it does not know",
      code: 0,
      stdout: / 1 {2}198\.18\.1\.1 \[\*\] {2}[\d.]+ ms/,
    },
  },
  ...["--queries 3 -n $4", "--quer=3 -n $4", "-nq3 $4", "--sport 4323 -n $4"].map(
    (rest): ComparedLine => ({
      scenario: "plain",
      line: `traceroute ${rest}`,
      difference: { why: "ours reads options as getopt_long(3) does, which takes more", code: 0, stdout: SHAPE },
    }),
  ),
  {
    scenario: "plain",
    line: "traceroute -g 198.18.1.1 -m 1 -w 0.1 $4",
    difference: {
      why: "it cannot be had, and is refused by name",
      code: 2,
      stdout: /^$/,
      stderr: /^traceroute: Cannot use -g: [^\n]+\n$/,
    },
  },
  {
    scenario: "plain",
    line: "traceroute -T -O help",
    difference: { why: "our own words", code: 0, stderr: /^ {2}syn ack fin .*\n[\s\S]* {2}info [^\n]*\n$/ },
  },
  {
    scenario: "slowReverse",
    line: "traceroute -m 1 $4",
    difference: {
      why: "ours gives a name server two seconds in all, and not ten for each name",
      isSameText: true,
      code: 0,
      stdout: /\n 1 {2}198\.18\.1\.1 \(198\.18\.1\.1\) {2}/,
    },
  },
];

const tcptraceroute: readonly ComparedLine[] = [
  ...["$4 443", "-n $name 443", "$name", "$name 9999", "$name https", "-q 1 $name 443", "-n -f 2 -m 3 $name"].map(
    (rest): ComparedLine => ({ scenario: "plain", line: `tcptraceroute ${rest}` }),
  ),
  ...["-p 4000 $4", "$name 443 100", "$name 443 10", "-t 16 -F -n $4 443", "-w 1 -n $4 443", "--track-port $4"].map(
    (rest): ComparedLine => ({ scenario: "plain", line: `tcptraceroute ${rest}` }),
  ),
  ...["nosuch.lab.example", "$6", "-f 3 -m 2 $4", "-q 0 $4", "-m 300 $4", "-m 0 $4", "-w 0 $4", "-i", "$4 nosuch"].map(
    (rest): ComparedLine => ({ scenario: "plain", line: `tcptraceroute ${rest}` }),
  ),
  { scenario: "plain", line: "tcptraceroute -i eth7 $4" },
  { scenario: "silentMiddle", line: "tcptraceroute -n -w 1 -q 2 $4 443" },
  { scenario: "unreachableTarget", line: "tcptraceroute -n $4 443" },
  { scenario: "prohibitedTarget", line: "tcptraceroute -n $4 443" },
  { scenario: "restricted", line: "tcptraceroute -n -w 1 -q 1 $4 443", compare: "balanced" },
  {
    scenario: "restricted",
    line: "tcptraceroute $4 22",
    hint: /^nettrace: an OUTPUT rule refuses TCP to port 22; try: /m,
    difference: {
      why: "our SYN has the options of Linux's own",
      code: 1,
      stderr: /Attempted to write 60 bytes, only wrote -1\nnettrace: /,
    },
  },
  {
    scenario: "plain",
    line: "tcptraceroute -n $4 443",
    user: "nobody",
    difference: { why: "ours goes by connect(2) where there is no raw socket", code: 0, stdout: / 4 {2}\S+ \[open\] / },
  },
  {
    scenario: "plain",
    line: "tcptraceroute -q x $4",
    difference: {
      why: "the real one does not name the option",
      code: 1,
      stderr: /^Numeric argument required for -q\n$/,
    },
  },
  {
    scenario: "plain",
    line: "tcptraceroute --help",
    difference: { why: "our own words", code: 1, stderr: /^Usage: tcptr/ },
  },
  ...["-A", "-E", "-d"].map(
    (flag): ComparedLine => ({
      scenario: "plain",
      line: `tcptraceroute ${flag} -n $4 443`,
      difference: {
        why: "it cannot be had, and is refused by name",
        code: 1,
        stderr: new RegExp(`^tcptraceroute: Cannot use ${flag}: [^\\n]+\\n$`),
      },
    }),
  ),
];

export const COMPARED_LINES: readonly ComparedLine[] = [
  ...udp,
  ...icmp,
  ...tcp,
  ...METHOD_LINES,
  ...answers,
  ...refusals,
  ...mistakes,
  ...otherWords,
  ...tcptraceroute,
];
